"""Colours that a person chose, at single places: they spread over what looks alike, and stop at edges.

The change that the hints ask for is carried over a graph of the pixels in which neighbours of like luminance and colour
hang together (after Levin et al. 2004, with a leak, so that a hint has a reach). The graph is factorised once per
picture; a hint that is added, moved or taken away costs a single solution.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor
from scipy import sparse
from scipy.sparse.linalg import splu

from colorify import masks
from colorify.color import rgb_to_lab
from colorify.masks import Mask
from colorify.pictures import PictureError

_SIDE = 128  # px: short side of the picture that hints spread in
_LUMA, _AB = 3.0, 10.0  # L* and ab units: neighbours that differ by that much hang together loosely
_REACH = 128.0  # px of that picture
_LOOSEST = 1e-6  # no neighbours are wholly apart: what is shut in can be reached
_FIRMNESS = 1e-3  # how much two hints that contradict each other give way


class HintError(ValueError):
    """What is wrong with a hint, and what was expected."""


class Hint(NamedTuple):
    """A place in the upright picture, in pixels from its left upper corner, and the colour it is to have."""

    x: float
    y: float
    ab: tuple[float, float]
    region: Mask | None = None  # beyond it the hint is not heard
    frame: int | None = None  # of a film, from 0: it holds for the shot of that
    time: float | None = None  # the same in seconds


class Spreading:
    """How far a colour at one place reaches in one picture."""

    def __init__(self, luma: np.ndarray, ab: np.ndarray):
        """L* ``(h, w)`` and predicted ab ``(h, w, 2)``; both are made smaller where they are large."""
        scale = min(1.0, _SIDE / min(luma.shape))
        self.shape = tuple(max(1, round(length * scale)) for length in luma.shape)
        system = graph(_resized(luma, self.shape), _resized(ab, self.shape))
        self._solved = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        self._reached: dict[int, np.ndarray] = {}  # by the place of a hint

    def change(
        self, ab: np.ndarray, places: Sequence[tuple[float, float]], colors: Sequence[tuple[float, float]]
    ) -> np.ndarray:
        """What to add to ``ab (h, w, 2)`` so that the ``places`` get their ``colors``.

        Places are x and y in shares of width and height, 0..1.
        """
        height, width = self.shape
        cells = [min(int(y * height), height - 1) * width + min(int(x * width), width - 1) for x, y in places]
        fields = np.stack([self._field(cell) for cell in cells], -1)  # (h * w, hints)
        asked = np.asarray(colors, np.float64) - _resized(ab, self.shape).reshape(-1, 2)[cells]
        among = fields[cells]
        shares = np.linalg.solve(among + _FIRMNESS * np.diag(np.diag(among)), asked)
        return _resized((fields @ shares).reshape(height, width, 2).astype(np.float32), ab.shape[:2])

    def _field(self, cell: int) -> np.ndarray:
        if cell not in self._reached:
            source = np.zeros(self.shape[0] * self.shape[1])
            source[cell] = 1
            self._reached[cell] = self._solved.solve(source)
        return self._reached[cell]


def graph(luma: np.ndarray, ab: np.ndarray) -> sparse.csc_matrix:
    """The Laplacian of the pixels with a leak: symmetric, positive definite."""
    height, width = luma.shape
    count = height * width
    numbers = np.arange(count).reshape(height, width)
    values, colors = luma.ravel().astype(np.float64), ab.reshape(-1, 2).astype(np.float64)
    rows, columns, weights = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = numbers[: height - dy, max(0, -dx) : width - max(0, dx)].ravel()
        there = numbers[dy:, max(0, dx) : width + min(0, dx)].ravel()
        apart = ((values[here] - values[there]) / _LUMA) ** 2 + (((colors[here] - colors[there]) / _AB) ** 2).sum(-1)
        weight = (np.exp(-apart / 2) + _LOOSEST) / (dx * dx + dy * dy)
        rows += [here, there]
        columns += [there, here]
        weights += [weight, weight]
    edges = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    near = sparse.csc_matrix(edges, (count, count))
    return sparse.csc_matrix(sparse.diags(np.asarray(near.sum(1)).ravel() + _REACH**-2) - near)


def _resized(planes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """``(h, w[, n])`` float32 of another height and width, bilinear, every pixel counted."""
    if planes.shape[:2] == tuple(shape):
        return planes
    layers = np.atleast_3d(planes)
    made = [
        np.asarray(Image.fromarray(np.ascontiguousarray(layers[..., n])).resize(shape[::-1], Image.Resampling.BILINEAR))
        for n in range(layers.shape[-1])
    ]
    return made[0] if planes.ndim == 2 else np.stack(made, -1)


def read(path: Path) -> list[Hint]:
    """Hints from a CSV file with the columns ``x,y,color``, a name or ``#rrggbb``, or ``x,y,a,b``.

    A column ``region`` may name the mask that a hint is bound to; of a film ``frame`` or ``time`` says when it holds.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HintError(f"{path}: cannot be read: {error}") from None
    return [_read(row, f"{path}, line {number}") for number, row in enumerate(rows, 2)]


def _read(row: dict[str, str], where: str) -> Hint:
    try:
        ab = ab_of(row["color"]) if row.get("color") else (float(row["a"]), float(row["b"]))
        region = masks.taken(row.get("region") or None)
        frame, time = row.get("frame") or None, row.get("time") or None
        when = (None if frame is None else int(frame), None if time is None else float(time))
        return Hint(float(row["x"]), float(row["y"]), ab, region, *when)
    except PictureError as error:
        raise HintError(f"{where}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise HintError(f"{where}: expected x,y,color or x,y,a,b: {error}") from None


def ab_of(color: str) -> tuple[float, float]:
    """The a and b of a colour: a CSS name, or ``#rrggbb``."""
    red, green, blue = ImageColor.getrgb(color)[:3]
    _, a, b = rgb_to_lab(np.array([red, green, blue]) / 255)
    return float(a), float(b)


def check(hints: Iterable[tuple], size: tuple[int, int]) -> list[Hint]:
    """Hints within a picture of ``size``, width and height; `HintError` names the one that is not."""
    checked = []
    for number, given in enumerate(hints, 1):
        try:
            x, y, color, *rest = given
            a, b = ab_of(color) if isinstance(color, str) else color
            region, frame, time = (*rest, None, None, None)[:3]
            hint = Hint(float(x), float(y), (float(a), float(b)), masks.taken(region), frame, time)
        except PictureError as error:
            raise HintError(f"hint {number}: {error}") from None
        except (TypeError, ValueError):
            raise HintError(f"hint {number}: {given!r}: expected (x, y, (a, b)) or (x, y, color)") from None
        if (hint.frame, hint.time) != (None, None):
            raise HintError(f"hint {number}: of {_when(hint)}: hints of frames are for films, colorify video")
        if hint.region:
            hint.region.check(size)
        if not (0 <= hint.x < size[0] and 0 <= hint.y < size[1]):
            raise HintError(f"hint {number}: {hint.x:g}, {hint.y:g} is outside the picture of {size[0]} x {size[1]}")
        if not all(abs(value) <= 128 for value in hint.ab):
            raise HintError(f"hint {number}: a {hint.ab[0]:g}, b {hint.ab[1]:g}: expected -128 to 128")
        checked.append(hint)
    return checked


def _when(hint: Hint) -> str:
    return f"{hint.time:g} seconds" if hint.frame is None else f"frame {hint.frame}"


def check_film(hints: Iterable[tuple], size: tuple[int, int], seconds: float, duration: float | None) -> list[Hint]:
    """Hints of frames of a film of ``size``, upright, whose frames last ``seconds``; `HintError` as `check`."""
    checked = []
    for number, given in enumerate(hints, 1):
        frame, time = (*given[4:], None, None)[:2]
        if (frame is None) == (time is None):
            raise HintError(f"hint {number}: of a film: name its frame or its time, as columns frame or time")
        at = time if frame is None else frame * seconds
        if at < 0 or (duration is not None and at > duration + seconds):
            raise HintError(f"hint {number}: at {at:g} seconds: the film ends after {duration or 0:.3f}")
        try:
            (hint,) = check([given[:4]], size)
        except HintError as error:
            raise HintError(str(error).replace("hint 1", f"hint {number}", 1)) from None
        checked.append(hint._replace(frame=frame, time=time))
    return checked
