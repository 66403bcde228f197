# The command line and the studio on a processor, without root rights.
#
#   docker build -t colorify .
#   docker run --rm -v "$PWD:/work" colorify image old-photos/ -o colored/
#   docker run --rm -p 127.0.0.1:8866:8866 colorify studio
FROM python:3.13-slim AS built
WORKDIR /src
COPY pyproject.toml params.yaml README.md LICENSE ./
COPY colorify ./colorify
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir ".[formats,studio,serve]"

FROM python:3.13-slim
COPY --from=built /venv /venv
COPY --chmod=755 docker/start /usr/local/bin/start
COPY nbs/08_studio.ipynb /studio/
RUN useradd --uid 1000 --create-home colorify && mkdir /work && chown colorify /work
ENV PATH=/venv/bin:$PATH HOME=/tmp
USER colorify
WORKDIR /work
EXPOSE 8866
ENTRYPOINT ["start"]
CMD ["--help"]
