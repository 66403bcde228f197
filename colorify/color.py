"""RGB <-> CIE Lab, gray from colour, and chroma clipping: every colour constant of the project lives here.

Convention: sRGB in 0..1, D65 white, 2 degree observer. L* in 0..100, a* and b* about -110..110.
Every function takes torch tensors, channels first ``(..., 3, H, W)``, or numpy arrays, channels last ``(..., 3)``,
and returns the same kind; torch is never imported for arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    Planes = TypeVar("Planes", np.ndarray, Tensor)

AB_LIMIT = 110.0
"""Largest ``|a*|`` or ``|b*|`` that a colour of sRGB reaches (b* of blue is -107.9)."""

GRAYS = ("cie", "bt601", "bt709")
"""How a gray picture may have been made: from CIE L*, or as BT.601 or BT.709 luma."""

# IEC 61966-2-1 (sRGB), the rounding of scikit-image so that results agree with it.
_RGB_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)
_LUMA = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722)}
# CIE 15: f(t) = t^(1/3) above the knee, a straight line below it.
_KNEE, _SLOPE, _OFFSET = 0.008856, 7.787, 16 / 116

_TO_XYZ = np.array(_RGB_TO_XYZ) / np.array(_WHITE)[:, None]  # relative to white
_TO_RGB = np.linalg.inv(np.array(_RGB_TO_XYZ)) * np.array(_WHITE)


def _library(values: Planes) -> Any:
    """numpy or torch, whose functions of the same names are used here."""
    return np if isinstance(values, (np.ndarray, np.generic, float)) else sys.modules["torch"]


def _channels(values: Planes) -> Iterable[Planes]:
    """The planes of the channel axis."""
    return np.moveaxis(values, -1, 0) if isinstance(values, np.ndarray) else values.unbind(-3)


def _stack(*planes: Planes) -> Planes:
    """Undo `_channels`."""
    library = _library(planes[0])
    return library.stack(planes, -1 if library is np else -3)


def _mix(values: Planes, matrix: np.ndarray) -> Planes:
    """Multiply the channel axis by a matrix ``(rows, C)``."""
    if isinstance(values, np.ndarray):
        return values @ matrix.T.astype(values.dtype)
    weights = sys.modules["torch"].as_tensor(matrix, dtype=values.dtype, device=values.device)
    return (weights @ values.flatten(-2)).unflatten(-1, values.shape[-2:])


def to_rgb(picture: np.ndarray | Image.Image) -> np.ndarray:
    """8-bit pixels, an array or a Pillow image, as float32 in 0..1, channels last."""
    return np.asarray(picture, np.float32) / 255


def to_planes(picture: np.ndarray | Image.Image) -> Tensor:
    """`to_rgb` as a tensor ``(3, H, W)``."""
    import torch

    return torch.from_numpy(to_rgb(picture)).movedim(-1, 0)


def linearize(rgb: Planes) -> Planes:
    """Remove the sRGB transfer curve: coded 0..1 -> linear light 0..1, any shape."""
    return _library(rgb).where(rgb > 0.04045, ((rgb.clip(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def delinearize(light: Planes) -> Planes:
    """Apply the sRGB transfer curve: linear light 0..1 -> coded 0..1, any shape."""
    curve = light.clip(min=1e-8) ** (1 / 2.4)
    curve *= 1.055
    curve -= 0.055
    return _library(light).where(light > 0.0031308, curve, light * 12.92)


def _f(t: Planes) -> Planes:
    return _library(t).where(t > _KNEE, t.clip(min=1e-8) ** (1 / 3), t * _SLOPE + _OFFSET)


def _f_inverse(f: Planes) -> Planes:
    """The line, and above the knee k what the cube adds to its tangent there: (f - k)^2 (f + 2k).

    The same as choosing one of the two for each pixel, at a third of the time.
    """
    knee = (3 * _SLOPE) ** -0.5  # where the line touches the cube
    above = (f - knee).clip(min=0)
    above *= above
    above *= f + 2 * knee
    above += f / _SLOPE
    above -= _OFFSET / _SLOPE
    return above


def gray_to_luma(gray: Planes) -> Planes:
    """L* of a neutral sRGB value: 0..1 -> 0..100, any shape."""
    return _f(linearize(gray)) * 116 - 16


def luma_to_gray(luma: Planes) -> Planes:
    """The neutral sRGB value that has this L*: 0..100 -> 0..1, any shape."""
    return delinearize(_f_inverse((luma + 16) / 116))


def rgb_to_lab(rgb: Planes) -> Planes:
    """sRGB 0..1 ``(..., 3, H, W)`` -> Lab of the same shape (CIE 15:2004; scikit-image's ``rgb2lab``)."""
    x, y, z = _channels(_f(_mix(linearize(rgb), _TO_XYZ)))
    return _stack(116 * y - 16, 500 * (x - y), 200 * (y - z))


def light_to_luma(light: Planes) -> Planes:
    """L* ``(..., 1, H, W)`` of linear RGB ``(..., 3, H, W)``."""
    return _f(_mix(light, _TO_XYZ[1:2])) * 116 - 16


def rgb_to_luma(rgb: Planes, gray: str = "cie") -> Planes:
    """L* ``(..., 1, H, W)`` of the gray picture that ``gray`` (one of `GRAYS`) makes of sRGB ``(..., 3, H, W)``."""
    if gray == "cie":
        return light_to_luma(linearize(rgb))
    if gray not in _LUMA:
        raise ValueError(f"unknown gray {gray!r}: choose one of {', '.join(GRAYS)}")
    return gray_to_luma(_mix(rgb, np.array([_LUMA[gray]])))


def lab_to_light(lab: Planes) -> Planes:
    """Lab ``(..., 3, H, W)`` -> linear RGB, not clipped."""
    luma, a, b = _channels(lab)
    y = (luma + 16) / 116
    return _mix(_f_inverse(_stack(y + a / 500, y, y - b / 200)), _TO_RGB)


def lab_to_rgb(lab: Planes) -> Planes:
    """Lab ``(..., 3, H, W)`` -> sRGB clamped to 0..1; see `clip_chroma` for colours outside the gamut."""
    return delinearize(lab_to_light(lab).clip(0, 1))


# Linear light that may be clamped unseen: the rounded constants put white itself 1e-4 above one; in either case L*
# moves by less than 0.006.
_BELOW, _ABOVE = 1e-6, 1.5e-4
_BISECTIONS = 10


def _outside_gamut(lab: Planes) -> Planes:
    """Which pixels ``(..., H, W)`` of Lab ``(..., 3, H, W)`` sRGB cannot show."""
    library, (red, green, blue) = _library(lab), _channels(lab_to_light(lab))
    low = library.minimum(library.minimum(red, green), blue)
    high = library.maximum(library.maximum(red, green), blue)
    return (low < -_BELOW) | (high > 1 + _ABOVE)


def shrink_chroma(lab: Planes, outside: Callable[[Planes], Planes]) -> Planes:
    """The most colourful Lab ``(..., 3, H, W)`` of a gamut with the same L* and hue, chroma to 1/1024.

    ``outside`` says which pixels ``(..., H, W)`` of such Lab the gamut lacks.
    """
    luma, a, b = _channels(lab)
    luma, share, width = luma.clip(0, 100), 0 * luma, 1.0
    for _ in range(_BISECTIONS):
        width /= 2
        more = share + width
        share = _library(lab).where(outside(_stack(luma, a * more, b * more)), share, more)
    return _stack(luma, a * share, b * share)


def clip_chroma(lab: Planes) -> Planes:
    """Bring Lab ``(..., 3, H, W)`` into the sRGB gamut by shrinking chroma; L* and hue stay."""
    outside = _outside_gamut(lab)
    if isinstance(lab, np.ndarray):
        clipped = lab.copy()
        clipped[outside] = shrink_chroma(lab[outside], _outside_gamut)
        return clipped
    clipped = lab.movedim(-3, -1).clone()
    clipped[outside] = shrink_chroma(clipped[outside].T[..., None], _outside_gamut)[..., 0].T
    return clipped.movedim(-1, -3)


def render(luma: Planes, ab: Planes) -> Planes:
    """L* ``(..., 1, H, W)`` and ab ``(..., 2, H, W)`` -> displayable sRGB 0..1 that keeps L*."""
    library = _library(luma)
    return lab_to_rgb(clip_chroma(library.concatenate((luma, ab), -1 if library is np else -3)))
