"""Many picture files: what goes where, and what failed."""

from __future__ import annotations

import glob
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from colorify import pictures
from colorify.inference import Colorizer
from colorify.models.onnx import cores
from colorify.pictures import FORMATS, MAX_MEGAPIXELS, PictureError

if TYPE_CHECKING:
    from colorify.hints import Hint

T, R = TypeVar("T"), TypeVar("R")


@dataclass(frozen=True)
class Job:
    """One picture file to colour, and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Options:
    """How every picture is coloured and written; see `Colorizer`."""

    size: int | None = None
    saturation: float = 1.0
    blur: float = 0.0
    side_by_side: bool = False
    overwrite: bool = False
    max_megapixels: float = MAX_MEGAPIXELS
    hints: tuple[Hint, ...] = ()
    flip: bool = True


def plan(inputs: Iterable[str], out: Path) -> tuple[list[Job], list[PictureError]]:
    """Files, folders (their tree is kept) and glob patterns -> jobs, and an error for each input that gives none.

    ``out`` is a file when it has a picture's suffix and the one input is a file, else a folder.
    """
    inputs, jobs, errors = list(inputs), [], []
    if len(inputs) == 1 and not Path(inputs[0]).is_dir() and not _is_pattern(inputs[0]) and _is_picture(out):
        return [Job(Path(inputs[0]), out)], []
    for text in inputs:
        found = list(_found(text, out))
        jobs += found
        if not found:
            errors.append(PictureError(f"{text}: no pictures found ({', '.join(FORMATS)})"))
    taken: dict[Path, Path] = {}
    for job in jobs:
        other = taken.setdefault(job.target, job.source)
        if other != job.source:
            errors.append(PictureError(f"{job.source}: would be written to {job.target}, as {other} is"))
    return [job for job in dict.fromkeys(jobs) if taken[job.target] == job.source], errors


def _found(text: str, out: Path) -> Iterator[Job]:
    path = Path(text)
    if path.is_dir():
        for source in sorted(p for p in path.rglob("*") if _is_picture(p) and p.is_file()):
            if not source.resolve().is_relative_to(out.resolve()):  # results of an earlier run are no input
                yield Job(source, out / source.relative_to(path))
    elif _is_pattern(text) and not path.exists():
        fixed = Path(*path.parts[: _first_pattern(path)])
        for source in sorted(Path(p) for p in glob.glob(text, recursive=True)):
            if _is_picture(source) and source.is_file():
                yield Job(source, out / source.relative_to(fixed))
    else:
        yield Job(path, out / path.name)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in FORMATS


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[") and not Path(text).exists()


def _first_pattern(path: Path) -> int:
    return next(number for number, part in enumerate(path.parts) if any(sign in part for sign in "*?["))


def workers(jobs: Sequence[Job]) -> int:
    """How many pictures to work on at the same time: memory holds them all."""
    return max(1, min(cores(), len(jobs), 4))


def run(
    colorizer: Colorizer, jobs: Iterable[Job], options: Options, failed: Callable[[str], None], workers: int = 1
) -> int:
    """Colour every job; what fails is told to ``failed``, in order, and the rest goes on.

    ``workers`` pictures are read, coloured and written side by side. Returns the number of failures.
    """

    def attempt(job: Job) -> str | None:
        try:
            colorize_file(colorizer, job, options)
        except PictureError as error:
            return str(error)
        except (MemoryError, RuntimeError, OSError) as error:  # RuntimeError: torch is out of memory
            return f"{job.source}: {' '.join(str(error).split())[:200] or type(error).__name__}"
        return None

    with ThreadPoolExecutor(workers) as pool:
        failures = 0
        for reason in filter(None, in_order(pool, attempt, jobs, workers)):
            failed(reason)
            failures += 1
    return failures


def in_order(pool: Executor, function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """As ``pool.map``, with at most so many calls under way beyond the one whose result is awaited."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def colorize_file(colorizer: Colorizer, job: Job, options: Options) -> None:
    """Colour one file; a target that cannot be written is found out before the work is done."""
    if job.target.exists():
        if job.source.exists() and job.target.samefile(job.source):
            raise PictureError(f"{job.source}: would be overwritten by its own result: choose another -o")
        if not options.overwrite:
            raise PictureError(f"{job.target}: exists already (--overwrite replaces it)")
    source = pictures.read(job.source, options.max_megapixels)
    knobs = {name: getattr(options, name) for name in ("size", "saturation", "blur", "hints", "flip")}
    (result,) = colorizer.colorize([source], **knobs)
    if options.side_by_side:
        result = pictures.beside(source, result)
    pictures.write(result, job.target, options.overwrite)
