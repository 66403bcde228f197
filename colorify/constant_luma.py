"""Colors over a luma that is given: the Cb and Cr that show a* and b* while Y' stays, for films and JPEGs.

L* of a color is not that of the gray of its luma: Newton's method finds the color, a table keeps what it found.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from colorify.color import gray_to_luma, render

MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and blue in luma."""

_STEPS = 6  # of Newton's method; fewer leave errors near the rim of the gamut
_GRID = (33, 45, 45)  # points of the table along luma, a and b
_LIMIT = 110.0  # a and b at its rim
SRGB: tuple[Callable, Callable] = (gray_to_luma, lambda luma, ab: render(luma[..., None], ab))
"""Coded gray to L*; L* and ab to coded RGB of the same L*."""


def weights_of(matrix: str) -> np.ndarray:
    """Those of red, green and blue in the luma of one of `MATRICES`, float32."""
    red, blue = MATRICES[matrix]
    return np.array((red, 1 - red - blue, blue), np.float32)


def of_luma(
    gray: np.ndarray, ab: np.ndarray, weights: np.ndarray, space: tuple[Callable, Callable] = SRGB
) -> np.ndarray:
    """Coded RGB ``(..., 3)`` with these ab ``(..., 2)`` and the luma of ``gray (...)``, all in 0..1.

    ``space``: as `SRGB`. Less of the hue where the gamut ends.
    """
    luma_of, shown = space
    aimed = luma_of(gray)
    luma = aimed
    for _ in range(_STEPS):
        coded = shown(luma, ab) @ weights
        luma = (luma + aimed - luma_of(coded)).clip(0, 100)
    return shown(luma, ab)


def differences(rgb: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Cb and Cr ``(..., 2)``, -0.5..0.5, of coded RGB ``(..., 3)``."""
    red, _, blue = weights
    coded = rgb @ weights
    return np.stack(((rgb[..., 2] - coded) / (2 - 2 * blue), (rgb[..., 0] - coded) / (2 - 2 * red)), -1)


def table(exact: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Cb and Cr ``(256 * A, B, 2)``: of 256 lumas, one below the other, over a downwards and b to the right.

    ``exact`` gives those of grays ``(N, M)`` in 0..1 and ab ``(N, M, 2)``.
    """
    luma, a, b = (np.linspace(low, 1, count, dtype=np.float32) for low, count in zip((0, -1, -1), _GRID, strict=True))
    luma, a, b = (each.reshape(_GRID[0], -1) for each in np.meshgrid(luma, a * _LIMIT, b * _LIMIT, indexing="ij"))
    found = exact(luma, np.stack((a, b), -1)).reshape(_GRID[0], -1)
    place = np.linspace(0, _GRID[0] - 1, 256)
    low = np.minimum(place.astype(int), _GRID[0] - 2)
    share = (place - low).astype(np.float32)[:, None]
    return (found[low] * (1 - share) + found[low + 1] * share).reshape(-1, _GRID[2], 2).astype(np.float32)


def places(ab: np.ndarray) -> np.ndarray:
    """Where in a slice of a `table` ab ``(..., 2)`` lie: x, that is b, and y, float32; they may be resized."""
    found = np.multiply(ab[..., ::-1], (_GRID[1] - 1) / 2 / _LIMIT, dtype=np.float32)
    found += (_GRID[1] - 1) / 2
    return found


def slices(gray: np.ndarray) -> np.ndarray:
    """The first line of the slice of a `table` for each gray 0..1, float32."""
    found = np.rint(gray * 255).astype(np.float32)
    found *= _GRID[1]
    return found


def at(places: np.ndarray, slices: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What a `table` says ``(H, W, 2)`` at `places (H, W, 2)`, which are overwritten, of `slices (H, W)`."""
    np.clip(places, 0, _GRID[1] - 1, out=places)
    places[..., 1] += slices
    return cv2.remap(known, places, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]


def looked_up(gray: np.ndarray, ab: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Cb and Cr ``(H, W, 2)`` float32, -0.5..0.5, of ``gray (H, W)`` in 0..1 and ab ``(H, W, 2)``, by a `table`."""
    return at(places(ab), slices(gray), known)
