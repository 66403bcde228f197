"""Files keep what they carry, file by file."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from colorify import pictures
from colorify.pictures import Metadata, Picture, PictureError

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
