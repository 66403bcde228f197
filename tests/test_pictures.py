"""Files keep what they carry, file by file."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colorify import pictures
from colorify.pictures import Metadata, Picture, PictureError
from conftest import photo

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RNG = np.random.default_rng(0)


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[271], tags[274] = "Maker", orientation
    tags.get_ifd(0x8769)[36867] = "2001:02:03 04:05:06"
    tags.get_ifd(0x8825)[1] = "N"
    return tags


def random(channels: int, dtype: type, size: tuple[int, int] = (11, 7)) -> np.ndarray:
    shape = size if channels == 1 else (*size, channels)
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_8_bit_round_trip(tmp_path, suffix, channels):
    source = pictures.from_array(random(channels, np.uint8))
    source = Picture(source.pixels, source.alpha, Metadata(exif(), ICC, dpi=(300, 300)))
    path = tmp_path / f"a{suffix}"
    pictures.write(source, path)
    read = pictures.read(path)
    if suffix != ".webp":  # lossy
        assert np.array_equal(pictures.to_array(read), pictures.to_array(source))
        assert read.metadata.dpi == pytest.approx((300, 300), abs=0.01)
    assert (read.alpha is None) == (source.alpha is None)
    assert read.metadata.icc == ICC
    assert read.metadata.exif[271] == "Maker"
    assert read.metadata.exif.get_ifd(0x8769)[36867] == "2001:02:03 04:05:06"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_round_trip(tmp_path, suffix, channels):
    source = pictures.from_array(random(channels, np.uint16))
    source = Picture(source.pixels, source.alpha, Metadata(exif(6), ICC, dpi=(300, 300)))
    path = tmp_path / f"a{suffix}"
    pictures.write(source, path)
    read = pictures.read(path)
    assert read.pixels.dtype == np.uint16
    expected = source if suffix == ".png" else pictures.upright(source)  # a TIFF is turned upright by its reader
    assert np.array_equal(pictures.to_array(read), pictures.to_array(expected))
    assert read.metadata.icc == ICC and read.orientation == expected.orientation
    assert read.metadata.dpi == pytest.approx((300, 300), abs=0.01)
    assert read.metadata.exif[271] == "Maker"
    assert read.metadata.exif.get_ifd(0x8769)[36867] == "2001:02:03 04:05:06"
    assert read.metadata.exif.get_ifd(0x8825)[1] == "N"


def test_jpeg_keeps_its_metadata(tmp_path):
    path = tmp_path / "a.jpg"
    source = Picture(np.asarray(photo(0)), metadata=Metadata(exif(3), ICC, b"<x:xmpmeta/>", (72, 72)))
    pictures.write(source, path)
    read = pictures.read(path)
    assert (read.metadata.icc, read.metadata.xmp, read.orientation) == (ICC, b"<x:xmpmeta/>", 3)
    assert read.metadata.exif.get_ifd(0x8769)[36867] == "2001:02:03 04:05:06"
    assert np.abs(read.pixels.astype(int) - source.pixels).mean() < 2


def gray_alpha_png() -> tuple[np.ndarray, bytes]:
    """A 16-bit PNG with gray and alpha, by the letter of its specification."""
    array = random(2, np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, 4, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return array, b"\x89PNG\r\n\x1a\n" + body


def test_16_bit_gray_with_alpha(tmp_path):
    array, content = gray_alpha_png()
    (tmp_path / "a.png").write_bytes(content)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", extrasamples=["unassalpha"])
    for name in ("a.png", "a.tif"):
        read = pictures.read(tmp_path / name)
        gray = read.pixels if read.pixels.ndim == 2 else read.pixels[..., 0]
        assert np.array_equal(gray, array[..., 0]) and np.array_equal(read.alpha, array[..., 1])


@pytest.mark.parametrize(
    ("mode", "shape", "alpha"),
    [
        ("1", (48, 64), False),
        ("L", (48, 64), False),
        ("LA", (48, 64), True),
        ("P", (48, 64, 3), False),
        ("RGB", (48, 64, 3), False),
        ("RGBA", (48, 64, 3), True),
        ("CMYK", (48, 64, 3), False),
        ("YCbCr", (48, 64, 3), False),
    ],
)
def test_kinds_of_pixels(mode, shape, alpha):
    picture = pictures.from_pil(photo(0).convert(mode))
    assert picture.pixels.shape == shape and picture.pixels.dtype == np.uint8
    assert (picture.alpha is not None) == alpha


def test_transparent_palette():
    image = photo(0).convert("P")
    image.info["transparency"] = 0
    assert pictures.from_pil(image).alpha is not None


def test_float_pixels_are_refused():
    with pytest.raises(PictureError, match="'F'"):
        pictures.from_pil(Image.new("F", (4, 4)))


def test_opencv_writes_16_bit_that_is_read_in_the_right_order(tmp_path):
    array = random(3, np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), array[..., ::-1])  # LZW
    assert np.array_equal(pictures.read(tmp_path / "a.tif").pixels, array)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turn_is_pillows_and_turn_back_undoes_it(orientation):
    from PIL import ImageOps

    array = random(3, np.uint8)
    image = Image.fromarray(array)
    image.getexif()[274] = orientation
    assert np.array_equal(pictures.turn(array, orientation), np.asarray(ImageOps.exif_transpose(image)))
    assert np.array_equal(pictures.turn_back(pictures.turn(array, orientation), orientation), array)
    up = pictures.upright(Picture(array, metadata=Metadata(exif(orientation))))
    assert up.orientation == 1
    assert np.array_equal(up.pixels, pictures.turn(array, orientation))


def test_beside():
    gray, color = random(1, np.uint8), random(3, np.uint8)
    row = pictures.beside(Picture(gray), Picture(color))
    assert np.array_equal(row.pixels, np.hstack((np.dstack((gray,) * 3), color)))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((4,), np.uint8), "shape"),
        (np.zeros((1, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
        (np.zeros((4, 4), np.int32), "int32"),
        (np.zeros((4, 4), bool), "bool"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), 2.0), "2 to 2"),
        (np.full((4, 4), -0.1), "expected 0..1"),
    ],
)
def test_arrays_that_are_no_pictures(array, words):
    with pytest.raises(PictureError, match=words):
        pictures.from_array(array)


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def no_width_png() -> bytes:
    buffer = io.BytesIO()
    photo(0).save(buffer, "PNG")
    return buffer.getvalue()[:16] + struct.pack(">I", 0) + buffer.getvalue()[20:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"a text, not a picture", "not a picture"),
        (jpeg(photo(0, 300, 200))[:2000], "truncated"),
        (no_width_png(), "a.jpg: "),
    ],
)
def test_unreadable_files_are_named_with_the_reason(tmp_path, content, words):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=words) as caught:
        pictures.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_decompression_bombs_are_refused_and_the_limit_moves(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (2000, 1000)).save(path)
    with pytest.raises(PictureError, match=r"2 megapixels, the limit is 1 \(--max-megapixels"):
        pictures.read(path, max_megapixels=1)
    assert pictures.read(path, max_megapixels=2).size == (2000, 1000)


@pytest.mark.parametrize(
    ("name", "channels", "dtype", "words"),
    [
        ("a.gif", 3, np.uint8, "unknown format '.gif'"),
        ("a.jpg", 4, np.uint8, "no transparency"),
        ("a.bmp", 4, np.uint8, "no transparency"),
        ("a.jpg", 3, np.uint16, "8 bits"),
        ("a.webp", 3, np.uint16, "8 bits"),
    ],
)
def test_what_a_format_cannot_hold_is_an_error(tmp_path, name, channels, dtype, words):
    with pytest.raises(PictureError, match=words):
        pictures.write(pictures.from_array(random(channels, dtype)), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_existing_files_are_kept_unless_asked(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    picture = pictures.from_array(random(3, np.uint8))
    with pytest.raises(PictureError, match="exists already"):
        pictures.write(picture, path)
    assert path.read_bytes() == b"mine"
    pictures.write(picture, path, overwrite=True)
    assert np.array_equal(pictures.read(path).pixels, picture.pixels)


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    with pytest.raises(PictureError, match="No space left"):
        pictures.write(pictures.from_array(random(3, np.uint8)), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def gray_profile(gamma: float) -> bytes:
    """A version 2 gray profile with one gamma, by the letter of ICC.1."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    tags = {b"wtpt": white, b"kTRC": curve + b"\0\0"}
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s12s4s4sI", 0, b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"", b"acsp", b"", 0)
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    profile = header.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


def test_a_gray_profile_becomes_an_rgb_one_with_the_same_curve(tmp_path):
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(4, 0)
    icc = gray_profile(1.8)
    colored = pictures.colored(Picture(ramp, metadata=Metadata(icc=icc)), np.dstack((ramp,) * 3))
    pictures.write(colored, tmp_path / "a.png")
    kept = pictures.read(tmp_path / "a.png").metadata.icc
    shown = []
    for profile, array in ((icc, ramp), (kept, colored.pixels)):
        source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        shown.append(np.asarray(ImageCms.profileToProfile(Image.fromarray(array), source, srgb, outputMode="RGB")))
    assert np.abs(shown[0].astype(int) - shown[1]).max() <= 1
    assert np.abs(shown[1][..., 0].astype(int) - ramp).max() > 10  # the curve matters


def test_several_frames_are_refused(tmp_path):
    frames = [photo(seed) for seed in range(3)]
    for name in ("a.tif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(PictureError, match="3 frames"):
            pictures.read(tmp_path / name)
