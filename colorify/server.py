"""Colouring over HTTP: a picture in, a picture out, with the knobs of `Knobs`; several as a batch; nothing is kept.

Bodies and results lie on disk while they wait, so that memory holds the pictures that are worked on alone.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import secrets
import shutil
import time
import zipfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Annotated, Any, get_type_hints

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from colorify import batch
from colorify.batch import BatchOptions
from colorify.inference import Colorizer
from colorify.inputs import Job
from colorify.knobs import Knobs
from colorify.pictures import PictureError
from colorify.pictures.formats import known as format_of
from colorify.version import __version__

_CLIENTS = 10_000  # whose rate is remembered
_PAGE = """<!doctype html><html lang="en"><title>colorify</title><meta name="viewport" content="width=device-width">
<h1>colorify {version}</h1><p>Post a gray picture, get a coloured one:</p>
<pre>curl --data-binary @old.jpg '{base}color?model=highres&amp;saturation=1.2' -o new.jpg</pre>
<p>All that can be asked: <a href="openapi.json">openapi.json</a>. Is it well: <a href="health">health</a>.</p>
</html>"""


@dataclass(frozen=True)
class Limits:
    """What a stranger may ask for."""

    megabytes: float = 50.0  # of a body
    megapixels: float = 100.0  # of a picture
    waiting: int = 200  # requests, and pictures of batches, at the same time
    seconds: float = 300.0  # until a request is answered
    per_minute: int = 0  # requests of one address; 0: any number
    batches: int = 8  # that are kept, done or not
    kept: float = 3600.0  # seconds that a batch is


class _Capped:
    """Bodies of more than so many bytes are refused while they come."""

    def __init__(self, app: ASGIApp, most: float):
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.most:
                raise HTTPException(413, f"the body is larger than {self.most / 1e6:g} MB")
            return message

        await self.app(scope, counted, send)


class _Rate:
    """So many requests of one address in a minute."""

    def __init__(self, per_minute: int):
        self.per_minute, self._seen = per_minute, OrderedDict[str, list[float]]()

    def check(self, address: str) -> None:
        if not self.per_minute:
            return
        now = time.monotonic()
        times = [at for at in self._seen.pop(address, ()) if now - at < 60]
        self._seen[address] = times
        while len(self._seen) > _CLIENTS:
            self._seen.popitem(last=False)
        if len(times) >= self.per_minute:
            raise HTTPException(429, "too many requests", {"Retry-After": str(int(61 - now + times[0]))})
        times.append(now)


class _Desk:
    """Takes pictures, lets so many wait, and gives results back."""

    def __init__(self, colorizers: Mapping[str, Colorizer], limits: Limits, workers: int, home: Path):
        self.colorizers, self.limits, self.home = colorizers, limits, home
        self.pool = ThreadPoolExecutor(workers, "colorify")
        self.waiting = 0

    def place(self) -> Path:
        """A new folder for one picture."""
        return Path(mkdtemp(dir=self.home))

    def chosen(self, model: str) -> Colorizer:
        """The model of this name."""
        if model not in self.colorizers:
            raise HTTPException(422, f"unknown model {model!r}: choose {' or '.join(self.colorizers)}")
        return self.colorizers[model]

    async def color(self, place: Path, colorizer: Colorizer, options: BatchOptions, suffix: str) -> _Colored:
        """The picture ``in`` of a folder, coloured there, once it has its turn."""
        self.waiting += 1
        try:
            work = partial(_color, place, colorizer, options, suffix)
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        except PictureError as error:
            raise HTTPException(422, str(error)) from None
        finally:
            self.waiting -= 1


@dataclass(frozen=True)
class _Colored:
    path: Path
    notes: list[str]


def _color(place: Path, colorizer: Colorizer, options: BatchOptions, suffix: str) -> _Colored:
    source = place / "in"
    with source.open("rb") as file:
        row = format_of(file.read(96))
    if row is None:
        raise PictureError("not a picture in a known format")
    named = source.rename(source.with_suffix(row.suffixes[0]))
    target = place / f"out{suffix or row.written_as or row.suffixes[0]}"
    try:
        return _Colored(target, batch.colorize_file(colorizer, Job(named, target), options))
    except PictureError as error:
        told = str(error).replace(str(named), "the picture").replace(str(target), "the result")
        raise PictureError(told) from None
    except (MemoryError, RuntimeError, ValueError) as error:
        raise PictureError(" ".join(str(error).split())[:200] or type(error).__name__) from None


@dataclass
class _Batch:
    """Pictures that were sent together."""

    place: Path
    names: list[str]
    begun: float = field(default_factory=time.monotonic)
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    task: asyncio.Task | None = None

    @property
    def finished(self) -> bool:
        return self.task is not None and self.task.done()

    def told(self) -> dict[str, object]:
        """How far it is."""
        return {"total": len(self.names), "done": self.done, "failed": self.failed, "finished": self.finished}


def _asked() -> Callable[..., Knobs]:
    """A dependency of FastAPI: the knobs as parameters of the query."""
    types = get_type_hints(Knobs, localns=dict.fromkeys(("Color", "Hint", "Mask", "Reference"), object))

    def knobs(hints: str, palette: str, **values: Any) -> Knobs:
        try:
            told = [tuple(hint) for hint in json.loads(hints)] if hints else ()
            return Knobs(**values | {"hints": told, "palette": palette.split(",") if palette else None})
        except (ValueError, TypeError) as error:
            raise HTTPException(422, f"{error}") from None

    parameters = [
        inspect.Parameter(
            knob.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=knob.default,
            annotation=Annotated[
                types[knob.name],
                Query(description=knob.metadata["help"], ge=knob.metadata["min"], le=knob.metadata["max"]),
            ],
        )
        for knob in fields(Knobs)
        if knob.metadata and types[knob.name] in (int, float, bool, int | None, float | None)
    ]
    texts = {
        "hints": 'JSON: [[x, y, "#c03020"], [x, y, [a, b]]], in px of the upright picture.',
        "palette": "Colors to keep to: navy,#8b4513,khaki.",
    }
    for name, said in texts.items():
        kind = Annotated[str, Query(description=said)]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default="", annotation=kind))
    vars(knobs)["__signature__"] = inspect.Signature(parameters)
    return knobs


def application(
    colorizers: Mapping[str, Colorizer], token: str = "", limits: Limits | None = None, workers: int = 1
) -> FastAPI:
    """The application for any ASGI server; with a ``token`` all but ``/health`` asks for it as a bearer's."""
    limits = limits or Limits()
    rate = _Rate(limits.per_minute)
    first = next(iter(colorizers))

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        with TemporaryDirectory(prefix="colorify-") as home:
            app.state.desk, app.state.batches = _Desk(colorizers, limits, workers, Path(home)), {}
            yield
            for sent in app.state.batches.values():
                sent.task.cancel()
            app.state.desk.pool.shutdown(cancel_futures=True)

    def allowed(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if token and not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "this server wants its token: Authorization: Bearer TOKEN")
        rate.check(request.client.host if request.client else "")

    app = FastAPI(title="colorify", version=__version__, docs_url=None, redoc_url=None, lifespan=running)
    app.add_middleware(_Capped, most=limits.megabytes * 1e6)
    guard = [Depends(allowed)]

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page(request: Request) -> str:
        return _PAGE.format(version=__version__, base=request.base_url)

    @app.get("/health")
    async def health() -> dict[str, object]:
        """Whether it answers, with what, and how many wait."""
        return {"colorify": __version__, "models": list(colorizers), "waiting": app.state.desk.waiting}

    @app.post("/color", dependencies=guard, response_class=FileResponse)
    async def color(
        request: Request,
        knobs: Annotated[Knobs, Depends(_asked())],
        model: str = first,
        format: Annotated[str, Query(description="png, jpg, tif ...; default: that of the picture.")] = "",
        side_by_side: bool = False,
    ) -> FileResponse:
        """The body is a picture; so is the answer, in its size, depth and format, with its metadata."""
        desk: _Desk = app.state.desk
        if desk.waiting >= limits.waiting:
            raise HTTPException(503, "too many are waiting: try again", {"Retry-After": "10"})
        colorizer, place = desk.chosen(model), desk.place()
        try:
            async with asyncio.timeout(limits.seconds):
                with (place / "in").open("wb") as file:
                    async for chunk in request.stream():
                        file.write(chunk)
                options = BatchOptions(knobs, side_by_side, max_megapixels=limits.megapixels)
                done = await desk.color(place, colorizer, options, f".{format.lower()}" if format else "")
        except BaseException as error:
            shutil.rmtree(place, ignore_errors=True)
            if isinstance(error, TimeoutError):
                raise HTTPException(503, f"not done in {limits.seconds:g} s", {"Retry-After": "60"}) from None
            raise
        headers = {"Colorify-Notes": json.dumps(done.notes)} if done.notes else {}
        background = BackgroundTask(shutil.rmtree, place, ignore_errors=True)
        return FileResponse(done.path, headers=headers, filename=f"color{done.path.suffix}", background=background)

    @app.post("/batches", dependencies=guard, status_code=202)
    async def send(
        request: Request, knobs: Annotated[Knobs, Depends(_asked())], model: str = first
    ) -> dict[str, object]:
        """Pictures as the files of a form (multipart/form-data): the answer names the batch."""
        colorizer, place = app.state.desk.chosen(model), app.state.desk.place()
        _forget(app.state.batches, limits)
        if len(app.state.batches) >= limits.batches:
            shutil.rmtree(place, ignore_errors=True)
            raise HTTPException(503, "too many batches: try again", {"Retry-After": "60"})
        try:
            names = await _received(request, place, limits)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        found, options = _Batch(place, names), BatchOptions(knobs, max_megapixels=limits.megapixels)
        found.task = asyncio.create_task(_run(app.state.desk, found, colorizer, options))
        app.state.batches[number := secrets.token_hex(8)] = found
        return {"batch": number} | found.told()

    def known(number: str) -> _Batch:
        _forget(app.state.batches, limits)
        if number not in app.state.batches:
            raise HTTPException(404, "no such batch, or it is over")
        return app.state.batches[number]

    @app.get("/batches/{number}", dependencies=guard)
    async def progress(number: str) -> dict[str, object]:
        """How far a batch is."""
        return known(number).told()

    @app.get("/batches/{number}/result", dependencies=guard, response_class=FileResponse)
    async def result(number: str) -> FileResponse:
        """The pictures of a finished batch, as a ZIP file."""
        found = known(number)
        if not found.finished:
            raise HTTPException(409, "not done yet", {"Retry-After": "5"})
        return FileResponse(found.place / "result.zip", filename="colorized.zip")

    return app


async def _received(request: Request, place: Path, limits: Limits) -> list[str]:
    """Put the files of a form into folders of their own; returns the names of these."""
    async with request.form(max_files=limits.waiting) as form:
        sent = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        names = [f"{number:04d}-{_plain(file.filename)}" for number, file in enumerate(sent, 1)]
        for name, file in zip(names, sent, strict=True):
            (place / name).mkdir()
            with (place / name / "in").open("wb") as kept:
                await asyncio.to_thread(shutil.copyfileobj, file.file, kept)
    return names


async def _run(desk: _Desk, found: _Batch, colorizer: Colorizer, options: BatchOptions) -> None:
    """Colour a batch, one picture after the other, so that those sent alone have their turn, and pack the results."""
    with zipfile.ZipFile(found.place / "result.zip", "w", zipfile.ZIP_STORED) as packed:
        for name in found.names:
            try:
                done = await desk.color(found.place / name, colorizer, options, "")
                await asyncio.to_thread(packed.write, done.path, Path(name).stem + done.path.suffix)
            except HTTPException as error:
                found.failed[name] = str(error.detail)
            found.done += 1
            shutil.rmtree(found.place / name, ignore_errors=True)


def _forget(batches: dict[str, _Batch], limits: Limits) -> None:
    """Leave the batches that were kept long enough."""
    for number, found in list(batches.items()):
        if found.finished and time.monotonic() - found.begun > limits.kept:
            shutil.rmtree(batches.pop(number).place, ignore_errors=True)


def _plain(name: str | None) -> str:
    """A file name of a stranger's, as one that is safe everywhere."""
    return re.sub(r"[^\w.-]+", "_", Path(name or "").name)[-100:].strip(".") or "picture"
