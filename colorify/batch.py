"""Many picture files: coloured side by side, and what failed."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image

from colorify import pictures
from colorify.data import kinds
from colorify.files import write_beside
from colorify.inference import Colorizer, Mix
from colorify.inputs import Job, Passed
from colorify.knobs import Knobs
from colorify.masks import Mask
from colorify.models.running import cores
from colorify.network_input import upright_size
from colorify.pictures import FORMATS, MAX_MEGAPIXELS, Picture, PictureError, graft, provenance
from colorify.pictures.credentials import Credentials, Made, pages_unsigned, signing, unsigned
from colorify.pictures.formats import known
from colorify.pictures.read import CONVERTED, Pages

T = TypeVar("T")
R = TypeVar("R")

_KEPT, _COPIED = "in color: kept as it is", "in color: copied as it is"
TOGETHER = 4  # pictures to work on at the same time, at most: memory holds them all


@dataclass(frozen=True)
class BatchOptions:
    """How every picture is coloured and written; see `Colorizer`."""

    knobs: Knobs = field(default_factory=Knobs)
    side_by_side: bool = False
    overwrite: bool = False
    max_megapixels: float = MAX_MEGAPIXELS
    keep_times: bool = False  # results get those of their sources
    keep_color: bool = False  # leave alone what is in color already
    layers: bool = False  # color as a layer of its own over the gray
    keep_luma: bool = False  # of a JPEG that becomes one, to the bit
    hints: Path | None = None  # a folder with those of some files, NAME.csv each
    films: Mapping[str, Any] = field(default_factory=dict)  # more of `colorify.video.job.FilmOptions`
    credentials: Credentials | None = None  # that results are signed with

    def __post_init__(self) -> None:
        if self.layers and self.side_by_side:
            raise ValueError("layers lie over each other: choose --layers or --side-by-side")
        others = {"layers": self.layers, "side-by-side": self.side_by_side, "badge": self.knobs.badge}
        if self.keep_luma and (found := [name for name, asked in others.items() if asked]):
            raise ValueError(f"luma that is kept to the bit has no room for more: choose --keep-luma or --{found[0]}")
        if self.credentials and self.layers:
            raise ValueError("files with layers hold no content credentials: choose --layers or --sign-key")
        if self.credentials and not self.knobs.provenance:
            raise ValueError("credentials say that a picture was coloured: choose --sign-key or --no-provenance")

    def hinted(self, source: Path | str) -> Knobs:
        """The knobs for a file, with its own hints; `HintError` for some that cannot be read."""
        path = self.hints and self.hints / f"{Path(source).name}.csv"
        if path is None or not path.exists():
            return self.knobs
        from colorify.hints import read

        return replace(self.knobs, hints=tuple(read(path)))


class Ended(NamedTuple):
    """What became of a picture: a failure's reason, or what there is to say of one that was coloured."""

    failed: bool = False
    reason: str = ""
    damaged: bool = False  # it was coloured, and not all of its source could be read


def workers(jobs: Sized) -> int:
    """How many pictures to work on at the same time."""
    return max(1, min(cores(), len(jobs), TOGETHER))


def ready(jobs: Iterable[Job], options: BatchOptions) -> tuple[list[Job], list[Passed]]:
    """The jobs that can be done, and those whose source is missing or whose result exists: known without a model."""
    checked = [(job, _blocked(job, options)) for job in jobs]
    return [job for job, passed in checked if not passed], [passed for _, passed in checked if passed]


def unmarked(jobs: Iterable[Job], options: BatchOptions) -> list[str]:
    """What there is to say before the work, a line for each format whose results will not say that they are colored."""
    if not options.knobs.provenance or options.credentials:  # what cannot be signed is not even written
        return []
    kinds = dict.fromkeys(job.target.suffix.lower() for job in jobs if not job.is_film)
    return list(dict.fromkeys(_UNSAID[suffix] for suffix in kinds if suffix in _UNSAID))


def without(jobs: Iterable[Job], options: BatchOptions) -> list[str]:
    """What there is to say before the work, a line for each format whose results cannot be signed."""
    suffixes = dict.fromkeys(job.target.suffix.lower() for job in jobs) if options.credentials else ()
    return list(dict.fromkeys(filter(None, map(unsigned, suffixes))))


def unheard(jobs: Iterable[Job], options: BatchOptions) -> list[str]:
    """What there is to say of files of hints that are those of no job."""
    names = {Path(job.source).name for job in jobs}
    found = sorted(options.hints.glob("*.csv")) if options.hints else []
    cure = "name it as that file with .csv behind, photo.jpg.csv"
    return [f"{path}: the hints of no file that is coloured: {cure}" for path in found if path.stem not in names]


_UNSAID = {suffix: provenance.unsaid(row.name) for suffix, row in FORMATS.items() if "xmp" not in row.holds}


def layered(jobs: Iterable[Job]) -> list[Job]:
    """The jobs with targets that hold layers."""
    return [job if job.is_film else replace(job, target=pictures.layers.target_of(job.target)) for job in jobs]


def run(
    colorizer: Colorizer | Mix, jobs: Iterable[Job], options: BatchOptions, say: Callable[[str], None], workers: int = 1
) -> int:
    """Colour every job; what fails, and what looks like no photograph, is told to ``say``, in order; the rest goes on.

    ``workers`` pictures are read, coloured and written side by side. Returns the number of failures.
    """
    failures = 0
    for _, ended in outcomes(colorizer, jobs, options, workers):
        if ended.reason:
            say(ended.reason)
        failures += ended.failed
    return failures


def outcomes(
    colorizer: Colorizer | Mix, jobs: Iterable[Job], options: BatchOptions, workers: int = 1
) -> Iterator[tuple[Job, Ended]]:
    """`run`, with each job as it ends, in order."""
    with ThreadPoolExecutor(workers) as pool:
        yield from in_order(pool, lambda job: (job, attempt(colorizer, options, job)), jobs, workers)


def in_order(pool: Executor, function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """As ``pool.map``, with at most so many calls under way beyond the one whose result is awaited."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def attempt(colorizer: Colorizer | Mix, options: BatchOptions, job: Job) -> Ended:
    """Colour one picture, or tell why not; what looks like no photograph is coloured, and told."""
    try:
        with _named(job):
            options = replace(options, knobs=options.hinted(job.source), hints=None)
        notes = [note for note in colorize_file(colorizer, job, options) if note not in _UNSAID.values()]
        return Ended(reason=f"{job.source}: {_told(notes)}" if notes else "")
    except PictureError as error:
        return Ended(True, str(error))
    except (MemoryError, RuntimeError, OSError) as error:  # RuntimeError: torch is out of memory
        return Ended(True, f"{job.source}: {' '.join(str(error).split())[:200] or type(error).__name__}")


def _blocked(job: Job, options: BatchOptions) -> Passed | None:
    """What keeps a job from being done, as far as names tell."""
    local = job.source if isinstance(job.source, Path) and not job.shard else None
    if local and not os.path.lexists(local):
        return Passed(job.source, "no such file", failed=True)
    if job.target.exists():
        if local and local.exists() and job.target.samefile(local):
            return Passed(job.source, "would be overwritten by its own result: choose another -o", failed=True)
        if not options.overwrite:
            return Passed(job.target, "exists already (--overwrite replaces it)", failed=True)
    if options.credentials and (reason := unsigned(job.target.suffix)):
        return Passed(job.target, reason, failed=True)
    return None


def colorize_file(colorizer: Colorizer | Mix, job: Job, options: BatchOptions) -> list[str]:
    """Colour one file; returns what there is to say: what could not be kept, what looks like no photograph.

    What is in color already is only copied, where the options say to keep it.
    """
    if passed := _blocked(job, options):
        raise PictureError(str(passed))
    with signing(options.credentials, job.target) as draft:
        notes = _colorized(colorizer, replace(job, target=draft), options)
        if options.credentials and {_KEPT, _COPIED} & set(notes):  # nothing was done to it
            notes.append("not signed")
        elif options.credentials:
            title, row = Path(str(job.source)).name, known(content := job.content())
            suffix = row.suffixes[0] if row else Path(title).suffix
            made = Made(title, suffix, io.BytesIO(content), colorizer.signature, options.knobs.told())
            options.credentials.sign(draft, job.target.name, made)
    _keep_times(job, options)
    return notes


def _colorized(colorizer: Colorizer | Mix, job: Job, options: BatchOptions) -> list[str]:
    """The same, without times and credentials."""
    source = job.read(options.max_megapixels)
    layers = options.layers or job.target.suffix.lower() == pictures.layers.OPEN_RASTER
    if layers:
        pictures.layers.check(job.target, len(source))
    else:
        pictures.check_target(job.target, len(source))
    if options.credentials and len(source) > 1:
        raise PictureError(f"{job.source}: {pages_unsigned(len(source))}")
    pages = list(source) if len(source) == 1 else source
    if options.keep_color and isinstance(job.source, Path) and _is_copied(job, pages, options):
        write_beside(job.target, job.source.read_bytes())
        return [_COPIED]

    def colored(picture: Picture) -> Picture:
        knobs = options.knobs
        if options.keep_color and (tint := own_color(picture)) is not None:
            if tint.all():
                kept.append(picture.size)
                return pictures.beside(picture, picture) if options.side_by_side else picture
            notes.append("tinted by hand: its tint is kept")
            knobs = around(tint, knobs, picture)
        with _named(job):
            (result,) = colorizer.colorize([picture], knobs)
        notes.extend(f"looks like a {looks}" for looks in (kinds.look(thumbnail(picture)),) if looks)
        return pictures.beside(picture, result) if options.side_by_side else result

    notes: list[str] = []
    kept: list[tuple[int, int]] = []
    rest = (job.target, options.overwrite, len(source), source.large)
    luma = _luma(job, pages, options) if options.keep_luma else None
    if isinstance(luma, tuple):
        notes += _under_luma(colorizer, job, *luma, options)
    elif layers:
        notes += pictures.layers.write_layers(((page, colored(page)) for page in pages), *rest)
    else:
        notes += pictures.write_pages(map(colored, pages), *rest)
    notes += [f"its luma is not kept to the bit: {luma}"] if isinstance(luma, str) else []
    if kept:
        notes = [_KEPT, *notes] if len(kept) == len(source) else ["pages in color: kept as they are", *notes]
    return list(dict.fromkeys(notes))


@contextmanager
def _named(job: Job) -> Iterator[None]:
    """What is wrong with knobs for one picture, a hint outside of it, a mask of another shape, names that."""
    try:
        yield
    except ValueError as error:
        raise PictureError(f"{job.source}: {error}") from None


def _luma(job: Job, pages: list[Picture] | Pages, options: BatchOptions) -> tuple[graft.Scans, Picture] | str:
    """The luma of a JPEG, as its file has it and as a gray picture; or why it cannot be kept to the bit."""
    row = FORMATS.get(job.target.suffix.lower())
    if row is None or row.name != "JPEG":
        return "the result is no JPEG"
    (picture,) = pages
    try:
        found = luma_of(job.content(), picture)
    except PictureError as error:
        return str(error)
    if picture.pixels.ndim == 3 and (options.knobs.mask or (options.keep_color and own_color(picture) is not None)):
        return "colors that the source has are kept too"
    return found


def luma_of(content: bytes, picture: Picture) -> tuple[graft.Scans, Picture]:
    """The luma of the file of a picture, as that has it and as a gray picture.

    `PictureError` says why it cannot be kept to the bit.
    """
    luma = graft.luma_of(content)
    if picture.pixels.ndim == 2:
        return luma, picture
    if CONVERTED in picture.metadata.warnings:
        raise PictureError(CONVERTED)
    return luma, replace(picture, pixels=graft.luma_samples(content))


def _under_luma(
    colorizer: Colorizer | Mix, job: Job, luma: graft.Scans, gray: Picture, options: BatchOptions
) -> list[str]:
    """Color a JPEG whose luma stays as it is; returns what there is to say."""
    with _named(job):
        (answer,), knobs = colorizer.answers([gray], options.knobs)
        chroma, saved = answer.under_luma(knobs, colorizer.concurrency == 1)
    notes = pictures.write_grafted(luma, chroma, saved, job.target, options.overwrite)
    looks = kinds.look(thumbnail(gray))
    return [*notes, *([f"looks like a {looks}"] if looks else [])]


def _told(notes: list[str]) -> str:
    return "; ".join(notes if notes[0].startswith("in color") else ["colored", *notes])


def _keep_times(job: Job, options: BatchOptions) -> None:
    if options.keep_times and isinstance(job.source, Path) and not job.shard:
        found = job.source.stat()
        os.utime(job.target, ns=(found.st_atime_ns, found.st_mtime_ns))


def own_color(picture: Picture) -> np.ndarray | None:
    """Where a picture has colors of its own, 0..1 ``(h, w)``, upright: everywhere, in the tinted places, or nowhere."""
    if picture.pixels.ndim == 2 or kinds.one_hue(small := thumbnail(picture)):
        return None
    tint = kinds.tint(small)
    return np.ones((1, 1), np.float32) if tint is None else pictures.turn(tint, picture.orientation)


def _is_copied(job: Job, pages: list[Picture] | Pages, options: BatchOptions) -> bool:
    """Whether a file is wholly in color, and its result would be of the same format."""
    if job.shard or not isinstance(job.source, Path) or len(pages) > 1 or options.side_by_side:
        return False
    same = FORMATS.get(job.source.suffix.lower()) is FORMATS.get(job.target.suffix.lower())
    return same and all((own := own_color(page)) is not None and own.all() for page in pages)


def around(tint: np.ndarray, knobs: Knobs, picture: Picture) -> Knobs:
    """Knobs whose mask leaves out what is tinted."""
    left = 1 - tint
    if knobs.mask:
        knobs.mask.check(upright_size(picture))
        left = cv2.resize(left, knobs.mask.values.shape[::-1]) * knobs.mask.values / 255
    return replace(knobs, mask=Mask((left * 255 + 0.5).astype(np.uint8), "tint"))


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
