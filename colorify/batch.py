"""Many picture files: coloured side by side, and what failed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image

from colorify import pictures
from colorify.data import kinds
from colorify.inference import Colorizer
from colorify.inputs import Job, Passed
from colorify.knobs import Knobs
from colorify.models.running import cores
from colorify.pictures import MAX_MEGAPIXELS, Picture, PictureError

if TYPE_CHECKING:
    pass

T, R = TypeVar("T"), TypeVar("R")

TOGETHER = 4  # pictures to work on at the same time, at most: memory holds them all


@dataclass(frozen=True)
class BatchOptions:
    """How every picture is coloured and written; see `Colorizer`."""

    knobs: Knobs = field(default_factory=Knobs)
    side_by_side: bool = False
    overwrite: bool = False
    max_megapixels: float = MAX_MEGAPIXELS
    keep_times: bool = False  # results get those of their sources
    films: Mapping[str, object] = field(default_factory=dict)  # more of `colorify.video.job.Options`


class Ended(NamedTuple):
    """What became of a picture: a failure's reason, or what there is to say of one that was coloured."""

    failed: bool = False
    reason: str = ""
    damaged: bool = False  # it was coloured, and not all of its source could be read


def workers(jobs: Sequence[Job]) -> int:
    """How many pictures to work on at the same time."""
    return max(1, min(cores(), len(jobs), TOGETHER))


def ready(jobs: Iterable[Job], options: BatchOptions) -> tuple[list[Job], list[Passed]]:
    """The jobs that can be done, and those whose source is missing or whose result exists: known without a model."""
    checked = [(job, _blocked(job, options)) for job in jobs]
    return [job for job, passed in checked if not passed], [passed for _, passed in checked if passed]


def run(
    colorizer: Colorizer, jobs: Iterable[Job], options: BatchOptions, say: Callable[[str], None], workers: int = 1
) -> int:
    """Colour every job; what fails, and what looks like no photograph, is told to ``say``, in order; the rest goes on.

    ``workers`` pictures are read, coloured and written side by side. Returns the number of failures.
    """
    with ThreadPoolExecutor(workers) as pool:
        failures = 0
        for ended in in_order(pool, partial(attempt, colorizer, options), jobs, workers):
            if ended.reason:
                say(ended.reason)
            failures += ended.failed
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


def attempt(colorizer: Colorizer, options: BatchOptions, job: Job) -> Ended:
    """Colour one picture, or tell why not; what looks like no photograph is coloured, and told."""
    try:
        notes = colorize_file(colorizer, job, options)
        return Ended(reason=f"{job.source}: colored; {'; '.join(notes)}" if notes else "")
    except PictureError as error:
        return Ended(True, str(error))
    except (MemoryError, RuntimeError, OSError) as error:  # RuntimeError: torch is out of memory
        return Ended(True, f"{job.source}: {' '.join(str(error).split())[:200] or type(error).__name__}")


def _blocked(job: Job, options: BatchOptions) -> Passed | None:
    """What keeps a job from being done, as far as names tell."""
    local = isinstance(job.source, Path) and not job.shard
    if local and not os.path.lexists(job.source):
        return Passed(job.source, "no such file", failed=True)
    if job.target.exists():
        if local and job.source.exists() and job.target.samefile(job.source):
            return Passed(job.source, "would be overwritten by its own result: choose another -o", failed=True)
        if not options.overwrite:
            return Passed(job.target, "exists already (--overwrite replaces it)", failed=True)
    return None


def colorize_file(colorizer: Colorizer, job: Job, options: BatchOptions) -> list[str]:
    """Colour one file; returns what there is to say: what could not be kept, what looks like no photograph."""
    if passed := _blocked(job, options):
        raise PictureError(str(passed))
    source = job.read(options.max_megapixels)
    pictures.check_target(job.target, len(source))

    def colored(picture: Picture) -> Picture:
        (result,) = colorizer.colorize([picture], options.knobs)
        notes.extend(f"looks like a {looks}" for looks in (kinds.look(thumbnail(picture)),) if looks)
        return pictures.beside(picture, result) if options.side_by_side else result

    notes: list[str] = []
    results = map(colored, source)
    notes += pictures.write_pages(results, job.target, options.overwrite, len(source), source.large)
    if options.keep_times and isinstance(job.source, Path) and not job.shard:
        found = job.source.stat()
        os.utime(job.target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return list(dict.fromkeys(notes))


def thumbnail(picture: Picture, side: int = 512) -> Image.Image:
    """A small 8-bit copy as the file lies, its long side at most ``side`` pixels."""
    step = max(1, 2 * max(picture.size) // (3 * side))  # of a large picture, a part of the pixels is enough
    pixels, scale = picture.pixels[::step, ::step], min(1.0, side / max(picture.size))
    width, height = (max(1, round(length * scale)) for length in picture.size)
    if np.issubdtype(pixels.dtype, np.floating):
        pixels = pixels.astype(np.float32)
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    top = np.iinfo(pixels.dtype).max if np.issubdtype(pixels.dtype, np.integer) else 1
    return Image.fromarray((small.astype(np.float32) * (255 / top) + 0.5).astype(np.uint8))
