"""Long films in segments, each for itself: what several workers, or machines, can share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from colorify.files import hidden
from colorify.inference import Colorizer
from colorify.lock import lock
from colorify.video import film, job, media, parts, run
from colorify.video.film import FilmOptions
from colorify.video.join import join
from colorify.video.media import VideoError

LENGTH = 120.0  # seconds of a segment; a film of less than two is one
MARGIN = 2.0  # seconds on both sides that are looked at, and not written: colours go on from there
_TIMED = (".mkv", ".webm", ".mp4", ".m4v", ".mov")  # containers whose time stamps hold wherever reading begins


@dataclass(frozen=True)
class Segment:
    """A stretch of a film, in seconds, and the folder for its finished parts."""

    source: Path
    folder: Path
    start: float = 0.0
    end: float | None = None
    codec: str | None = None  # what it is written by


def plan(source: Path, out: Path, options: FilmOptions) -> list[Segment]:
    """A film as segments, whose folders lie in a hidden one beside ``out``.

    Raises `VideoError` when it cannot be read, or ``out`` may not be written.
    """
    job.check(source, out, options)
    codec = job.chosen(source, out, options).codec
    with media.opened(source) as opened:
        length = media.duration(opened) or 0.0
    home = hidden(out, ".segments")
    if _is_one(options):
        return [Segment(source, home / "00000", options.start, options.end, codec)]
    count = _count(source, length)
    begins = [number * LENGTH for number in range(count)]
    ends: list[float | None] = [*begins[1:], None]
    return [
        Segment(source, home / f"{n:05d}", begin, end, codec)
        for n, (begin, end) in enumerate(zip(begins, ends, strict=True))
    ]


def _is_one(options: FilmOptions) -> bool:
    """Whether options want a film in one piece: each shot of it may depend on those before."""
    return bool(options.start or options.end or options.keyframes or options.knobs.hints or options.memory)


def _count(source: Path, length: float) -> int:
    return max(1, int(length / LENGTH)) if source.suffix.lower() in _TIMED else 1


def _remembered(source: Path, options: FilmOptions) -> list[str]:
    """What there is to say of a film that could be parted, but for its memory."""
    if not options.memory or _is_one(replace(options, memory=0)):
        return []
    with media.opened(source) as opened:
        count = _count(source, media.duration(opened) or 0.0)
    return [f"by one worker, for its memory: --memory 0 parts it into {count}"] if count > 1 else []


def color(
    segment: Segment, colorizer: Colorizer, options: FilmOptions, stopped: Callable[[], bool] = lambda: False
) -> None:
    """Colour a segment into its folder, or go on; a finished one is only looked at.

    ``stopped`` is asked after every frame: once it says so, `VideoError`.
    """
    stretch = replace(options, start=segment.start, end=segment.end, codec=segment.codec or options.codec)

    def check(now: film.FilmProgress) -> None:
        if stopped():
            raise VideoError(f"{segment.source}: stopped; the same command goes on")

    with film.named(segment.source, segment.folder), lock(segment.folder):
        margin = 0.0 if _is_one(options) else MARGIN
        film.color_parts(segment.source, segment.folder, colorizer, stretch, check, margin)


def finish(segments: Sequence[Segment], out: Path, options: FilmOptions) -> tuple[list[str], bool]:
    """Put the coloured segments of a film end to end into ``out``, with all else that the film holds.

    Gives what there is to say of it, and whether it is damaged.
    """
    source = segments[0].source
    paths = [path for segment in segments for path in sorted(segment.folder.glob("*.nut"))]
    if not paths:
        raise VideoError(f"{source}: no frame in it could be decoded")
    with film.named(source, out):
        plan, lost = job.plan(source, out, options), media.Damage()
        with job.signing_film(source, out, options) as draft:
            lasts = join(source, paths, draft, plan.content, (options.start, options.end), lost)
        states = [state for segment in segments if (state := parts.state_of(segment.folder)) is not None]
        shutil.rmtree(hidden(out, ".segments"))
    damaged = {place for state in states for place in state["damaged"].tolist()}
    missing = sum(int(state["gaps"][1]) for state in states if state["gaps"][0] <= run.UNEVEN * state["written"])
    done = film.FilmProgress(0, 0, 0, len(damaged) + len(lost), missing, film.lacking(source, options, lasts))
    return [*_remembered(source, options), *plan.notes, *plan.losses, *done.faults()], bool(done.damaged or done.lacks)
