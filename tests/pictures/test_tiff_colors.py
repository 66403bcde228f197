"""What the samples of a TIFF mean, photometric by photometric."""

import io

import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from pictures.test_tiff import DEPTHS, RNG, read, samples, stored


def warnings(content: bytes) -> tuple[str, ...]:
    return read(content).metadata.warnings


def test_palette():
    colors = RNG.integers(0, 65536, (3, 256), np.uint16)
    index = samples(1, "u1")[..., 0]
    got = read(stored(index, photometric="palette", colormap=colors)).pixels
    assert np.array_equal(got, (colors // 257).T[index])


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_ycbcr(compression):
    smooth = Image.fromarray(samples(3, "u1", (4, 5))).resize((64, 48), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    smooth.convert("YCbCr").save(file, "TIFF", compression=compression)
    assert np.abs(read(file.getvalue()).pixels.astype(int) - np.asarray(smooth)).max() <= 4


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_cmyk(kind):
    inks, top = samples(4, kind), DEPTHS[kind]
    got = read(stored(inks, photometric="separated")).pixels
    part = inks.astype(float) / top
    expected = (1 - part[..., :3]) * (1 - part[..., 3:]) * top
    assert got.dtype == kind and np.abs(got - expected).max() <= (1.5 if top > 1 else 1e-6)


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_lab_keeps_its_luminance(kind):
    from skimage.color import rgb2lab

    luma = np.linspace(0, DEPTHS[kind], 37).astype(kind)
    array = np.stack((luma, np.full(37, 20 * (1 if kind == "u1" else 256)), np.full(37, 0)), -1).astype(kind)[None]
    got = read(stored(array.repeat(5, 0), photometric="cielab")).pixels
    found = rgb2lab(got / DEPTHS[kind])[0, :, 0]
    assert np.abs(found - luma / DEPTHS[kind] * 100).max() < (0.5 if kind == "u1" else 0.02)


def test_extra_samples():
    rgba = samples(4, "u2")
    alpha = read(stored(rgba, photometric="rgb", extrasamples=["unassalpha"]))
    assert np.array_equal(pictures.to_array(alpha), rgba)
    unsaid = read(stored(rgba, photometric="rgb", extrasamples=["unspecified"]))
    assert unsaid.alpha is None and np.array_equal(unsaid.pixels, rgba[..., :3])
    assert unsaid.metadata.warnings == ("1 extra channel that the file does not explain left out",)
    gray = stored(rgba[..., :3], photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"] * 2)
    assert read(gray).pixels.ndim == 2 and "2 extra channels" in warnings(gray)[0]
    both = stored(np.moveaxis(samples(5, "u1"), -1, 0), photometric="rgb", planarconfig="separate",
                  extrasamples=["unspecified", "unassalpha"])  # fmt: skip
    assert read(both).alpha is not None and "1 extra" in warnings(both)[0]
    part = RNG.random((29, 37, 1)) * 0.9 + 0.1
    flat = samples(3, "u2") * part
    premultiplied = np.dstack((flat.round(), (part * 65535).round())).astype("u2")
    got = read(stored(premultiplied, photometric="rgb", extrasamples=["assocalpha"]))
    assert np.abs(got.pixels - flat / part).max() < 12 and got.alpha is not None
