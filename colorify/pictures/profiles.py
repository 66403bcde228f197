"""ICC profiles and the colour chunks of PNG: what space the samples are in, and a profile for the coloured result.

Curves and matrices are read here (ICC.1:2022, sections 8 to 10); tables are left to LittleCMS.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
from PIL import Image

from colorify.color import _f_inverse
from colorify.pictures.picture import Metadata, Picture, to_pil, turn
from colorify.space import CODES, D50, Space, adapted, matrix_of, space, srgb_curve, under_d50

_TABLES = (b"A2B0", b"A2B1", b"D2B0")
_COLORANTS, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_BARE = Metadata()
_LONGEST = 1 << 20  # entries of a curve
_STEPS = 17  # of each ink
_MADE = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)  # when profiles say that they were made


def space_of(metadata: Metadata) -> Space | None:
    """The space that a picture's samples are in, by its profile or PNG chunks; None is sRGB, or what nobody says."""
    chunks = dict(metadata.chunks)
    if metadata.icc and b"cICP" not in chunks:
        return _of_profile(metadata.icc)
    return _of_chunks(tuple((name, chunks[name]) for name in _CHUNKS if name in chunks))


def not_obeyed(metadata: Metadata) -> str | None:
    """What a picture says of its colours that is kept, but not obeyed; a few words."""
    cicp = dict(metadata.chunks).get(b"cICP", b"")
    if len(cicp) == 4 and (cicp[0] not in _PRIMARIES or cicp[1] not in _TRANSFERS):
        return f"its chunk cICP (primaries {cicp[0]}, transfer {cicp[1]}) is kept, but read as sRGB"
    if metadata.icc and not is_understood(metadata.icc):
        return "its ICC profile is kept, but read as sRGB: neither curves nor a matrix that are understood"
    return None


@lru_cache(maxsize=8)
def is_understood(icc: bytes) -> bool:
    """Whether a profile is one of curves and, for RGB, a matrix."""
    try:
        _read(icc)
    except (ValueError, KeyError, IndexError, struct.error):
        return False
    return True


def has_tables(icc: bytes) -> bool:
    """Whether a profile for RGB is made of tables, which need LittleCMS."""
    return icc[16:20] == b"RGB " and not is_understood(icc) and any(name in tags(icc) for name in _TABLES)


@lru_cache(maxsize=8)
def _of_profile(icc: bytes) -> Space | None:
    try:
        return _read(icc)
    except (ValueError, KeyError, IndexError, struct.error):
        return None


def _read(icc: bytes) -> Space | None:
    found = tags(icc)
    if icc[16:20] == b"GRAY":
        return space(_gray_curve(icc, found))
    if icc[16:20] != b"RGB " or icc[20:24] != b"XYZ " or any(name in found for name in _TABLES):
        raise ValueError("not a profile of curves and a matrix")
    columns = np.array([_xyz(found[name]) for name in _COLORANTS]).T
    if (np.abs(columns.sum(1) - D50) > 0.02).any():
        raise ValueError("colorants that do not add up to white")
    return space(np.stack([_curve(found[name]) for name in _CURVES]), adapted(columns, D50))


def tags(icc: bytes) -> dict[bytes, bytes]:
    """The tags of an ICC profile (ICC.1:2022, section 7)."""
    if len(icc) < 132:
        return {}
    (count,) = struct.unpack_from(">I", icc, 128)
    count = min(count, 100, (len(icc) - 132) // 12)
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * number) for number in range(count))
    return {name: icc[start : start + length] for name, start, length in entries}


def _gray_curve(icc: bytes, found: Mapping[bytes, bytes]) -> np.ndarray:
    """Linear light of every code; a profile that connects through Lab has L* in its curve."""
    curve = _curve(found[b"kTRC"])
    return curve if icc[20:24] == b"XYZ " else _f_inverse((100 * curve + 16) / 116)


def _xyz(data: bytes) -> tuple[float, ...]:
    return tuple(value / 65536 for value in struct.unpack_from(">3i", data, 8))


def _curve(data: bytes) -> np.ndarray:
    """A tone curve at all 16-bit codes: ``curv``, a gamma or a table, or ``para``, a formula."""
    codes = np.linspace(0, 1, CODES)
    if data[:4] == b"para":
        (kind,) = struct.unpack_from(">H", data, 8)
        given = struct.unpack_from(f">{_PARAMETERS[kind]}i", data, 12)
        return _formula(codes, *(value / 65536 for value in given))
    (count,) = struct.unpack_from(">I", data, 8)
    if data[:4] != b"curv" or count > min(_LONGEST, (len(data) - 12) // 2):
        raise ValueError("not a tone curve")
    if count == 0:
        return codes
    if count == 1:
        return codes ** (struct.unpack_from(">H", data, 12)[0] / 256)
    table = np.frombuffer(data, ">u2", count, 12) / 65535
    return np.interp(codes, np.linspace(0, 1, count), table)


_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


def _formula(x: np.ndarray, g: float, a: float = 1, b: float = 0, *rest: float) -> np.ndarray:
    """The formulas of ``para`` (ICC.1:2022, table 68), by the number of their parameters."""
    if not np.isfinite((g, a, b, *rest)).all() or g <= 0 or a <= 0:
        raise ValueError("a formula that is none")
    power = (a * x + b).clip(0) ** g
    if not rest:
        return power
    if len(rest) == 1:
        return power + rest[0]
    slope, knee, above, below = rest if len(rest) == 4 else (*rest, 0, 0)
    return np.where(x >= knee, power + above, slope * x + below)


# PNG ---------------------------------------------------------------------------------------------------------------

_CHUNKS = (b"cICP", b"sRGB", b"gAMA", b"cHRM")
_SRGB_GAMMA = 45455  # what writers of sRGB put into gAMA (PNG, third edition, 11.3.2.5)
_WHITE = (0.3127, 0.329)
_PRIMARIES = {  # ITU-T H.273, table 2
    1: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}


def _bt709(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0.081, x / 4.5, ((x + 0.099) / 1.099) ** (1 / 0.45))


_TRANSFERS: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # ITU-T H.273, table 3
    1: _bt709, 6: _bt709, 14: _bt709, 15: _bt709, 4: lambda x: x**2.2, 5: lambda x: x**2.8, 8: lambda x: x,
    13: lambda x: srgb_curve(),
}  # fmt: skip


@lru_cache(maxsize=8)
def _of_chunks(chunks: tuple[tuple[bytes, bytes], ...]) -> Space | None:
    found = dict(chunks)
    codes = np.linspace(0, 1, CODES)
    try:
        if (cicp := found.get(b"cICP")) is not None:
            if len(cicp) != 4 or cicp[0] not in _PRIMARIES or cicp[1] not in _TRANSFERS:
                return None
            matrix = matrix_of(np.array(_PRIMARIES[cicp[0]]), _WHITE)
            return space(_TRANSFERS[cicp[1]](codes), adapted(matrix, tuple(matrix.sum(1))))
        if b"sRGB" in found or b"gAMA" not in found:
            return None
        (gamma,) = struct.unpack(">I", found[b"gAMA"])
        curve = srgb_curve() if gamma == _SRGB_GAMMA else codes ** (1e5 / gamma)
        if b"cHRM" not in found:
            return space(curve)
        white_x, white_y, *given = (value / 1e5 for value in struct.unpack(">8I", found[b"cHRM"]))
        matrix = matrix_of(np.array(given).reshape(3, 2), (white_x, white_y))
        return space(curve, adapted(matrix, tuple(matrix.sum(1))))
    except (ValueError, ZeroDivisionError, struct.error, np.linalg.LinAlgError):
        return None


# Profiles made here ------------------------------------------------------------------------------------------------


def for_rgb(icc: bytes) -> bytes | None:
    """A gray ICC profile made one for RGB: sRGB's primaries and the gray's own tone curve, so that luminance stays.

    Any other profile is returned as it is; None stands for a gray one whose curve cannot be carried over.
    """
    if icc[16:20] != b"GRAY":
        return icc
    gray = tags(icc)
    if b"kTRC" not in gray:
        return None
    if icc[20:24] == b"XYZ ":
        return _made(dict.fromkeys(_CURVES, gray[b"kTRC"]))
    try:
        return _made(dict.fromkeys(_CURVES, _table(_gray_curve(icc, gray))))
    except (ValueError, struct.error):
        return None


def of_space(given: Space) -> bytes:
    """A profile for a space that a file named in another way."""
    colorants = under_d50(given.to_xyz)
    xyz = [b"XYZ \0\0\0\0" + struct.pack(">3i", *np.rint(column * 65536).astype(int)) for column in colorants.T]
    curves = dict(zip(_CURVES, map(_table, given.curves), strict=True))
    return _made(dict(zip(_COLORANTS, xyz, strict=True)) | curves)


def _table(curve: np.ndarray) -> bytes:
    """``curv`` with 4,096 entries."""
    values = np.rint(np.interp(np.linspace(0, 1, 4096), np.linspace(0, 1, CODES), curve) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + values.tobytes()


def _made(changed: Mapping[bytes, bytes]) -> bytes:
    """The profile of sRGB with other tags."""
    from PIL import ImageCms

    template = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = tags(template) | dict(changed)
    table, body = struct.pack(">I", len(found)), b""
    for name, data in found.items():
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(found) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    profile = template[:128] + table + body
    head = struct.pack(">I", len(profile)) + profile[4:24] + _MADE + profile[36:84]  # no time: the same bytes always
    return head + b"\0" * 16 + profile[100:]  # no checksum


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """An 8-bit image, seen through a profile of tables, as sRGB; None where LittleCMS cannot."""
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


@lru_cache(maxsize=2)
def cmyk_table(icc: bytes) -> np.ndarray | None:
    """What a CMYK profile shows of 17 steps of each ink: sRGB in 0..1 ``(17, 17, 17, 17, 3)``; None if it is not read.

    LittleCMS takes 8 bits from Pillow: between the steps deeper pictures are interpolated.
    """
    steps = np.rint(np.linspace(0, 255, _STEPS)).astype(np.uint8)
    grid = np.stack(np.meshgrid(*[steps] * 4, indexing="ij"), -1)
    seen = to_srgb(Image.frombytes("CMYK", (_STEPS**2, _STEPS**2), grid.tobytes()), icc)
    return None if seen is None else np.asarray(seen, np.float64).reshape(*[_STEPS] * 4, 3) / 255


def interpolated(table: np.ndarray, inks: np.ndarray) -> np.ndarray:
    """sRGB ``(H, W, 3)`` of inks ``(H, W, 4)``, all in 0..1, by a table as `cmyk_table` gives."""
    from scipy.ndimage import map_coordinates

    places = np.moveaxis(inks, -1, 0) * (_STEPS - 1)
    return np.stack([map_coordinates(table[..., c], places, order=1, mode="nearest") for c in range(3)], -1)


def colored(source: Picture, pixels: np.ndarray) -> Picture:
    """``source`` with RGB ``pixels`` instead of its own; a gray ICC profile becomes one for RGB."""
    icc = source.metadata.icc and for_rgb(source.metadata.icc)
    return replace(source, pixels=pixels, metadata=replace(source.metadata, icc=icc))


def as_srgb(picture: Picture) -> Image.Image:
    """The upright picture as 8-bit sRGB, without alpha and metadata."""
    space, pixels = space_of(picture.metadata), picture.pixels
    if space:
        pixels = space.as_srgb(pixels) if pixels.ndim == 3 else space.seen(pixels)
    lying = to_pil(replace(picture, pixels=pixels, alpha=None, metadata=_BARE)).convert("RGB")
    return Image.fromarray(np.ascontiguousarray(turn(np.asarray(lying), picture.orientation)))
