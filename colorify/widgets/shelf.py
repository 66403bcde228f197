"""What was opened in the studio: pictures and films, and the hints and mask of each: steps that can be undone."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from colorify.containers import is_film
from colorify.data import samples
from colorify.hints import Hint, ab_of

_KEPT = 200  # steps that can be undone


class Mark(NamedTuple):
    """A hint as it was chosen: a place in pixels of the upright picture, its ``#rrggbb`` and the ab meant by it."""

    x: float
    y: float
    color: str
    ab: tuple[float, float]

    @property
    def hint(self) -> Hint:
        """What the library takes."""
        return Hint(self.x, self.y, self.ab)

    @property
    def plain(self) -> bool:
        """Whether its ab is that of its colour."""
        return self.ab == ab_of(self.color)


Step = tuple[tuple[Mark, ...], tuple[str, ...]]  # hints, and the mask


def mark(x: float, y: float, color: str, size: tuple[int, int]) -> Mark:
    """A hint at the pixel of a place, in pixels, of a picture of this ``size``."""
    width, height = size
    return Mark(max(0, min(int(x), width - 1)), max(0, min(int(y), height - 1)), color, ab_of(color))


class History:
    """The hints and the mask of one picture, and those before and after each step."""

    def __init__(self) -> None:
        self.now: tuple[Mark, ...] = ()
        self.mask: tuple[str, ...] = ()  # the path of one, or none
        self.past: list[Step] = []
        self.future: list[Step] = []

    def change(self, marks: Sequence[Mark], mask: Sequence[str] | None = None) -> None:
        """A step; the mask stays unless there is another."""
        before, after = (self.now, self.mask), (tuple(marks), self.mask if mask is None else tuple(mask))
        if after != before:
            self.past = [*self.past, before][-_KEPT:]
            (self.now, self.mask), self.future = after, []

    def undo(self) -> None:
        """A step back, if there is one."""
        if self.past:
            self.future.append((self.now, self.mask))
            self.now, self.mask = self.past.pop()

    def redo(self) -> None:
        """A step that was undone, again."""
        if self.future:
            self.past.append((self.now, self.mask))
            self.now, self.mask = self.future.pop()


@dataclass
class Item:
    """Something that was opened; a film has a history for each moment, in seconds."""

    number: int
    name: str  # as the user knows it, without suffix
    path: Path
    film: bool
    moment: float = 0.0
    histories: dict[float, History] = field(default_factory=dict)
    thumb: bytes = b""
    values: dict[str, Any] = field(default_factory=dict)  # the knobs that it was left with
    grounds: dict[str, tuple[np.ndarray, str]] = field(default_factory=dict)  # by painted mask: before any paint

    @property
    def history(self) -> History:
        """That of the moment."""
        return self.histories.setdefault(self.moment, History())

    def times(self) -> list[float]:
        """The moments of a film that have hints, in seconds."""
        return sorted(time for time, history in self.histories.items() if history.now)

    def timed(self) -> tuple[Hint, ...]:
        """The hints of all moments of a film, each with its time."""
        return tuple(
            mark.hint._replace(time=round(time, 3)) for time in self.times() for mark in self.histories[time].now
        )


class Shelf:
    """All that was opened, in a folder that goes with the studio; one is worked on."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="colorify-studio-"))
        weakref.finalize(self, shutil.rmtree, self.home, ignore_errors=True)
        self.items: list[Item] = []
        self.item: Item | None = None
        self._numbers = count(1)
        self._coming: dict[str, tuple[Path, int]] = {}  # by the page's name of an upload: its file, and parts written

    def part(self, upload: str, name: str, number: int, content: bytes) -> Path:
        """Take part ``number``, from 0, of an upload; returns its file. `ValueError` for parts out of their order."""
        if number == 0:
            folder = Path(tempfile.mkdtemp(dir=self.home))
            self._coming[upload] = folder / (Path(name).name or "picture"), 0
        path, written = self._coming.get(upload, (Path(), -1))
        if written != number:
            raise ValueError(f"{name}: part {number} came instead of part {written}: open it again")
        with path.open("ab") if number else path.open("wb") as file:
            file.write(content)
        self._coming[upload] = path, number + 1
        return path

    def sample(self, name: str) -> Path:
        """The file of a free sample picture."""
        path = Path(self.home, f"{name}.png")
        if not path.exists():
            samples.picture(name).save(path)
        return path

    def add(self, path: Path, name: str) -> Item:
        """A file that can be read; it is not yet the one that is worked on."""
        return Item(next(self._numbers), name, path, is_film(path))

    @property
    def now(self) -> Item:
        """The one that is worked on; `ValueError` before anything was opened."""
        if self.item is None:
            raise ValueError("open a picture or a film first")
        return self.item

    def put(self, item: Item) -> None:
        """Work on it, from now on."""
        if item not in self.items:
            self.items.append(item)
        self.item = item

    def find(self, number: int) -> Item:
        """That of a number; `ValueError` if it was closed."""
        for item in self.items:
            if item.number == number:
                return item
        raise ValueError("that picture is closed: open it again")

    def close(self, item: Item) -> None:
        """Forget one that is not the last."""
        self.items.remove(item)
        if self.item is item:
            self.item = self.items[-1]

    def own(self, text: str) -> str:
        """A message with the names that the user gave instead of this folder's paths."""
        places = {str(item.path.parent) + "/" for item in self.items} | {
            str(path.parent) + "/" for path, _ in self._coming.values()
        }
        for place in sorted((place for place in places if place.startswith(str(self.home))), key=len, reverse=True):
            text = text.replace(place, "")
        return text.replace(f"{self.home}/", "")
