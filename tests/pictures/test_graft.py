"""Color under the luma of a JPEG: its coefficients, its table and its samples stay, to the bit."""

import io

import cv2
import jpeglib
import numpy as np
import pytest
from PIL import Image

from colorify.pictures import PictureError, graft
from colorify.pictures.formats import open_image

RNG = np.random.default_rng(0)
CODED = (
    {"quality": 75},
    {"quality": 98, "progressive": True},
    {"quality": 30, "optimize": True, "restart_marker_blocks": 3},
    {"quality": 5},
)


def texture(width: int, height: int) -> np.ndarray:
    """A noisy picture ``(H, W, 3)``, with whites and blacks that are clipped."""
    coarse = cv2.resize(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    return (coarse + RNG.normal(0, 12, (height, width, 1))).clip(0, 255).astype(np.uint8)


def jpeg(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def coefficients(content: bytes, folder) -> tuple[np.ndarray, np.ndarray]:
    """Those of luma, and its quantization table, read by another library."""
    path = folder / "read.jpg"
    path.write_bytes(content)
    found = jpeglib.read_dct(str(path))
    return found.Y.copy(), found.get_component_qt(0).copy()


def planes(width: int, height: int, cb: int = 110, cr: int = 150) -> np.ndarray:
    shape = (-(-height // 2), -(-width // 2))
    return np.stack([np.full(shape, value, np.uint8) for value in (cb, cr)])


HEADER = jpeg(np.zeros((8, 8, 3), np.uint8), comment=b"of the header")


@pytest.mark.parametrize("size", [(64, 48), (33, 17), (1, 1), (9, 8), (8, 9), (250, 131)])
@pytest.mark.parametrize("options", CODED, ids=str)
@pytest.mark.parametrize("kind", ["gray", "4:4:4", "4:2:2", "4:2:0"])
def test_coefficients_and_table_of_luma_stay(size, options, kind, tmp_path):
    picture = texture(*size)
    source = jpeg(picture[..., 1], **options) if kind == "gray" else jpeg(picture, subsampling=kind, **options)
    result = graft.grafted(graft.luma_of(source), planes(*size), HEADER, 95)
    for before, after in zip(coefficients(source, tmp_path), coefficients(result, tmp_path), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(graft.luma_samples(source), graft.luma_samples(result))
    with open_image(result) as image:
        assert (image.mode, image.size, image.info["comment"]) == ("RGB", size, b"of the header")
        assert image.info.get("progressive", 0) == (1 if kind == "gray" and "progressive" in options else 0)


def test_the_scan_of_a_gray_file_is_copied_byte_for_byte():
    source = jpeg(texture(80, 60)[..., 0], quality=80)
    scan = source[source.index(b"\xff\xda") + 10 : -2]
    assert scan in graft.grafted(graft.luma_of(source), planes(80, 60), HEADER, 95)


@pytest.mark.parametrize("progressive", [False, True])
def test_chroma_is_what_was_given(progressive):
    source = jpeg(np.full((48, 64), 128, np.uint8), quality=90, progressive=progressive)
    result = graft.grafted(graft.luma_of(source), planes(64, 48, 100, 170), HEADER, 95)
    with Image.open(io.BytesIO(result)) as image:
        image.draft("YCbCr", image.size)
        assert np.abs(np.asarray(image).astype(int) - (128, 100, 170)).max() <= 1


def test_sampling_factors_of_a_gray_file_mean_nothing(tmp_path):
    """Some writers give gray 2 x 2: its one component is the whole picture all the same."""
    source = bytearray(jpeg(texture(30, 20)[..., 0]))
    at = source.index(b"\xff\xc0")
    source[at + 11] = 0x22
    result = graft.grafted(graft.luma_of(bytes(source)), planes(30, 20), HEADER, 95)
    np.testing.assert_array_equal(graft.luma_samples(result), graft.luma_samples(bytes(source)))


def damaged(at: bytes, offset: int, value: int) -> bytes:
    source = bytearray(jpeg(texture(30, 20)[..., 0]))
    source[source.index(at) + offset] = value
    return bytes(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"\x89PNG\r\n\x1a\n", "no JPEG"),
        (jpeg(texture(30, 20)[..., 0])[:-2], "no end marker"),
        (jpeg(texture(30, 20)[..., 0])[:-2] + b"\xff", "no end marker"),
        (damaged(b"\xff\xc0", 1, 0xC9), "another way"),  # arithmetic
        (damaged(b"\xff\xc0", 1, 0xC3), "another way"),  # lossless
        (damaged(b"\xff\xc0", 4, 12), "another way"),  # 12 bits
        (damaged(b"\xff\xc4", 1, 0xF7), "marker F7"),
        (b"\xff\xd8\xff\xd9", "0 inks"),
        (b"\xff\xd8\xff\xc0\0\x0a\x08\0\x01\0\x01\x01\0\0\xff\xd9", "cut short"),
        (b"\xff\xd8\xff\xdb\0\x03\0\xff\xd9", "cut short"),
        (b"", "no JPEG"),
    ],
    ids=range(11),
)
def test_what_cannot_be_kept_is_named(source, words):
    with pytest.raises(PictureError, match=words):
        graft.luma_of(source)


def test_inks_and_rgb_have_no_luma():
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 4), np.uint8), "CMYK").save(buffer, "JPEG")
    with pytest.raises(PictureError, match="4 inks"):
        graft.luma_of(buffer.getvalue())
    with pytest.raises(PictureError, match="cannot be parted"):
        graft.luma_of(jpeg(texture(30, 20), keep_rgb=True))


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jpeglib", None)
    graft.luma_of(jpeg(texture(30, 20)[..., 0]))
    with pytest.raises(PictureError, match=r"colorify-photo\[formats\]"):
        graft.luma_of(jpeg(texture(30, 20)))
