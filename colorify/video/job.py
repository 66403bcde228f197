"""What is asked of a film, and what is found out before the first frame is colored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av

from colorify.containers import CONTAINERS
from colorify.pictures.credentials import CredentialError, Credentials, Made, signing, unsigned
from colorify.video import even, facts, formats, gif, light, media, room, shots, trial
from colorify.video.beside import Way
from colorify.video.facts import Facts, Target
from colorify.video.formats import VideoError
from colorify.video.join import Content
from colorify.video.keyframes import checked
from colorify.video.moving import check as check_mask
from colorify.video.paint import Look

FITTING = {
    "libx264": (".mkv", ".mp4", ".mov"),
    "libx265": (".mkv", ".mp4", ".mov"),
    "libsvtav1": (".mkv", ".mp4", ".webm"),
    "ffv1": (".mkv",),
    "prores": (".mov", ".mkv", ".mxf"),
    "dnxhr": (".mov", ".mxf"),
    "mpeg2video": (".mxf",),
    "libvpx-vp9": (".webm", ".mkv", ".mp4"),
    "gif": (".gif",),
}
"""The containers of each codec."""
USUAL = {".webm": ("libvpx-vp9", "libsvtav1"), ".mxf": ("mpeg2video", "prores"), ".gif": ("gif",)}
"""Codecs of containers that do not hold H.264: the first that holds the frames of a film."""


_USUAL = "libx264"  # anywhere else
THREADS = 2
"""What a model is loaded for: the network gets half of the cores, decoding and encoding keep the other half busy."""


@dataclass(frozen=True)
class FilmOptions(Look):
    """How a film is coloured and written."""

    steady: float = 1.0  # 0: each frame for itself; 1: as steady as can be
    every: int = 1  # the network looks at every so-many-th frame
    keyframes: Path | None = None  # a folder of frames that a person coloured, see `Keyframes`
    shots: Path | None = None  # a table, see `colorify.video.shots`; written if there is none
    memory: int = 0  # frames of earlier shots, at most, that later ones take colors from
    keep_color: bool = False  # leave stretches alone that are in colour already
    codec: str | None = None  # one of `formats.CODECS`; None: what is usual in the container
    quality: str = "high"  # one of `formats.QUALITIES`
    chroma: str | None = None  # one of `formats.CHROMA`; None: what is usual with the codec
    deinterlace: bool = False  # one progressive frame of the two fields of each
    start: float = 0.0  # seconds: where to begin
    end: float | None = None  # seconds: where to stop
    overwrite: bool = False
    strict: bool = False  # what cannot be kept is an error
    credentials: Credentials | None = None  # that the result is signed with


@dataclass(frozen=True)
class FilmProgress:
    """Where a run stands."""

    frames: int  # coloured
    total: int  # about, by length and rate; 0: the file does not say them
    looked: int  # frames that the network saw
    damaged: int = 0  # pieces of the film that could not be read or decoded, or not whole
    missing: int = 0  # frames that should lie between others, by the times of these, in a film of even ones
    lacks: float = 0.0  # seconds that the file says to have, and has not
    saved: float = field(default=0.0, compare=False)  # seconds, about, that the frames it did not see would cost

    def faults(self) -> list[str]:
        """What is wrong with the film itself, in lines."""
        damaged = f"damaged: {self.damaged:,} pieces could not be decoded whole, and are left out or as they came"
        missing = f"{self.missing:,} frames are missing in it, by the times of the others"
        lacks = f"cut off: it says to be {self.lacks:.1f} seconds longer than it is"
        told = ((self.damaged, damaged), (self.missing, missing), (self.lacks, lacks))
        return [text for there, text in told if there]


OnProgress = Callable[[FilmProgress], None]


def chosen(source: Path, out: Path, options: FilmOptions) -> FilmOptions:
    """The same, with a codec: the one asked for, or what is usual in the container of ``out``."""
    usual = USUAL.get(out.suffix.lower(), (_USUAL,))
    if options.codec is not None:
        return options
    if len(usual) > 1 and source.exists():
        need = target_of(source, options).need
        usual = tuple(codec for codec in usual if formats.held(codec, need)) or usual
    return replace(options, codec=usual[0])


def target_of(source: Path, options: FilmOptions) -> Target:
    """What a film becomes; `VideoError` if there is none to read."""
    wide = 1 + options.side_by_side
    found = facts.of(Path(source), options.start)
    keep, chroma = options.keep_color, options.chroma
    return Target(found, options.codec or _USUAL, options.quality, wide, options.deinterlace, keep, chroma)


@contextmanager
def named(source: Path, out: Path) -> Iterator[None]:
    """What goes wrong with a film, as a `VideoError` that says with which file."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        reason, path = error.strerror or error, str(error.filename or "").removeprefix("file:")
        if path == str(source) or (isinstance(error, av.FFmpegError) and error.errno not in media.FULL):
            raise VideoError(f"{source}: {reason}") from None
        raise VideoError(f"{out}: cannot be written: {reason}; the same command goes on") from None


@contextmanager
def signing_film(source: Path, out: Path, options: FilmOptions, model: str = "") -> Iterator[Path]:
    """The name to write ``out`` under: signed, if so asked, and renamed when all of it is there."""
    with signing(options.credentials, out) as draft:
        yield draft
        if options.credentials:
            with open(source, "rb") as file:
                made = Made(source.name, source.suffix, file, model, options.knobs.told())
                try:
                    options.credentials.sign(draft, out.name, made)
                except CredentialError as error:
                    raise VideoError(str(error)) from None


def stretch(options: FilmOptions, found: Facts) -> tuple[int | None, int | None]:
    """The first time stamp to colour, and the first one not to."""
    times = (
        None if time is None else Fraction(round(time * 1e6), 10**6) for time in (options.start or None, options.end)
    )
    first, last = (None if time is None else math.ceil((time + found.origin) / found.base) for time in times)
    return first, last


@dataclass(frozen=True)
class Plan:
    """What is found out of a film before it is colored."""

    target: Target
    ways: tuple[Way, ...]  # of the streams beside the moving picture
    notes: tuple[str, ...]  # what is to be said of it
    losses: tuple[str, ...]  # what cannot be kept
    told: str | None  # what the film is to say of its coloring; None: nothing

    @property
    def content(self) -> Content:
        """What is to be written."""
        return Content(self.target, self.ways, knobs=self.told)  # type: ignore[arg-type]  # `join` has no strict None


def check(source: Path, out: Path, options: FilmOptions) -> list[str]:
    """What is to be said of a film before it is coloured, in lines; errors as `plan`."""
    found = plan(source, out, options)
    return [f"{source}: {note}" for note in (*found.notes, *found.losses)]


def plan(source: Path, out: Path, options: FilmOptions) -> Plan:
    """How a film is to be written: all is tried out, with its first packets, before the first frame is coloured.

    `VideoError` for options that do not go together, a film that cannot be read, a codec or container that cannot hold
    it, a result that may not be written or a disk that is too full: nothing is found out when the work is done. With
    ``strict``, for whatever cannot be kept, too.
    """
    options = chosen(source, out, options)
    _asked(source, out, options)
    target, suffix = target_of(source, options), out.suffix.lower()
    _guided(source, target.facts, options)
    try:
        _ = target.format
    except VideoError as error:
        raise VideoError(f"{source}: {error}") from None
    if found := light.REFUSED.get(target.facts.tags[3]):
        raise VideoError(f"{source}: its transfer is {found}: convert it to BT.709 first, with FFmpeg")
    cut = _CHECKS[suffix](source, target, suffix, options) if suffix in _CHECKS else []
    tried = trial.of(source, suffix, target)
    losses = (*target.losses, *cut, *tried.losses)
    if losses and options.strict:
        raise VideoError(f"{source}: {'; '.join(losses)}: without --strict the rest goes")
    notes = (*target.notes, *tried.notes, *room.notes(source, out, target, options))
    return Plan(target, tried.ways, notes, losses, options.knobs.told() if options.knobs.provenance else None)


def _evenly(source: Path, target: Target, suffix: str, options: FilmOptions) -> list[str]:
    if target.codec == "prores" and target.top_first is not None:
        cure = "use --codec mpeg2video, --deinterlace, or a .mov"
        raise VideoError(f"{source}: a {suffix} does not say which field of prores is first: {cure}")
    return even.check(source, target.facts, suffix, options.start, options.end)


def _slowly(source: Path, target: Target, suffix: str, options: FilmOptions) -> list[str]:
    gif.check(source, target.facts)
    return []


_CHECKS = {".mxf": _evenly, ".gif": _slowly}
"""What films must be for some containers; each gives what is left out of them."""


def _asked(source: Path, out: Path, options: FilmOptions) -> None:
    """`VideoError` for what is wrong by the words alone."""
    codec = options.codec or _USUAL
    formats.check_codec(codec, options.quality)
    if options.chroma not in (None, *formats.CHROMA):
        raise VideoError(f"chroma {options.chroma!r}: choose one of {', '.join(formats.CHROMA)}")
    if options.start < 0 or (options.end is not None and options.end <= options.start):
        raise VideoError(f"start {options.start}, end {options.end}: expected seconds, the end after the start")
    if options.shots and options.shots.exists():
        shots.read(options.shots)
    suffix = out.suffix.lower()
    if suffix not in CONTAINERS:
        raise VideoError(
            f"{out}: unknown container {out.suffix!r}: name a {', '.join(CONTAINERS[:-1])} or {CONTAINERS[-1]}"
        )
    if suffix not in (fitting := FITTING[codec]):
        raise VideoError(f"{out}: {codec} needs a {' or '.join(fitting)}")
    if not source.exists():
        pattern = ": make one film of the pictures first, with FFmpeg" if set("%*?") & set(source.name) else ""
        raise VideoError(f"{source}: no such file{pattern}")
    if options.credentials and (reason := unsigned(suffix)):
        raise VideoError(f"{out}: {reason}")
    if options.credentials and not options.knobs.provenance:
        raise VideoError("credentials say that a film was coloured: choose --sign-key or --no-provenance")
    if out.exists() and (not options.overwrite or out.samefile(source)):
        raise VideoError(f"{out}: exists already (--overwrite replaces it; never the input)")


def _guided(source: Path, found: Facts, options: FilmOptions) -> None:
    """`VideoError` for a mask or hints that are none of this film."""
    with media.opened(source) as film:
        length = media.duration(film)
    try:
        check_mask(options.knobs.mask, source, found)
        checked(options.knobs.hints, found, length)
    except ValueError as error:
        raise VideoError(f"{source}: {error}") from None
