"""The shots of a film: found by its cuts, written out as a table that a person edits, and read back with settings."""

from __future__ import annotations

import csv
import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from colorify.files import atomic
from colorify.inference import Colorizer, Mix
from colorify.knobs import Knobs
from colorify.models import released
from colorify.video import facts, media
from colorify.video.formats import VideoError
from colorify.video.paint import Painter
from colorify.video.steady import is_cut

if TYPE_CHECKING:
    from colorify.video.job import FilmOptions

TIMES = ("start", "end", "keyframe")
"""Columns, in seconds from where the film begins; ``keyframe``: the frame to export and correct."""
_SIDE = 160  # px: short side of the pictures that cuts are looked for in
_OFFERED = ("saturation", "model", "reference")  # columns of a new table; it may have any of `SETTINGS`
_KINDS = {"int": int, "int | None": int, "float": float, "float | None": float}
_OTHER = (
    "tta",
    "references",
    "mask",
    "badge",
    "provenance",
)  # not of a shot, or of another name
_KNOBS = {
    knob.name: _KINDS.get(str(knob.type), str) for knob in fields(Knobs) if knob.metadata and knob.name not in _OTHER
}
SETTINGS = _KNOBS | {"reference": str, "model": str, "steady": float, "every": int}
"""What may differ from shot to shot, and how it is read: a knob of its own, by name; an empty cell: as the film.

``reference``: pictures, with ``;`` between, from the folder of the table.
"""


@dataclass(frozen=True)
class Shot:
    """A stretch from one cut to the next, in seconds, and what is asked of it alone."""

    start: float
    end: float | None = None
    keyframe: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # by name, as `Knobs` has them


def read(path: Path) -> list[Shot]:
    """A table of shots in their order; `VideoError` names the row, counted from the head, which is 1."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            named = tuple(rows.fieldnames or ())
            unknown = [name for name in named if name not in (*TIMES, *SETTINGS)]
            if unknown or "start" not in named:
                wrong = f"unknown column {unknown[0]!r}" if unknown else "no column 'start'"
                raise VideoError(f"{path}, row 1: {wrong}: choose of {', '.join((*TIMES, *SETTINGS))}")
            found = [_shot(row, f"{path}, row {number}", path.parent) for number, row in enumerate(rows, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VideoError(f"{path}: cannot be read as a table of shots: {error}") from None
    if not found:
        raise VideoError(f"{path}: no shots in it: remove it, and it is written anew")
    for number, (shot, later) in enumerate(pairwise(found), 3):
        if later.start <= shot.start or (shot.end is not None and later.start < shot.end - 0.001):
            raise VideoError(f"{path}, row {number}: begins at {later.start:g} seconds, before the row above ends")
    return found


def _shot(row: dict[str | None, str | None], where: str, folder: Path) -> Shot:
    """A row of a table, that lies in a folder."""
    cells = {name: text.strip() for name, text in row.items() if name and text and text.strip()}
    try:
        if None in row:
            raise ValueError("more cells than columns")
        start = float(cells.get("start", "nan"))
        end, keyframe = (float(cells[name]) if name in cells else None for name in TIMES[1:])
        settings = {name: kind(cells[name]) for name, kind in SETTINGS.items() if name in cells}
        if "reference" in settings:
            settings["references"] = [str(folder / name.strip()) for name in settings.pop("reference").split(";")]
        knobs = Knobs(**_knobs(settings))
        settings |= {name: getattr(knobs, name) for name in _knobs(settings)}
        _check(start, end, keyframe, settings)
    except ValueError as error:  # that of a model that cannot be found is one
        raise VideoError(f"{where}: {error}") from None
    return Shot(start, end, keyframe, settings)


def _knobs(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in _KNOBS or name == "references"}


def _check(start: float, end: float | None, keyframe: float | None, settings: Mapping[str, Any]) -> None:
    if not 0 <= start < np.inf or (end is not None and not end > start):
        raise ValueError(f"start {start}, end {end}: expected seconds, the end after the start")
    if keyframe is not None and not start - 0.001 <= keyframe <= (np.inf if end is None else end):
        raise ValueError(f"keyframe {keyframe:g}: expected seconds within the shot")
    if not 0 <= settings.get("steady", 0) <= 1 or settings.get("every", 1) < 1:
        raise ValueError("expected steady from 0 to 1, every 1 or more")
    if "model" in settings:
        released.find(settings["model"])


def write(path: Path, shots: Iterable[Shot]) -> None:
    """A table of shots, to be edited: rows may be put together, parted, and given settings."""
    with atomic(path, ".csv") as part, open(part, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*TIMES, *_OFFERED))
        for shot in shots:
            times = (shot.start, shot.end, shot.keyframe)
            writer.writerow([*("" if time is None else f"{time:.3f}" for time in times), *("" for _ in _OFFERED)])


def cut(lumas: Iterable[tuple[float, np.ndarray]]) -> Iterator[Shot]:
    """The shots of frames: of their times, in seconds, and L* ``(h, w)``; the keyframe is the middle one."""
    times: list[float] = []
    last = None
    for time, luma in lumas:
        if last is not None and is_cut(luma, last):
            yield Shot(times[0], time, times[len(times) // 2])
            times = []
        times.append(time)
        last = luma
    if times:
        yield Shot(times[0], None, times[len(times) // 2])


def ensure(source: Path, options: FilmOptions) -> None:
    """Write the table that the options name, if it is not there yet."""
    if options.shots and not options.shots.exists():
        write(options.shots, find(source, options))


def find(source: Path, options: FilmOptions) -> list[Shot]:
    """The shots of a film, by looking at all of it once, whatever stretch is to be colored."""
    return list(seek(source, options))


def seek(source: Path, options: FilmOptions, alive: Callable[[], bool] = lambda: True) -> Iterator[Shot]:
    """The same one after the other, as they are found, while ``alive``."""
    found = facts.of(source)
    small = replace(options, knobs=replace(options.knobs, size=_SIDE), side_by_side=False)
    painter = Painter(None, small, found.turns, found.top_first)
    with media.opened(source) as film:
        frames = takewhile(lambda frame: alive(), media.frames(film))
        yield from cut((float((frame.pts or 0) * found.base - found.origin), painter.small(frame)) for frame in frames)


def _filled(shots: Sequence[Shot]) -> Iterator[Shot]:
    """The shots, and those between, before and after them that no row names."""
    before: float | None = 0.0
    for shot in shots:
        if before is not None and shot.start > before + 0.001:
            yield Shot(before, shot.start)
        yield shot
        before = shot.end
    if before is not None:
        yield Shot(before)


class Cast:
    """The shots of a table, with the options and the model of each."""

    def __init__(self, path: Path | None, colorizer: Colorizer | Mix, options: FilmOptions, seconds: float):
        """``seconds`` that a frame lasts; without a path all of the film is one shot."""
        self.shots = list(_filled(read(path))) if path else []
        self.starts = [shot.start - seconds / 2 for shot in self.shots]
        self.options, self.colorizer = options, colorizer
        self._models: dict[str, Colorizer] = {}

    def number(self, time: float) -> int:
        """That of the shot at ``time``; without a table -1."""
        return bisect_right(self.starts, time) - 1

    def options_of(self, number: int) -> FilmOptions:
        """What is asked of a shot."""
        settings = self.shots[number].settings if number >= 0 else {}
        others = {name: value for name, value in settings.items() if name in ("steady", "every")}
        return replace(self.options, knobs=replace(self.options.knobs, **_knobs(settings)), **others)

    def model_of(self, number: int) -> Colorizer | Mix:
        """The model of a shot; each is loaded once."""
        name = self.shots[number].settings.get("model") if number >= 0 else None
        if name is None:
            return self.colorizer
        if name not in self._models:
            self._models[name] = Colorizer.load(name, getattr(self.colorizer, "device", "auto"))
        return self._models[name]

    @property
    def digest(self) -> str | None:
        """What tells these shots from others."""
        if not self.shots:
            return None
        models = sorted({shot.settings["model"] for shot in self.shots if "model" in shot.settings})
        seen = [[one.told for one in shot.settings.get("references", ())] for shot in self.shots]
        plain = [{name: it for name, it in shot.settings.items() if name != "references"} for shot in self.shots]
        found = [(shot.start, seen[n], sorted(plain[n].items())) for n, shot in enumerate(self.shots)]
        digests = [hashlib.sha256(released.find(name).read_bytes()).hexdigest() for name in models]
        return hashlib.sha256(repr((found, digests)).encode()).hexdigest()
