"""Picture files and what they carry besides pixels: 8 and 16 bit, alpha, EXIF, ICC, XMP, orientation.

Pillow reads and writes 8 bit; it has no 16-bit colour, so OpenCV decodes that and encodes 16-bit PNG.
Pixels stay in the order of the file, and so does the orientation tag.
"""

from __future__ import annotations

import io
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, TiffTags, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"
}  # fmt: skip
MAX_MEGAPIXELS = 200.0
"""Larger pictures are refused unless a higher limit is given: a file of a few bytes can claim any size."""

_HAS_ALPHA, _HAS_16_BIT = {"PNG", "WEBP", "TIFF"}, {"PNG", "TIFF"}
_ORIENTATION = ExifTags.Base.Orientation


class PictureError(ValueError):
    """Which picture cannot be read, used or written, and why."""


@dataclass(frozen=True)
class Metadata:
    """What a picture carries along; written back unchanged where the format can hold it."""

    exif: Image.Exif = field(default_factory=Image.Exif)
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


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
        value = self.metadata.exif.get(_ORIENTATION, 1)
        return value if value in range(1, 9) else 1


def read(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Picture:
    """Read a picture file; whatever is wrong with it is a `PictureError` naming file and reason."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None
    except OSError as error:
        raise PictureError(f"{path}: cannot be read: {error.strerror}") from None
    return decode(content, path, max_megapixels)


def decode(content: bytes, path: Path | str, max_megapixels: float = MAX_MEGAPIXELS) -> Picture:
    """The picture that a file holds; errors, as those of `read`, name ``path``."""
    if not content:
        raise PictureError(f"{path}: the file is empty")
    try:
        with _unlimited():
            opened = Image.open(io.BytesIO(content))
        with opened:
            _check_size(opened.size, max_megapixels)
            return _decode_16_bit(opened, content) if _depth(opened, content) == 16 else from_pil(opened)
    except UnidentifiedImageError:
        if content[:4] in (b"II*\0", b"MM\0*"):
            return _decode_tiff(path, content, max_megapixels)
        raise PictureError(f"{path}: not a picture in a known format") from None
    except Exception as error:  # decoders raise nearly anything on hostile bytes
        raise PictureError(f"{path}: {' '.join(str(error).split()) or type(error).__name__}") from None


def hidden(path: Path, end: str) -> Path:
    """A name beside ``path`` for what is not finished: never longer than file systems take, whatever the script."""
    name = os.fsencode(path.name)
    if len(name) > 150:
        name = name[:100].decode(errors="ignore").encode() + b"-" + sha256(name).hexdigest()[:12].encode()
    return path.with_name(f".{os.fsdecode(name)}{end}")


def write(picture: Picture, path: Path, overwrite: bool = False) -> None:
    """Write beside ``path``, then rename, so that no half-written file is ever left; the suffix names the format."""
    path = Path(path)
    kind = FORMATS.get(path.suffix.lower())
    wide = picture.pixels.dtype != np.uint8
    if kind is None:
        raise PictureError(f"{path}: unknown format {path.suffix!r}: choose one of {', '.join(FORMATS)}")
    if picture.alpha is not None and kind not in _HAS_ALPHA:
        raise PictureError(f"{path}: {kind} holds no transparency: choose .png, .webp or .tif")
    if wide and kind not in _HAS_16_BIT:
        raise PictureError(f"{path}: {kind} holds 8 bits, the picture has 16: choose .png or .tif")
    if path.exists() and not overwrite:
        raise PictureError(f"{path}: exists already (--overwrite replaces it)")
    part = hidden(path, f".{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "TIFF":
            content = _encode_tiff(picture)
        else:
            content = _encode_png_16(picture) if wide else _encode_8_bit(picture, kind)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            part.unlink()


def from_pil(image: Image.Image) -> Picture:
    """The picture that a Pillow image holds; palettes and CMYK become RGB, one bit becomes gray."""
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # an MPO is a photo with previews behind it
        raise PictureError(f"holds {image.n_frames} frames or pages: split it into single pictures first")
    image.load()
    metadata, info = _metadata(image), image.info
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N"):
        return Picture(np.asarray(image).astype(np.uint16), metadata=metadata)
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        image, metadata = _cmyk_to_rgb(image), replace(metadata, icc=None)
    elif image.mode in ("P", "PA") or "transparency" in info:
        clear = image.mode in ("PA", "La", "LA", "RGBa", "RGBA") or "transparency" in info
        image = image.convert("RGBA" if clear else "RGB")
    elif image.mode in ("1", "La", "RGBa", "RGBX"):
        image = image.convert({"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB"}[image.mode])
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        raise PictureError(f"pixels of type {image.mode!r} are not supported: convert to 8 or 16 bit gray or RGB")
    if min(image.size) == 0:
        raise PictureError("has no pixels")
    return _split_alpha(np.asarray(image), metadata)


def _metadata(image: Image.Image) -> Metadata:
    exif = image.getexif()
    if image.format == "TIFF":  # Pillow and OpenCV both turn a TIFF upright
        exif.pop(_ORIENTATION, None)
    return Metadata(_writable(exif), *map(image.info.get, ("icc_profile", "xmp", "dpi")))


def _writable(exif: Image.Exif) -> Image.Exif:
    """The same, or, of damaged EXIF that Pillow could not write again, the orientation alone."""
    try:
        exif.tobytes()
    except Exception:  # nearly anything
        orientation, exif = exif.get(_ORIENTATION), Image.Exif()
        if orientation in range(1, 9):
            exif[_ORIENTATION] = orientation
    return exif


def to_pil(picture: Picture) -> Image.Image:
    """The picture as an 8-bit Pillow image, with its metadata in ``info``."""
    image = Image.fromarray(_joined(_to_8_bit(picture)))
    saved = picture.metadata
    for key, value in (("icc_profile", saved.icc), ("xmp", saved.xmp), ("dpi", saved.dpi)):
        if value:
            image.info[key] = value
    if len(saved.exif):
        image.getexif().load(saved.exif.tobytes())
        image.info["exif"] = saved.exif.tobytes()
    return image


def from_array(array: np.ndarray) -> Picture:
    """The picture that an array ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` holds; floats are in 0..1."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PictureError(f"an array of shape {array.shape}: expected (H, W), (H, W, 3) or (H, W, 4)")
    if 0 in array.shape:
        raise PictureError(f"an array of shape {array.shape} has no pixels")
    if array.dtype in (np.uint8, np.uint16):
        return _split_alpha(array, Metadata())
    if not np.issubdtype(array.dtype, np.floating):
        raise PictureError(f"an array of {array.dtype}: expected uint8, uint16, or floats in 0..1")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # false for NaN too
        found = "NaN" if np.isnan(low) else f"{low:g} to {high:g}"
        raise PictureError(f"a float array with values {found}: expected 0..1")
    return _split_alpha(array, Metadata())


def to_array(picture: Picture) -> np.ndarray:
    """Pixels and alpha as one array."""
    return _joined(picture)


def colored(source: Picture, pixels: np.ndarray) -> Picture:
    """``source`` with RGB ``pixels`` instead of its own; a gray ICC profile becomes one for RGB."""
    icc = source.metadata.icc and _rgb_profile(source.metadata.icc)
    return replace(source, pixels=pixels, metadata=replace(source.metadata, icc=icc))


def upright(picture: Picture) -> Picture:
    """The picture with its orientation applied to the pixels and taken out of the EXIF."""
    if picture.orientation == 1:
        return picture
    exif = Image.Exif()
    exif.load(picture.metadata.exif.tobytes())
    del exif[_ORIENTATION]
    pixels, alpha = turn(picture.pixels, picture.orientation), picture.alpha
    alpha = None if alpha is None else turn(alpha, picture.orientation)
    return Picture(pixels, alpha, replace(picture.metadata, exif=exif))


def beside(left: Picture, right: Picture) -> Picture:
    """Two pictures of one size, upright, in a row; metadata of the second."""
    left, right = upright(left), upright(right)
    if left.pixels.ndim == 2:
        left = replace(left, pixels=np.dstack((left.pixels,) * 3))
    alpha = None if right.alpha is None else np.hstack((left.alpha, right.alpha))
    return replace(right, pixels=np.hstack((left.pixels, right.pixels)), alpha=alpha)


_FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}


def turn(array: np.ndarray, orientation: int) -> np.ndarray:
    """A view of ``(H, W, ...)`` brought upright, by EXIF orientation."""
    array = array.swapaxes(0, 1) if orientation >= 5 else array
    return np.flip(array, _FLIPS.get(orientation, ()))


def turn_back(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo `turn`; only 6 and 8 are not their own inverse."""
    return turn(array, {6: 8, 8: 6}.get(orientation, orientation))


def _split_alpha(array: np.ndarray, metadata: Metadata) -> Picture:
    if array.ndim == 3 and array.shape[2] in (2, 4):
        pixels = array[..., 0] if array.shape[2] == 2 else array[..., :3]
        return Picture(pixels, array[..., -1], metadata)
    return Picture(array, metadata=metadata)


def _joined(picture: Picture) -> np.ndarray:
    return picture.pixels if picture.alpha is None else np.dstack((picture.pixels, picture.alpha))


def _to_8_bit(picture: Picture) -> Picture:
    if picture.pixels.dtype == np.uint8:
        return picture

    def narrow(array: np.ndarray) -> np.ndarray:  # 65535 / 255 = 257
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)

    alpha = None if picture.alpha is None else narrow(picture.alpha)
    return replace(picture, pixels=narrow(picture.pixels), alpha=alpha)


_pillow_limit = threading.Lock()


@contextmanager
def _unlimited() -> Iterator[None]:
    """Silence Pillow's own limit, which warns before ours."""
    with _pillow_limit:
        old, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = old


def _check_size(size: tuple[int, int], max_megapixels: float) -> None:
    width, height = size
    if not width or not height:
        raise PictureError("has no pixels")
    if width * height > max_megapixels * 1e6:
        found = f"{width} x {height} is {width * height / 1e6:.0f} megapixels"
        raise PictureError(f"{found}, the limit is {max_megapixels:g} (--max-megapixels raises it)")


def _cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """By the embedded profile where there is one, else by Pillow's plain rule."""
    icc = image.info.get("icc_profile")
    if image.mode == "CMYK" and icc:
        from PIL import ImageCms

        with suppress(ImageCms.PyCMSError, OSError):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


# 16 bit ------------------------------------------------------------------------------------------------------------


def _depth(image: Image.Image, content: bytes) -> int:
    """Bits a sample, from the header."""
    if image.format == "PNG":
        return content[24]  # IHDR: width, height, depth
    if image.format == "TIFF":
        return max(image.tag_v2.get(258, (8,)))
    return 8


def _decode_16_bit(image: Image.Image, content: bytes) -> Picture:
    import cv2

    if image.format == "PNG":
        with _unlimited(), Image.open(io.BytesIO(content)) as again:
            again.verify()  # OpenCV reserves what a damaged chunk claims to hold
    array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise PictureError("16-bit pixels that could not be decoded: damaged, or of an unsupported kind")
    if array.ndim == 3:
        array = np.ascontiguousarray(array[..., [2, 1, 0, 3][: array.shape[2]]])  # OpenCV's order is BGR
    return _split_alpha(array, _metadata(image))


def _decode_tiff(path: Path, content: bytes, max_megapixels: float) -> Picture:
    """Kinds of TIFF that Pillow does not know: 16-bit gray with alpha."""
    import tifffile

    try:
        page = tifffile.TiffFile(io.BytesIO(content)).pages[0]
        _check_size((page.imagewidth, page.imagelength), max_megapixels)
        array, profile = page.asarray(), page.tags.get(34675)
        if array.dtype != np.uint16 or array.ndim != 3 or array.shape[2] != 2:
            raise PictureError(f"a TIFF of shape {array.shape} and type {array.dtype} is not supported")
        return _split_alpha(array, Metadata(icc=profile and profile.value))
    except Exception as error:  # as in `read`
        raise PictureError(f"{path}: {' '.join(str(error).split()) or type(error).__name__}") from None


def _rgb_profile(icc: bytes) -> bytes | None:
    """A gray ICC profile made one for RGB: sRGB's primaries and the gray's own tone curve, so that luminance stays.

    Any other profile is returned as it is; None stands for a gray one whose curve cannot be carried over.
    """
    if icc[16:20] != b"GRAY":
        return icc
    from PIL import ImageCms

    template, gray = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), _icc_tags(icc)
    if b"kTRC" not in gray or icc[20:24] != b"XYZ ":
        return None
    tags = _icc_tags(template) | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gray[b"kTRC"])
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    profile = template[:128] + table + body
    return struct.pack(">I", len(profile)) + profile[4:84] + b"\0" * 16 + profile[100:]  # size; no checksum


def _icc_tags(icc: bytes) -> dict[bytes, bytes]:
    """The tags of an ICC profile (ICC.1:2022, section 7)."""
    (count,) = struct.unpack_from(">I", icc, 128)
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * number) for number in range(min(count, 100)))
    return {name: icc[start : start + length] for name, start, length in entries}


def _encode_png_16(picture: Picture) -> bytes:
    import cv2

    array = _joined(picture)
    if array.ndim == 3:
        array = array[..., [2, 1, 0, 3][: array.shape[2]]]
    done, encoded = cv2.imencode(".png", array)
    if not done:
        raise PictureError("could not be encoded as PNG")
    content = encoded.tobytes()
    saved, chunks = picture.metadata, b""
    if saved.icc:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(saved.icc))
    if saved.dpi:
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *(round(d / 0.0254) for d in saved.dpi), 1))
    if len(saved.exif):
        chunks += _chunk(b"eXIf", saved.exif.tobytes().removeprefix(b"Exif\0\0"))
    return content[:33] + chunks + content[33:]  # right behind signature and IHDR


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# TIFF --------------------------------------------------------------------------------------------------------------

_COPIED = {270, 271, 272, 274, 305, 306, 315, 33432}
"""Description, maker, model, orientation, software, time, artist, copyright: tags that are not about the layout."""


def _encode_tiff(picture: Picture) -> bytes:
    """8 or 16 bit, deflated with the horizontal predictor; Pillow's directory class holds the tags (TIFF 6.0).

    Neither Pillow (when it compresses) nor tifffile writes EXIF directories.
    """
    array, saved = _joined(picture), picture.metadata
    array = array[..., None] if array.ndim == 2 else array
    height, width, channels = array.shape
    delta = array.copy()
    delta[:, 1:] -= array[:, :-1]  # wraps, as the predictor wants
    delta = delta.astype(array.dtype.newbyteorder("<"), copy=False)
    rows = max(1, (1 << 20) // (width * channels * array.itemsize))
    strips = [zlib.compress(delta[top : top + rows].tobytes(), 6) for top in range(0, height, rows)]
    offsets = tuple(accumulate(map(len, strips[:-1]), initial=0))

    tags = ImageFileDirectory_v2()
    for tag in _COPIED & set(saved.exif):
        tags[tag] = saved.exif[tag]
    for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if directory := saved.exif.get_ifd(tag):
            tags[tag] = dict(directory)
    tags[256], tags[257], tags[258], tags[277] = width, height, (array.itemsize * 8,) * channels, channels
    tags[259], tags[317], tags[262] = 8, 2, 2 if channels > 2 else 1  # deflate, predictor, RGB or black is zero
    tags[273], tags[278], tags[279] = offsets, rows, tuple(map(len, strips))
    tags.tagtype[273] = TiffTags.LONG
    if picture.alpha is not None:
        tags[338] = 2  # not premultiplied
    if saved.dpi:
        tags[282], tags[283], tags[296] = *saved.dpi, 2
    if saved.icc:
        tags[34675] = saved.icc
    if saved.xmp:
        tags[700] = saved.xmp
    return b"II*\0" + struct.pack("<I", 8) + tags.tobytes(8) + b"".join(strips)  # tobytes() moves the offsets on


# 8 bit -------------------------------------------------------------------------------------------------------------

_SAVE = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {"compress_level": 4},
    "WEBP": {"quality": 95, "method": 4, "exact": True},
    "BMP": {},
}


def _encode_8_bit(picture: Picture, kind: str) -> bytes:
    saved, options = picture.metadata, dict(_SAVE[kind])
    options |= {"icc_profile": saved.icc} if saved.icc and kind != "BMP" else {}
    options |= {"dpi": saved.dpi} if saved.dpi else {}
    options |= {"xmp": saved.xmp} if saved.xmp and kind in ("JPEG", "WEBP") else {}
    options |= {"exif": saved.exif} if len(saved.exif) and kind != "BMP" else {}
    buffer = io.BytesIO()
    Image.fromarray(_joined(picture)).save(buffer, kind, **options)
    return buffer.getvalue()
