.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
PYTEST := OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses 2 --dist loadgroup
PAGE := "$(CURDIR)/colorify/widgets/page"

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with everything, from the lock
$(READY): requirements.lock pyproject.toml
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(VENV)/bin/uv pip install --quiet --python $(PYTHON) --compile-bytecode --require-hashes -r requirements.lock
	$(VENV)/bin/uv pip install --quiet --python $(PYTHON) --no-deps -e .
	touch $@

demo: $(READY) ## Colour the free sample pictures: gray | colour under reports/demo/
	$(PYTHON) -m colorify demo -o reports/demo

pictures: demo ## Make the pictures of the README, the pages and the model cards
	$(PYTHON) -m colorify demo --model lowres -o reports/demo/lowres
	cp reports/demo/strip.jpg docs/strip.jpg
	cp reports/demo/failures.jpg docs/failures-highres.jpg
	cp reports/demo/lowres/failures.jpg docs/failures-lowres.jpg

test: $(READY) ## Run the tests of a few minutes: all but those marked `long`
	$(PYTEST) -m "not long"

test-all: $(READY) ## Run all tests, as CI does: kills, long runs, browsers, Ray and the notebooks besides
	$(PYTEST)

coverage: $(READY) ## Which lines and branches the tests of a few minutes reach
	$(PYTEST) -m "not long" --cov=colorify --cov-branch --cov-report=term-missing:skip-covered

lint: $(READY) ## Check style, types and the floors of the package
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

bench: $(READY) ## Measure speed and memory, as ratios in one run, into reports/benchmarks: 35 minutes, 75 with FILM=7200
	for name in inference networks video training scale collect studio; do $(PYTHON) benchmarks/$$name.py || exit 1; done
	$(PYTHON) benchmarks/growth.py --film $(or $(FILM),1000)
	for name in simulation summary; do $(PYTHON) benchmarks/$$name.py || exit 1; done

fuzz: $(READY) ## Look for bytes that break a reader, for MINUTES=10; findings are kept in tests/fuzz/corpus
	PYTHONPATH=tests $(PYTHON) -m fuzz.fuzzer --minutes $(or $(MINUTES),10)

faults: $(READY) ## Kill commands at random moments, fill the disk, corrupt checkpoints: ROUNDS=200 of each
	PYTHONPATH=tests $(PYTHON) -m faults.harness --rounds $(or $(ROUNDS),200)

endurance: $(READY) ## Colour the frames of a day, and 20,000 pictures, each in one process
	PYTHONPATH=tests $(PYTHON) -m endurance.runs

films: $(READY) ## Make films of many kinds with FFmpeg, color them, and write what is equal: reports/films.md
	PYTHONPATH=tests $(PYTHON) -m video.matrix -o reports/films.md

soak: $(READY) ## Start RUNS=200 fresh processes of image, bulk and video each: none may hang
	PYTHONPATH=tests $(PYTHON) -m soak.runs --runs $(or $(RUNS),200)

repro: $(READY) ## Run the chain of notebooks that params.yaml names, where something changed
	@test -e .git || { echo "no .git here, as in a downloaded ZIP: dvc runs without git (.dvc/config.local says so)"; \
		$(VENV)/bin/dvc config --local core.no_scm true; }
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" dvc repro

experiments: $(READY) ## Compare the experiments of `dvc exp run`: what they changed, and what came of it
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" dvc exp show --no-pager --only-changed --drop '\.(py|ipynb|txt|safetensors)$$|^colorify/|^data/|^checkpoints/'

lab: $(READY) ## Open JupyterLab, on this machine alone
	JUPYTER_CONFIG_PATH=$(PAGE) $(VENV)/bin/jupyter lab nbs

bundle: ## Bundle the sources of the studio's page; needs node and npm, once the internet
	cd colorify/widgets/js && { test -d node_modules || npm ci --no-audit --no-fund; } && npm run build

studio: $(READY) ## Serve the studio as a page, on this machine alone: open the address that it prints, with its token
	JUPYTER_CONFIG_PATH=$(PAGE) JUPYTER_PATH=$(PAGE) $(VENV)/bin/voila nbs/08_studio.ipynb

docs: $(READY) ## Build the documentation site, without the network: docs/_build/html/index.html
	$(PYTHON) docs/commands.py
	$(PYTHON) -m sphinx -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html

screenshots: $(READY) ## Make the screenshots of the pages; needs chromium
	PYTHONPATH=tests $(PYTHON) docs/screenshots.py

lock: ## Pin the newest versions that pyproject.toml allows
	$(VENV)/bin/uv pip compile --quiet --universal --all-extras --generate-hashes --upgrade --custom-compile-command "make lock" pyproject.toml -o requirements.lock

audit: $(READY) ## Ask the PyPI advisory database about every pinned package; needs the internet
	$(VENV)/bin/uv tool run pip-audit==2.10.1 --strict --disable-pip --require-hashes -r requirements.lock

clean: ## Remove what can be made again: the environment, caches, the demo
	rm -rf $(VENV) data/cache reports/demo docs/_build docs/made colorify/widgets/js/node_modules .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help setup demo pictures test test-all coverage lint bench fuzz faults endurance films soak repro lab bundle studio docs screenshots lock audit clean
