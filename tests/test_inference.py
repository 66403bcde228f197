"""The promises of inference, on an untrained network with lively colours."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color as reference

from colorify import pictures
from colorify.codec import Bits
from colorify.color import delinearize, linearize, rgb_to_lab, to_rgb
from colorify.data import samples
from colorify.inference import Colorizer
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet
from colorify.network_input import small_luma
from colorify.pictures import Picture, PictureError
from conftest import TINY, photo

RNG = np.random.default_rng(0)


def array(channels: int, dtype: type, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    """A picture with every gray, or with many colours."""
    top = 1.0 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    rgb = np.asarray(photo(1, size[1], size[0])).astype(np.float64) / 255
    rgba = np.dstack((rgb, np.linspace(0, 1, size[1])[None].repeat(size[0], 0)))
    picked = rgba[..., 1] if channels == 1 else rgba[..., :channels]
    return (picked * top).round().astype(dtype) if top != 1 else picked.astype(dtype)


def luma(picture: np.ndarray) -> np.ndarray:
    """L* by scikit-image, the independent reference."""
    top = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    rgb = picture[..., :3] if picture.ndim == 3 else np.dstack((picture,) * 3)
    return reference.rgb2lab(rgb.astype(np.float64) / top)[..., 0]


@pytest.mark.parametrize(("dtype", "limit"), [(np.uint8, 0.5), (np.uint16, 0.01), (np.float32, 0.01), (float, 0.01)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_luminance_size_depth_and_alpha_stay(colorizer, dtype, limit, channels):
    source = array(channels, dtype)
    result = colorizer(source)
    assert result.dtype == source.dtype
    assert result.shape == (*source.shape[:2], 4 if channels == 4 else 3)
    assert np.abs(luma(result) - luma(source)).max() <= limit
    if channels == 4:
        assert np.array_equal(result[..., 3], source[..., 3])
    assert mean_chroma(result) > 1


def mean_chroma(picture: np.ndarray) -> float:
    top = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    return float(np.abs(reference.rgb2lab(picture[..., :3] / top)[..., 1:]).mean())


@pytest.mark.parametrize("level", [0, 1, 5, 128, 254, 255])
def test_luminance_stays_at_the_ends_of_the_scale(colorizer, level):
    source = np.full((40, 40), level, np.uint8)
    assert np.abs(luma(colorizer(source)) - luma(source)).max() <= 0.5


def test_luminance_of_noise_stays(colorizer):
    for dtype, limit in ((np.uint8, 0.5), (np.uint16, 0.01)):
        source = RNG.integers(0, np.iinfo(dtype).max, (64, 64, 3), dtype, endpoint=True)
        assert np.abs(luma(colorizer(source)) - luma(source)).max() <= limit


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (3, 3000), (200_000, 2), (2, 200_000), (129, 127)])
def test_any_size(colorizer, size):
    source = RNG.integers(0, 256, size, np.uint8)
    result = colorizer(source)
    assert result.shape == (*size, 3)
    assert np.abs(luma(result) - luma(source)).max() <= 0.5


def test_a_colour_picture_is_recoloured_from_its_luminance(colorizer):
    source = array(3, np.float32)
    gray = np.asarray(luma(source) / 100, np.float32)  # any gray with the same L*
    gray = reference.lab2rgb(np.dstack((gray * 100, 0 * gray, 0 * gray))).astype(np.float32)
    np.testing.assert_allclose(colorizer(source), colorizer(gray), atol=0.02)


def test_pillow_in_pillow_out_with_metadata(colorizer, tmp_path):
    path = tmp_path / "a.jpg"
    image = photo(0, 100, 60)
    exif = image.getexif()
    exif[274], exif[271] = 6, "Maker"
    image.save(path, exif=exif, icc_profile=b"a profile")
    for source in (path, str(path), Image.open(path)):
        result = colorizer(source)
        assert result.size == (100, 60) and result.mode == "RGB"
        assert (result.getexif()[274], result.getexif()[271]) == (6, "Maker")
        assert result.info["icc_profile"] == b"a profile"


def test_a_16_bit_path_gives_an_8_bit_pillow_image(colorizer, tmp_path):
    pictures.write(pictures.from_array(array(1, np.uint16)), tmp_path / "a.png")
    assert colorizer(tmp_path / "a.png").size == (120, 90)


@pytest.mark.parametrize("model", ["highres", "lowres"])
def test_by_little_light_there_is_little_chroma(model):
    colorizer, found = Colorizer.load(model), []
    for _, sample in samples.color():
        sample.thumbnail((160, 160))
        light = 0.08 * linearize(to_rgb(sample.convert("RGB")))
        dark = (delinearize(light) * 255).round().astype(np.uint8)
        found.append([np.hypot(*rgb_to_lab(to_rgb(each))[..., 1:].T).mean() for each in (dark, colorizer(dark))])
    true, given = np.mean(found, 0)
    assert 0.4 * true < given < true


def test_saturation_scales_chroma(colorizer):
    source = array(1, np.float32) * 0.2 + 0.4  # far from the ends of the gamut
    gray, plain, half = (colorizer(source, saturation=s) for s in (0, 1, 0.5))
    ab = [rgb_to_lab(p)[..., 1:] for p in (gray, plain, half)]
    np.testing.assert_allclose(ab[0], 0, atol=0.05)
    inside = np.abs(ab[1]).max(-1) < 20
    np.testing.assert_allclose(ab[2][inside], ab[1][inside] / 2, atol=0.1)


def test_blur_softens_chroma_alone(colorizer):
    source = array(1, np.float32)
    chroma = [rgb_to_lab(colorizer(source, saturation=0.2, blur=b))[..., 1:] for b in (0, 3, 30)]
    rough = [np.abs(np.diff(c, axis=1)).mean() for c in chroma]
    assert rough[0] > rough[1] > rough[2]
    assert np.abs(luma(colorizer(source, blur=30)) - luma(source)).max() <= 0.01


def test_batch_is_one_by_one(colorizer):
    images = [array(1, np.uint8), photo(3), array(4, np.uint16), photo(4), array(1, np.uint8, (60, 80))]
    for together, image in zip(colorizer.batch(images), images, strict=True):
        alone = np.asarray(colorizer(image)).astype(int)
        top = 257 if alone.max() > 255 else 1
        assert np.abs(np.asarray(together) - alone).max() <= top
    assert colorizer.batch([]) == []


@pytest.mark.parametrize("wrong", [{"size": 2}, {"saturation": -1}, {"saturation": float("nan")}, {"blur": -1}])
def test_knobs_out_of_range(colorizer, wrong):
    with pytest.raises(ValueError, match="expected"):
        colorizer(array(1, np.uint8), **wrong)


def test_what_is_no_picture(colorizer):
    for wrong in (np.zeros((2, 2, 5), np.uint8), np.full((2, 2), np.nan), np.zeros((2, 2), int), None, [1, 2]):
        with pytest.raises(PictureError):
            colorizer(wrong)
    with pytest.raises(PictureError, match=r"nowhere\.png: no such file"):
        colorizer("nowhere.png")


def test_bytes_open_files_and_tensors_are_pictures(colorizer, tmp_path):
    photo(0).save(tmp_path / "a.png")
    colored = np.asarray(colorizer(tmp_path / "a.png"))
    with (tmp_path / "a.png").open("rb") as file:
        assert np.array_equal(colorizer(file), colored)
    assert np.array_equal(colorizer((tmp_path / "a.png").read_bytes()), colored)
    pixels = np.asarray(photo(0))
    for planes in (torch.from_numpy(pixels.copy()).movedim(-1, 0), torch.from_numpy(pixels[..., 0].copy())[None] / 255):
        result, plain = colorizer(planes), colorizer(np.ascontiguousarray(np.moveaxis(planes.numpy(), 0, -1).squeeze()))
        assert result.dtype == planes.dtype and result.shape == (3, *planes.shape[1:])
        assert np.array_equal(result.movedim(0, -1), plain)
    with pytest.raises(PictureError, match="the bytes given: not a picture"):
        colorizer(b"nothing")


def test_coloring_imports_little(tmp_path):
    photo(0).save(tmp_path / "a.png")
    code = f"""
import sys, runpy
sys.argv = ["colorify", "image", {str(tmp_path / "a.png")!r}, "-o", {str(tmp_path / "b.png")!r}]
try:
    runpy.run_module("colorify", run_name="__main__")
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {{"fastai", "torchvision", "matplotlib", "IPython", "skimage", "pandas", "scipy"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert (tmp_path / "b.png").exists()


def test_importing_does_nothing():
    code = "import sys, colorify; assert not {'torch', 'numpy', 'PIL'} & set(sys.modules); colorify.Colorizer"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert not result.stdout and not result.stderr


def test_a_classifier_colours_and_keeps_luminance(classifier):
    source = array(1, np.uint8)
    assert np.abs(luma(classifier(source)) - luma(source)).max() <= 0.5


def test_uncertainty_is_the_entropy_in_bits(classifier):
    source = array(1, np.uint8)
    bits = classifier.uncertainty(source)
    assert bits.shape == source.shape and bits.min() >= 0 and bits.max() <= 8
    logits = torch.from_numpy(classifier.output(small_luma(Picture(source), 64)[None]))
    entropy = torch.distributions.Categorical(logits=logits.movedim(1, -1)).entropy() / np.log(2)
    assert bits.mean() == pytest.approx(float(entropy.mean()), rel=0.02)


def test_uncertainty_of_one_certain_colour_is_zero(checkpoint):
    weights = UNet(TINY, 256).state_dict()
    weights["head.bias"][200] = 100.0
    sure = Colorizer(Checkpoint(TINY, Bits(4), "classification", weights), "cpu")
    assert sure.uncertainty(array(1, np.uint8)).max() < 1e-6


def test_samples_differ_and_keep_luminance(classifier):
    source = array(1, np.uint8)
    several = classifier.samples(source, 3)
    assert len(several) == 3
    for one, other in pairwise(several):
        assert np.abs(one.astype(int) - other).mean() > 1
    assert all(np.abs(luma(one) - luma(source)).max() <= 0.5 for one in several)
    again = classifier.samples(source, 3)
    assert all(np.array_equal(one, two) for one, two in zip(several, again, strict=True))
    assert not np.array_equal(classifier.samples(source, 1, seed=1)[0], several[0])
    assert np.abs(classifier.samples(source, 1, variety=0)[0].astype(int) - classifier(source)).max() <= 1


def test_samples_follow_the_distribution():
    """With every colour equally likely, each class is drawn as often as any other."""
    flat = Colorizer(Checkpoint(TINY, Bits(1), "classification", UNet(TINY, 4).state_dict(), {"size": 32}), "cpu")
    gray = np.full((8, 8), 0.5)
    hues = [tuple(np.sign(rgb_to_lab(one)[4, 4, 1:])) for one in flat.samples(gray, 80)]
    assert all(10 < hues.count(hue) < 32 for hue in {(1, 1), (1, -1), (-1, 1), (-1, -1)})


def test_regression_has_no_distribution(colorizer):
    for method in (colorizer.uncertainty, lambda image: colorizer.samples(image, 2)):
        with pytest.raises(ValueError, match="load a classification model"):
            method(array(1, np.uint8))
