"""A picture in memory: pixels in the order of the file, alpha, and what else the file carries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import ExifTags, Image

ORIENTATION = ExifTags.Base.Orientation


class PictureError(ValueError):
    """Which picture cannot be read, used or written, and why."""


@dataclass(frozen=True)
class Metadata:
    """What a picture carries along; written back unchanged where the format can hold it."""

    exif: Image.Exif = field(default_factory=Image.Exif)
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None  # dots per inch, whatever the unit in the file
    unit: str = "inch"  # that the file gives it in: inch, cm, or none, where ``dpi`` is but the shape of a pixel
    iptc: bytes | None = None  # records of IPTC-IIM
    photoshop: bytes | None = None  # image resources, IPTC among them
    comments: tuple[bytes, ...] = ()  # of a JPEG
    long_xmp: tuple[bytes, ...] = ()  # of a JPEG, the parts of XMP that one marker has no room for
    chunks: tuple[tuple[bytes, bytes], ...] = ()  # of a PNG, name and data: text, colour, time
    tags: tuple[tuple[int, int, object], ...] = ()  # of a TIFF, number, type and value, that no other field has
    warnings: tuple[str, ...] = ()  # what the reader left out or took on trust


@dataclass(frozen=True)
class Picture:
    """Pixels as stored, before the orientation tag is applied."""

    pixels: np.ndarray  # (H, W) gray or (H, W, 3) RGB; uint8, uint16, or float in 0..1
    alpha: np.ndarray | None = None  # (H, W) of the same type
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def orientation(self) -> int:
        """EXIF orientation, 1..8."""
        value = self.metadata.exif.get(ORIENTATION, 1)
        return value if value in range(1, 9) else 1


def from_array(array: np.ndarray) -> Picture:
    """The picture that an array ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` holds; floats are in 0..1."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PictureError(f"an array of shape {array.shape}: expected (H, W), (H, W, 3) or (H, W, 4)")
    if 0 in array.shape:
        raise PictureError(f"an array of shape {array.shape} has no pixels")
    if array.dtype not in (np.uint8, np.uint16):
        if not np.issubdtype(array.dtype, np.floating):
            raise PictureError(f"an array of {array.dtype}: expected uint8, uint16, or floats in 0..1")
        check_floats(array)
    return split_alpha(array, Metadata())


def check_floats(array: np.ndarray) -> None:
    """`PictureError` unless all are in 0..1."""
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # false for NaN too
        found = "NaN" if np.isnan(low) else f"{low:g} to {high:g}"
        raise PictureError(f"a float array with values {found}: expected 0..1")


def to_array(picture: Picture) -> np.ndarray:
    """Pixels and alpha as one array."""
    return picture.pixels if picture.alpha is None else np.dstack((picture.pixels, picture.alpha))


def to_pil(picture: Picture) -> Image.Image:
    """The picture as an 8-bit Pillow image, with its metadata in ``info``."""
    image = Image.fromarray(to_array(_to_8_bit(picture)))
    saved = picture.metadata
    dpi = saved.dpi if saved.unit != "none" else None
    for key, value in (("icc_profile", saved.icc), ("xmp", saved.xmp), ("dpi", dpi)):
        if value:
            image.info[key] = value
    if len(saved.exif):
        image.getexif().load(saved.exif.tobytes())
        image.info["exif"] = saved.exif.tobytes()
    return image


def upright(picture: Picture) -> Picture:
    """The picture with its orientation applied to the pixels and taken out of the EXIF."""
    if picture.orientation == 1:
        return picture
    exif = Image.Exif()
    exif.load(picture.metadata.exif.tobytes())
    del exif[ORIENTATION]
    pixels, alpha = turn(picture.pixels, picture.orientation), picture.alpha
    alpha = None if alpha is None else turn(alpha, picture.orientation)
    return Picture(pixels, alpha, replace(picture.metadata, exif=exif))


def beside(left: Picture, right: Picture) -> Picture:
    """Two pictures of one size, upright, in a row; metadata of the second."""
    left, right = upright(left), upright(right)
    if left.pixels.ndim == 2:
        left = replace(left, pixels=np.dstack((left.pixels,) * 3))
    none = left.alpha is None and right.alpha is None
    alpha = None if none else np.hstack((_opacity(left), _opacity(right)))
    return replace(right, pixels=np.hstack((left.pixels, right.pixels)), alpha=alpha)


def _opacity(picture: Picture) -> np.ndarray:
    """Its alpha; of a picture that has none, all there."""
    if picture.alpha is not None:
        return picture.alpha
    kind = picture.pixels.dtype
    return np.full(picture.pixels.shape[:2], np.iinfo(kind).max if kind.kind == "u" else 1, kind)


_FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}


def turn(array: np.ndarray, orientation: int) -> np.ndarray:
    """A view of ``(H, W, ...)`` brought upright, by EXIF orientation."""
    array = array.swapaxes(0, 1) if orientation >= 5 else array
    return np.flip(array, _FLIPS.get(orientation, ()))


def turn_back(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo `turn`; only 6 and 8 are not their own inverse."""
    return turn(array, {6: 8, 8: 6}.get(orientation, orientation))


def split_alpha(array: np.ndarray, metadata: Metadata) -> Picture:
    """The picture of an array ``(H, W)`` or ``(H, W, 1 to 4)`` whose second or fourth channel is alpha."""
    if array.ndim == 3 and array.shape[2] in (2, 4):
        pixels = array[..., 0] if array.shape[2] == 2 else array[..., :3]
        return Picture(pixels, array[..., -1], metadata)
    return Picture(array, metadata=metadata)


def check_size(size: tuple[int, int], max_megapixels: float) -> None:
    """`PictureError` for a width and height that are none, or too large."""
    width, height = size
    if width < 1 or height < 1:
        raise PictureError("has no pixels")
    if width * height > max_megapixels * 1e6:
        found = f"{width} x {height} is {width * height / 1e6:.0f} megapixels"
        raise PictureError(f"{found}, the limit is {max_megapixels:g} (--max-megapixels raises it)")


def _to_8_bit(picture: Picture) -> Picture:
    if picture.pixels.dtype == np.uint8:
        return picture
    alpha = None if picture.alpha is None else _narrow(picture.alpha)
    return replace(picture, pixels=_narrow(picture.pixels), alpha=alpha)


def _narrow(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint16:
        return (array * 255 + 0.5).astype(np.uint8)
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257
