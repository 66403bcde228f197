"""Many picture files: what goes where, and what failed."""

from __future__ import annotations

import glob
import logging
import mimetypes
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from colorify import pictures
from colorify.inference import Colorizer
from colorify.models.onnx import cores
from colorify.pictures import FORMATS, MAX_MEGAPIXELS, Pages, Picture, PictureError

if TYPE_CHECKING:
    from colorify.hints import Hint

T, R = TypeVar("T"), TypeVar("R")
log = logging.getLogger(__name__)  # of what is coloured, but not all of which could be kept

CONTAINERS = (".mkv", ".mp4", ".mov")
"""Of films that are written."""

TOGETHER = 4  # pictures to work on at the same time, at most: memory holds them all


@dataclass(frozen=True)
class Job:
    """One picture, or film, to colour, and the file to write."""

    source: Path | str  # a file, inside a tar shard SHARD.tar/MEMBER, or a URL that fsspec can open
    target: Path
    shard: Path | None = None  # the tar file, and where in it the picture lies
    offset: int = 0
    size: int = -1

    @property
    def is_film(self) -> bool:
        """Whether it is one, by its name."""
        return isinstance(self.source, Path) and not self.shard and is_film(self.source)

    def read(self, max_megapixels: float) -> Pages:
        """The picture, or the pages of a TIFF; `PictureError` says why not."""
        if isinstance(self.source, Path) and not self.shard:
            return pictures.pages(self.source, max_megapixels=max_megapixels)
        try:
            if self.shard:
                with open(self.shard, "rb") as file:
                    file.seek(self.offset)
                    content = file.read(self.size)
            else:
                import fsspec

                with fsspec.open(self.source, "rb") as file:
                    content = file.read()
        except OSError as error:
            raise PictureError(f"{self.source}: cannot be read: {error.strerror or error}") from None
        return pictures.pages(content, self.source, max_megapixels)


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
    tta: bool = True
    keep_times: bool = False  # results get those of their sources


def plan(inputs: Iterable[str], out: Path, films: bool = False) -> tuple[list[Job], list[PictureError]]:
    """Files, folders (their tree is kept), globs, tar shards and URLs -> jobs, and an error for each input without any.

    ``out`` is a file when it has a picture's suffix and the one input is a file, else a folder. What is in a tar shard
    goes into a folder of its name. With ``films`` also the films among the files; those of a container that cannot be
    written become ``.mkv``.
    """
    inputs, jobs, errors = list(inputs), [], []
    single = len(inputs) == 1 and not _is_url(inputs[0]) and not Path(inputs[0]).is_dir()
    if single and not _is_pattern(inputs[0]) and _is_picture(out):
        return [Job(Path(inputs[0]), out)], []
    for text in inputs:
        try:
            found = list(_in_url(text, out) if _is_url(text) else _found(text, out, films))
        except (OSError, ValueError, ImportError) as error:  # a tar that is none, a URL that nothing can open
            errors.append(PictureError(f"{text}: {' '.join(str(error).split())}"))
            continue
        jobs += found
        if not found:
            errors.append(PictureError(f"{text}: no pictures found ({', '.join(FORMATS)})"))
    taken: dict[Path, Path] = {}
    for job in jobs:
        other = taken.setdefault(job.target, job.source)
        if other != job.source:
            errors.append(PictureError(f"{job.source}: would be written to {job.target}, as {other} is"))
    return [job for job in dict.fromkeys(jobs) if taken[job.target] == job.source], errors


def _found(text: str, out: Path, films: bool) -> Iterator[Job]:
    path = Path(text)

    def wanted(source: Path) -> bool:
        return _is_picture(source) or (films and is_film(source))

    if path.is_dir():
        for source in sorted(p for p in path.rglob("*") if (wanted(p) or _is_shard(p)) and p.is_file()):
            if source.resolve().is_relative_to(out.resolve()):  # results of an earlier run are no input
                continue
            target = out / source.relative_to(path)
            yield from _in_shard(source, target) if _is_shard(source) else [Job(source, _named(target))]
    elif _is_pattern(text) and not path.exists():
        fixed = Path(*path.parts[: _first_pattern(path)])
        for source in sorted(Path(p) for p in glob.glob(text, recursive=True)):
            if wanted(source) and source.is_file():
                yield Job(source, _named(out / source.relative_to(fixed)))
    elif _is_shard(path):
        yield from _in_shard(path, out / path.name)
    else:
        yield Job(path, _named(out / path.name))


def _named(target: Path) -> Path:
    """The target, with the suffix of a format or container that can be written."""
    target = pictures.written_as(target)
    return target.with_suffix(".mkv") if is_film(target) and target.suffix.lower() not in CONTAINERS else target


def is_film(path: Path) -> bool:
    """Whether a file is a film, by its name."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind.startswith("video/") or path.suffix.lower() in (".mkv", ".mxf", ".ts", ".mts", ".m2ts")


def _in_shard(shard: Path, target: Path) -> Iterator[Job]:
    from colorify.data.manifest import items

    for item in items(shard):
        member = Path(item.entry.path).relative_to(shard)
        if not os.path.normpath(member).startswith(".."):
            yield Job(item.entry.path, target.with_suffix("") / member, shard, item.offset, item.size)


def _in_url(url: str, out: Path) -> Iterator[Job]:
    """What fsspec finds there: a file, or all pictures below a folder."""
    import fsspec

    system, root = fsspec.core.url_to_fs(url)
    for name in sorted(system.find(root)):
        inside = name[len(root) :].strip("/") or Path(name).name
        if _is_picture(Path(name)) and not os.path.normpath(inside).startswith(".."):
            yield Job(system.unstrip_protocol(name), out / inside)


def _is_url(text: str) -> bool:
    return "://" in text


def _is_shard(path: Path) -> bool:
    return path.suffix.lower() == ".tar"


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in FORMATS


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[") and not Path(text).exists()


def _first_pattern(path: Path) -> int:
    return next(number for number, part in enumerate(path.parts) if any(sign in part for sign in "*?["))


def workers(jobs: Sequence[Job]) -> int:
    """How many pictures to work on at the same time."""
    return max(1, min(cores(), len(jobs), TOGETHER))


def run(
    colorizer: Colorizer, jobs: Iterable[Job], options: Options, failed: Callable[[str], None], workers: int = 1
) -> int:
    """Colour every job; what fails is told to ``failed``, in order, and the rest goes on.

    ``workers`` pictures are read, coloured and written side by side. Returns the number of failures.
    """
    with ThreadPoolExecutor(workers) as pool:
        failures = 0
        for reason in filter(None, in_order(pool, partial(attempt, colorizer, options), jobs, workers)):
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


def attempt(colorizer: Colorizer, options: Options, job: Job) -> str | None:
    """Colour one picture, or tell why not."""
    try:
        colorize_file(colorizer, job, options)
    except PictureError as error:
        return str(error)
    except (MemoryError, RuntimeError, OSError) as error:  # RuntimeError: torch is out of memory
        return f"{job.source}: {' '.join(str(error).split())[:200] or type(error).__name__}"
    return None


def colorize_file(colorizer: Colorizer, job: Job, options: Options) -> None:
    """Colour one file; a target that cannot be written is found out before the work is done."""
    if job.target.exists():
        if isinstance(job.source, Path) and job.source.exists() and job.target.samefile(job.source):
            raise PictureError(f"{job.source}: would be overwritten by its own result: choose another -o")
        if not options.overwrite:
            raise PictureError(f"{job.target}: exists already (--overwrite replaces it)")
    source = job.read(options.max_megapixels)
    pictures.check_target(job.target, len(source))
    knobs = {name: getattr(options, name) for name in ("size", "saturation", "blur", "hints", "tta")}

    def colored(picture: Picture) -> Picture:
        (result,) = colorizer.colorize([picture], **knobs)
        return pictures.beside(picture, result) if options.side_by_side else result

    results = map(colored, source)
    for words in pictures.write_pages(results, job.target, options.overwrite, len(source), source.large):
        log.warning("%s: %s", job.source, words)
    if options.keep_times and isinstance(job.source, Path) and not job.shard:
        found = job.source.stat()
        os.utime(job.target, ns=(found.st_atime_ns, found.st_mtime_ns))
