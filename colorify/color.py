"""RGB <-> CIE Lab, gray from colour, and chroma clipping: every colour constant of the project lives here.

Convention: sRGB in 0..1, D65 white, 2 degree observer. L* in 0..100, a* and b* about -110..110.
Every function takes torch tensors, channels first ``(..., 3, H, W)``, or numpy arrays, channels last ``(..., 3)``,
and returns the same kind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import numpy as np
import torch
from torch import Tensor

AB_LIMIT = 110.0
"""Largest |a*| or |b*| that a colour of sRGB reaches (b* of blue is -107.9)."""

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


def _arrays_too(function: Callable) -> Callable:
    """Let a function of channels-first tensors take channels-last numpy arrays as well."""

    @wraps(function)
    def wrapper(first, *args, **kwargs):
        if isinstance(first, Tensor):
            return function(first, *args, **kwargs)
        array = np.asarray(first)
        tensor = torch.from_numpy(np.ascontiguousarray(array)).movedim(-1, -3 if array.ndim > 2 else 0)
        flat = array.ndim < 3  # a single colour or a list of colours: give it a plane
        tensor = tensor[..., None, None] if array.ndim == 1 else tensor[..., None] if flat else tensor
        result = function(tensor, *args, **kwargs)
        result = result.reshape(result.shape[0], *array.shape[:-1]).movedim(0, -1) if flat else result.movedim(-3, -1)
        return result.numpy()

    return wrapper


def _mix(planes: Tensor, matrix: np.ndarray) -> Tensor:
    """Multiply the channel axis by a matrix: ``(..., C, H, W)`` -> ``(..., rows, H, W)``."""
    weights = torch.as_tensor(matrix, dtype=planes.dtype, device=planes.device)
    return (weights @ planes.flatten(-2)).unflatten(-1, planes.shape[-2:])


def linearize(rgb: Tensor) -> Tensor:
    """Remove the sRGB transfer curve: coded 0..1 -> linear light 0..1, any shape."""
    return torch.where(rgb > 0.04045, ((rgb.clamp(min=0) + 0.055) / 1.055).pow(2.4), rgb / 12.92)


def delinearize(light: Tensor) -> Tensor:
    """Apply the sRGB transfer curve: linear light 0..1 -> coded 0..1, any shape."""
    curve = light.clamp(min=1e-8).pow_(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(light > 0.0031308, curve, light * 12.92)


def _f(t: Tensor) -> Tensor:
    return torch.where(t > _KNEE, t.clamp(min=1e-8).pow(1 / 3), t * _SLOPE + _OFFSET)


def _f_inverse(f: Tensor) -> Tensor:
    """The line, and above the knee k what the cube adds to its tangent there: (f - k)^2 (f + 2k).

    The same as choosing one of the two for each pixel, at a third of the time.
    """
    knee = (3 * _SLOPE) ** -0.5  # where the line touches the cube
    above = (f - knee).clamp_(min=0).square_().mul_(f + 2 * knee)
    return above.add_(f, alpha=1 / _SLOPE).sub_(_OFFSET / _SLOPE)


def gray_to_luma(gray: Tensor) -> Tensor:
    """L* of a neutral sRGB value: 0..1 -> 0..100, any shape."""
    return _f(linearize(gray)) * 116 - 16


def luma_to_gray(luma: Tensor) -> Tensor:
    """The neutral sRGB value that has this L*: 0..100 -> 0..1, any shape."""
    return delinearize(_f_inverse((luma + 16) / 116))


@_arrays_too
def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB 0..1 ``(..., 3, H, W)`` -> Lab of the same shape (CIE 15:2004; scikit-image's ``rgb2lab``)."""
    f = _f(_mix(linearize(rgb), _TO_XYZ))
    x, y, z = f.unbind(-3)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -3)


def light_to_luma(light: Tensor) -> Tensor:
    """L* ``(..., 1, H, W)`` of linear RGB ``(..., 3, H, W)``."""
    return _f(_mix(light, _TO_XYZ[1:2])) * 116 - 16


@_arrays_too
def rgb_to_luma(rgb: Tensor, gray: str = "cie") -> Tensor:
    """L* ``(..., 1, H, W)`` of the gray picture that ``gray`` (one of `GRAYS`) makes of sRGB ``(..., 3, H, W)``."""
    if gray == "cie":
        return light_to_luma(linearize(rgb))
    if gray not in _LUMA:
        raise ValueError(f"unknown gray {gray!r}: choose one of {', '.join(GRAYS)}")
    return gray_to_luma(_mix(rgb, np.array([_LUMA[gray]])))


def lab_to_light(lab: Tensor) -> Tensor:
    """Lab ``(..., 3, H, W)`` -> linear RGB, not clipped."""
    luma, a, b = lab.unbind(-3)
    y = (luma + 16) / 116
    return _mix(_f_inverse(torch.stack((y + a / 500, y, y - b / 200), -3)), _TO_RGB)


@_arrays_too
def lab_to_rgb(lab: Tensor) -> Tensor:
    """Lab ``(..., 3, H, W)`` -> sRGB clamped to 0..1; see `clip_chroma` for colours outside the gamut."""
    return delinearize(lab_to_light(lab).clamp_(0, 1))


# Linear light that may be clamped unseen: the rounded constants put white itself 1e-4 above one; in either case L*
# moves by less than 0.006.
_BELOW, _ABOVE = 1e-6, 1.5e-4
_BISECTIONS = 10  # chroma to 1/1024


def outside_gamut(light: Tensor) -> Tensor:
    """Which pixels ``(..., H, W)`` of linear RGB ``(..., 3, H, W)`` cannot be shown."""
    red, green, blue = light.unbind(-3)
    low = torch.minimum(torch.minimum(red, green), blue)
    high = torch.maximum(torch.maximum(red, green), blue)
    return (low < -_BELOW) | (high > 1 + _ABOVE)


def shrink_chroma(lab: Tensor) -> Tensor:
    """The most colourful Lab ``(3, N)`` inside the gamut with the same L* and hue."""
    luma, ab = lab[:1].clamp(0, 100), lab[1:]
    share, width = torch.zeros_like(luma), 1.0
    for _ in range(_BISECTIONS):
        width /= 2
        trial = torch.cat((luma, ab * (share + width)))[..., None]
        inside = ~outside_gamut(lab_to_light(trial))[None, :, 0]
        share = share + width * inside
    return torch.cat((luma, ab * share))


@_arrays_too
def clip_chroma(lab: Tensor) -> Tensor:
    """Bring Lab ``(..., 3, H, W)`` into the sRGB gamut by shrinking chroma; L* and hue stay."""
    outside = outside_gamut(lab_to_light(lab))
    clipped = lab.movedim(-3, -1).clone()
    clipped[outside] = shrink_chroma(clipped[outside].T).T
    return clipped.movedim(-1, -3)


def render(luma: Tensor, ab: Tensor) -> Tensor:
    """L* ``(..., 1, H, W)`` and ab ``(..., 2, H, W)`` -> displayable sRGB 0..1 that keeps L*."""
    return lab_to_rgb(clip_chroma(torch.cat((luma, ab), -3)))
