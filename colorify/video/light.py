"""Transfers and primaries of films: what light a sample stands for, and the samples that show a color in that light.

Light is relative to that of a white sheet of paper (BT.2408: 203 candela per square meter): 1 is white, highlights of
high dynamic range are above it.
"""

from __future__ import annotations

import numpy as np

from colorify.color import delinearize, gray_to_luma, linearize, render

WHITE = 203.0  # candela per square meter
_PEAK = {"pq": 10_000.0, "hlg": 1000.0}  # candela per square meter of the largest sample; HLG on its usual display
_M1, _M2 = 2610 / 16384, 2523 / 32  # SMPTE ST 2084
_C1, _C2, _C3 = 3424 / 4096, 2413 / 128, 2392 / 128
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073  # ARIB STD-B67
_GAMMA = 1.2  # of a whole chain of HLG, for a display of 1000 candela per square meter

TRANSFERS = {16: "pq", 18: "hlg"}
"""Transfers of high dynamic range (ISO/IEC 23091-4, as FFmpeg counts); all others are read as sRGB."""
REFUSED = {8: "linear", 9: "logarithmic", 10: "logarithmic", 17: "SMPTE 428"}
"""Transfers that no film to watch has."""
PRIMARIES = {9: "bt2020", 11: "p3", 12: "p3"}
"""Wider gamuts, by FFmpeg's number; all others are near enough to sRGB's."""
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))  # x, y of red, green and blue
_WIDE = {
    "bt709": _SRGB,
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)


def _to_xyz(primaries: str) -> np.ndarray:
    points = np.array([(x / y, 1, (1 - x - y) / y) for x, y in (*_WIDE[primaries], _D65)]).T
    return points[:, :3] * np.linalg.solve(points[:, :3], points[:, 3])


def _from_srgb(primaries: str) -> np.ndarray:
    """Linear sRGB to these primaries, as rows to multiply from the right."""
    return np.linalg.solve(_to_xyz(primaries), _to_xyz("bt709")).T


def light(code: np.ndarray, transfer: str) -> np.ndarray:
    """Light of gray of these coded values 0..1; ``transfer`` is one of those of `TRANSFERS`, or ``sdr``."""
    if transfer == "pq":
        root = np.asarray(code, np.float64).clip(0, 1) ** (1 / _M2)
        return _PEAK["pq"] / WHITE * ((root - _C1).clip(0) / (_C2 - _C3 * root)) ** (1 / _M1)
    if transfer == "hlg":
        code = np.asarray(code, np.float64).clip(0, 1)
        scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - _C) / _A) + _B) / 12)
        return _PEAK["hlg"] / WHITE * scene**_GAMMA
    return linearize(np.asarray(code, np.float64))


def code(rgb: np.ndarray, transfer: str, primaries: str) -> np.ndarray:
    """Coded values ``(..., 3)`` of linear RGB ``(..., 3)`` of light, clamped to 0..1."""
    if transfer == "pq":
        root = (rgb * (WHITE / _PEAK["pq"])).clip(0, 1) ** _M1
        return ((_C1 + _C2 * root) / (1 + _C3 * root)) ** _M2
    if transfer == "hlg":
        shown = (rgb * (WHITE / _PEAK["hlg"])).clip(0)
        whole = (shown @ _to_xyz(primaries)[1])[..., None].clip(1e-12)
        scene = (shown * whole ** (1 / _GAMMA - 1)).clip(0, 1)
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), _A * np.log((12 * scene - _B).clip(1e-12)) + _C)
    return delinearize(rgb.clip(0, 1))


def tone(shown: np.ndarray) -> np.ndarray:
    """Light above zero into 0..1, as a usual display shows it: the darker half as it is, highlights rolled off."""
    return np.where(shown <= 0.5, shown, 0.5 + 0.5 * (1 - np.exp(1 - 2 * np.maximum(shown, 0.5))))


def luma_of(gray: np.ndarray, transfer: str) -> np.ndarray:
    """L* 0..100, as float32, of gray of these coded values 0..1, as a usual display shows it."""
    if transfer == "sdr":
        return gray_to_luma(gray)
    return gray_to_luma(delinearize(tone(light(gray, transfer)))).astype(np.float32)


def shown(rgb: np.ndarray, transfer: str, primaries: str) -> np.ndarray:
    """sRGB 0..1 of coded RGB ``(..., 3)``, toned as `luma_of`: colors keep their hue, highlights lose theirs last."""
    if transfer == "hlg":
        scene = np.where(rgb <= 0.5, rgb.clip(0) ** 2 / 3, (np.exp((rgb - _C) / _A) + _B) / 12)
        whole = (scene @ _to_xyz(primaries)[1])[..., None].clip(1e-12)
        linear = _PEAK["hlg"] / WHITE * scene * whole ** (_GAMMA - 1)
    else:
        linear = light(rgb, transfer)
    linear = linear @ np.linalg.inv(_from_srgb(primaries))
    whole = (linear @ _to_xyz("bt709")[1])[..., None].clip(1e-9)
    return delinearize((linear * (tone(whole) / whole if transfer in _PEAK else 1)).clip(0, 1))


_BISECTIONS = 24
_REACH = 6.0  # natural logarithm of the factor that light may need


def coded(gray: np.ndarray, ab: np.ndarray, weights: np.ndarray, transfer: str, primaries: str) -> np.ndarray:
    """Coded RGB ``(..., 3)`` whose luma, by these ``weights``, is ``gray``, and whose color is ab ``(..., 2)``.

    The color is that of a usual display at the L* of `luma_of`, in as much more light as the film has there. Luma of a
    color is not that of the gray of its light: bisection finds the light.
    """
    whole = light(gray, transfer)
    aimed = tone(whole) if transfer in _PEAK else whole
    rgb = render(gray_to_luma(delinearize(aimed))[..., None], ab)
    linear = linearize(rgb)
    linear = linear / (linear @ _to_xyz("bt709")[1])[..., None].clip(1e-9) * whole[..., None]
    linear = (linear @ _from_srgb(primaries)).clip(0)
    factor, width = np.zeros_like(gray, np.float64), _REACH
    for _ in range(_BISECTIONS):
        width /= 2
        luma = code(linear * np.exp(factor)[..., None], transfer, primaries) @ weights
        factor += np.where(luma < gray, width, -width)
    return code(linear * np.exp(factor)[..., None], transfer, primaries)
