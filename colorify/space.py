"""RGB spaces other than sRGB: curves and primaries, so that colours and luminance are right when shown through them.

L*, a* and b* are those of `colorify.color`: D65, 2 degrees. A space whose white is another is adapted to it (Bradford).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from colorify.color import (
    _TO_XYZ,
    _WHITE,
    _f,
    _f_inverse,
    clip_chroma,
    gray_to_luma,
    lab_to_rgb,
    linearize,
    luma_to_gray,
    shrink_chroma,
)

CODES = 65536
D50 = (0.9642, 1.0, 0.8249)  # the white of ICC profiles
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_LIMITS = {np.dtype(np.uint8): 0.4, np.dtype(np.uint16): 0.008}  # of a sample's L*: what is promised, and a reserve
_STRIP = 1 << 17  # pixels at a time
_NEIGHBOURS = np.array(
    [(r, g, b) for r in (0, -1, 1) for g in (0, -1, 1) for b in (0, -1, 1)]
)  # the sample itself first


@dataclass(frozen=True, eq=False)
class Space:
    """An RGB space, or the gray axis of one."""

    curves: np.ndarray  # (3, 65536): linear light 0..1 of every 16-bit code, rising
    to_xyz: np.ndarray  # (3, 3): linear RGB -> XYZ relative to white

    def light(self, pixels: np.ndarray) -> np.ndarray:
        """Linear RGB ``(..., 3)`` of pixels ``(..., 3)``: uint8, uint16, or floats in 0..1."""
        return np.stack([self._decoded(pixels[..., c], c) for c in range(3)], -1)

    def _decoded(self, plane: np.ndarray, channel: int) -> np.ndarray:
        curve = self.curves[channel]
        if plane.dtype.kind == "f":
            return np.interp(plane, np.linspace(0, 1, CODES), curve)
        return curve.take(plane.astype(np.intp) * ((CODES - 1) // np.iinfo(plane.dtype).max))

    def luma(self, pixels: np.ndarray) -> np.ndarray:
        """L* ``(H, W)`` float32 of pixels ``(H, W)`` or ``(H, W, 3)``."""
        light = self._gray(pixels) if pixels.ndim == 2 else self.light(pixels) @ self.to_xyz[1]
        return (_f(light) * 116 - 16).astype(np.float32)

    def _gray(self, pixels: np.ndarray) -> np.ndarray:
        if (self.curves == self.curves[0]).all():
            return self._decoded(pixels, 0)
        return sum(self._decoded(pixels, channel) * self.to_xyz[1, channel] for channel in range(3))

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        """The 8-bit sRGB gray ``(H, W)`` with the same L*, in bounded memory."""
        gray, step = np.empty(pixels.shape[:2], np.uint8), max(1, _STRIP // pixels.shape[1])
        for top in range(0, len(gray), step):
            gray[top : top + step] = luma_to_gray(self.luma(pixels[top : top + step])) * 255 + 0.5
        return gray

    def lab(self, pixels: np.ndarray) -> np.ndarray:
        """Lab ``(..., 3)`` of pixels ``(..., 3)``."""
        x, y, z = np.moveaxis(_f(self.light(pixels) @ self.to_xyz.T), -1, 0)
        return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -1)

    def as_srgb(self, pixels: np.ndarray) -> np.ndarray:
        """The same colours ``(H, W, 3)`` uint8 in sRGB; those outside it keep L* and hue."""
        out, step = np.empty(pixels.shape, np.uint8), max(1, _STRIP // pixels.shape[1])
        for top in range(0, len(out), step):
            out[top : top + step] = lab_to_rgb(clip_chroma(self.lab(pixels[top : top + step]))) * 255 + 0.5
        return out

    def rgb_light(self, lab: np.ndarray) -> np.ndarray:
        """Linear RGB, not clipped, of Lab ``(..., 3)``."""
        y = (lab[..., 0] + 16) / 116
        xyz = _f_inverse(np.stack((y + lab[..., 1] / 500, y, y - lab[..., 2] / 200), -1).astype(np.float64))
        return xyz @ np.linalg.inv(self.to_xyz).T

    def coded(self, lab: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Pixels ``(..., 3)`` of a type that show Lab ``(..., 3)``; colours outside the gamut keep L* and hue."""
        shape, lab = lab.shape, lab.reshape(-1, 3)
        pixels = self._encoded(self._inside(lab), dtype)
        if dtype in _LIMITS:
            self._mend(pixels, lab)
        return pixels.reshape(shape)

    def _encoded(self, light: np.ndarray, dtype: np.dtype) -> np.ndarray:
        grid = np.linspace(0, 1, CODES)
        coded = np.stack([np.interp(light[..., c], self.curves[c], grid) for c in range(3)], -1)
        top = np.iinfo(dtype).max if dtype.kind == "u" else 0
        return (coded * top + 0.5).astype(dtype) if top else coded.astype(dtype)

    def _inside(self, lab: np.ndarray) -> np.ndarray:
        """Linear RGB 0..1 of Lab ``(N, 3)``, with less chroma where there is no such colour."""
        light = self.rgb_light(lab)
        outside = np.flatnonzero(_outside(light))
        if len(outside):
            light[outside] = self.rgb_light(shrink_chroma(lab[outside], lambda trial: _outside(self.rgb_light(trial))))
        return light.clip(0, 1)

    def _mend(self, pixels: np.ndarray, lab: np.ndarray) -> None:
        """Replace pixels ``(N, 3)`` whose rounding moves L* by more than is promised: a steep curve, few codes.

        By a neighbouring code, with less chroma where none will do: gray itself is exact for gray pictures.
        """
        limit = _LIMITS[pixels.dtype]
        wrong = np.flatnonzero(np.abs(self.luma(pixels[None])[0] - lab[:, 0]) > limit)
        for share in (1.0, 0.5, 0.25, 0.0):
            for some in np.array_split(wrong, -(-len(wrong) // 4096) or 1):
                around = self._encoded(self._inside(lab[some] * _chroma(np.full((len(some), 1), share))), pixels.dtype)
                around = (around.astype(np.int64) + _NEIGHBOURS[:, None]).clip(0, np.iinfo(pixels.dtype).max)
                around = around.astype(pixels.dtype)  # (27, N, 3)
                error = np.abs(self.luma(around) - lab[some, 0])
                pixels[some] = around[error.argmin(0), np.arange(len(some))]
            wrong = wrong[np.abs(self.luma(pixels[wrong][None])[0] - lab[wrong, 0]) > limit]
            if not len(wrong):
                break


def _chroma(share: np.ndarray) -> np.ndarray:
    """Factors ``(N, 3)`` that leave L* and multiply a and b."""
    return np.concatenate((np.ones_like(share), share, share), 1)


def _outside(light: np.ndarray) -> np.ndarray:
    return (light.min(-1) < -1e-6) | (light.max(-1) > 1 + 1e-6)


def adapted(to_xyz: np.ndarray, white: tuple[float, float, float]) -> np.ndarray:
    """A matrix linear RGB -> XYZ under a white, as one of a `Space`: under D65, relative to it."""
    relative = _bradford(white, _WHITE) @ to_xyz / np.array(_WHITE)[:, None]
    return relative / relative.sum(1, keepdims=True)  # white is exactly white


def under_d50(relative: np.ndarray) -> np.ndarray:
    """Undo `adapted`, for a profile."""
    return _bradford(_WHITE, D50) @ (relative * np.array(_WHITE)[:, None])


def _bradford(source: tuple[float, float, float], target: tuple[float, float, float]) -> np.ndarray:
    cones = (_BRADFORD @ np.array(target)) / (_BRADFORD @ np.array(source))
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD


def matrix_of(primaries: np.ndarray, white: tuple[float, float]) -> np.ndarray:
    """Linear RGB -> XYZ of primaries ``(3, 2)`` and a white, all in x, y; Y of white is one."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    return columns * np.linalg.solve(columns, (white[0] / white[1], 1.0, (1 - white[0] - white[1]) / white[1]))


def space(curves: np.ndarray, to_xyz: np.ndarray | None = None) -> Space | None:
    """The space of curves ``(65536,)`` or ``(3, 65536)`` and a matrix as `adapted` gives, None for that of sRGB.

    None where it is sRGB but for rounding, which has a quicker way. Raises `ValueError` for a curve that falls.
    """
    curves = np.broadcast_to(np.clip(curves, 0, 1), (3, CODES))
    if (np.diff(curves) < -1e-6).any() or (curves[:, -1] - curves[:, 0] < 0.5).any() or not np.isfinite(curves).all():
        raise ValueError("a tone curve that does not rise")
    curves = np.maximum.accumulate(curves, 1)
    to_xyz = _TO_XYZ / _TO_XYZ.sum(1, keepdims=True) if to_xyz is None else to_xyz
    if not np.isfinite(to_xyz).all() or abs(np.linalg.det(to_xyz)) < 1e-3:
        raise ValueError("primaries that span no colours")
    codes = np.linspace(0, 1, CODES)
    near = np.abs(_f(curves) * 116 - 16 - gray_to_luma(codes)).max() < 0.2 and np.abs(to_xyz - _TO_XYZ).max() < 4e-3
    return None if near else Space(curves, to_xyz)


def srgb_curve() -> np.ndarray:
    """That of sRGB ``(65536,)``."""
    return linearize(np.linspace(0, 1, CODES))
