"""Masks say where color goes: white all of it, black nothing, to the bit, gray between; hints and references too."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import pictures
from colorify.cli import app
from colorify.color import rgb_to_lab
from colorify.knobs import Knobs
from colorify.masks import Mask, taken
from colorify.models import checkpoint as checkpoints
from colorify.pictures import PictureError, from_pil
from conftest import photo

MASK = np.zeros((60, 80), np.uint8)
MASK[:, 30:50], MASK[:, 50:] = 128, 255


def chroma(array: np.ndarray) -> np.ndarray:
    top = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    return rgb_to_lab(array[..., :3] / top)[..., 1:]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_black_stays_white_is_colored_gray_is_between(colorizer, dtype, channels):
    source = np.asarray(photo(0, 80, 60).convert("L" if channels == 1 else "RGB"))
    scale = {np.uint8: 1, np.uint16: 257.0, np.float32: np.float32(1 / 255)}[dtype]
    source = (source * scale).astype(dtype) if dtype != np.uint8 else source
    part, whole = colorizer(source, mask=MASK), colorizer(source)
    given = np.dstack((source,) * 3) if channels == 1 else source
    assert np.array_equal(part[:, :30], given[:, :30]) and np.array_equal(part[:, 50:], whole[:, 50:])
    own, ab, all_of_it = chroma(given)[:, 30:50], chroma(part)[:, 30:50], chroma(whole)[:, 30:50]
    assert np.abs(ab - (own + (all_of_it - own) * 128 / 255)).mean() < 1


@pytest.mark.parametrize("size", [(40, 30), (160, 120), (800, 600), (81, 60)])
def test_another_size_of_the_same_shape_fits(colorizer, size):
    mask = Image.fromarray(MASK).resize(size, Image.Resampling.NEAREST)
    gray = np.asarray(photo(0, 80, 60).convert("L"))
    part, whole = colorizer(gray, mask=mask), colorizer(gray)
    assert np.array_equal(part[:, :25], np.dstack((gray,) * 3)[:, :25])
    assert np.array_equal(part[:, 55:], whole[:, 55:])


@pytest.mark.parametrize("size", [(60, 80), (80, 50), (200, 60), (800, 630)])
def test_another_shape_is_refused(colorizer, size):
    gray = np.asarray(photo(0, 80, 60).convert("L"))
    with pytest.raises(PictureError, match=f"mask: {size[0]} x {size[1]} is not the shape of the picture of 80 x 60"):
        colorizer(gray, mask=Image.new("L", size))


def test_it_is_that_of_the_upright_picture(colorizer, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = photo(0, 80, 60).convert("L")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    turned = colorizer(tmp_path / "turned.png", mask=MASK).transpose(Image.Transpose.ROTATE_270)
    expected = np.asarray(colorizer(upright, mask=MASK)).astype(int)
    assert np.abs(np.asarray(turned) - expected).max() <= 1


def test_a_very_wide_picture(colorizer):
    gray = np.random.default_rng(0).integers(0, 256, (2, 200_000), np.uint8)
    part = colorizer(gray, mask=np.zeros_like(gray))
    assert np.array_equal(part, np.dstack((gray,) * 3))


@pytest.mark.parametrize("form", ["path", "bool", "rgb", "1", "16 bit"])
def test_any_form(tmp_path, form):
    hard = np.where(MASK > 127, 255, 0).astype(np.uint8)
    Image.fromarray(hard).save(tmp_path / "mask.png")
    forms = {
        "path": tmp_path / "mask.png",
        "bool": hard > 0,
        "rgb": np.dstack((hard,) * 3),
        "1": Image.fromarray(hard).convert("1"),
        "16 bit": hard.astype(np.uint16) * 257,
    }
    assert Knobs(mask=forms[form]).mask == Mask(hard) == taken(Mask(hard))


def test_masks_that_are_none():
    with pytest.raises(PictureError, match=r"the mask none\.png: no such file"):
        Knobs(mask="none.png")
    with pytest.raises(PictureError, match="mask: a int: expected an image"):
        Knobs(mask=3)


def test_hints_and_references_stay_in_their_region(colorizer):
    gray = np.asarray(photo(1, 80, 60).convert("L"))
    right = np.where(MASK == 255, 255, 0).astype(np.uint8)
    plain = chroma(colorizer(gray)).astype(float)
    hinted = chroma(colorizer(gray, hints=[(70, 30, (60.0, -60.0), right)]))
    told = chroma(colorizer(gray, references=[(photo(1, 80, 60), right)]))
    for ab, free in ((hinted, colorizer(gray, hints=[(70, 30, (60.0, -60.0))])), (told, None)):
        assert np.abs(ab - plain)[:, :40].max() < 2 < np.abs(ab - plain)[:, 55:].max()
        if free is not None:
            assert np.abs(chroma(free) - plain)[:, :40].max() > 2
    for knobs in ({"hints": [(1, 1, (0, 0), right.T)]}, {"references": [(photo(1, 80, 60), right.T)]}):
        with pytest.raises(PictureError, match="is not the shape"):
            colorizer(gray, **knobs)


def test_regions_on_the_command_line(tmp_path):
    photo(1, 80, 60).save(tmp_path / "coat.png")
    Image.fromarray(MASK).save(tmp_path / "region.png")
    (reference,) = Knobs(references=[f"{tmp_path / 'coat.png'}@{tmp_path / 'region.png'}"]).references
    assert reference.region == Mask(MASK) and reference.picture.size == (80, 60)


def test_a_wide_gamut_keeps_its_own(colorizer):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = from_pil(photo(0, 80, 60))
    tagged = pictures.Picture(picture.pixels, metadata=pictures.Metadata(icc=profile))
    (part,) = colorizer.colorize([tagged], Knobs(mask=MASK))
    assert np.array_equal(part.pixels[:, :30], picture.pixels[:, :30])


def test_the_commands(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    (tmp_path / "in").mkdir()
    photo(0, 80, 60).convert("L").save(tmp_path / "in" / "a.png")
    photo(0, 60, 60).convert("L").save(tmp_path / "in" / "b.png")
    Image.fromarray(MASK).save(tmp_path / "mask.png")
    for command in ("image", "bulk"):
        told = [command, str(tmp_path / "in"), "-o", str(tmp_path / command), "--mask", str(tmp_path / "mask.png")]
        result = CliRunner().invoke(app, [*told, "--model", str(tmp_path / "model.safetensors")])
        assert result.exit_code == 1 and "b.png" in result.stderr and "is not the shape" in result.stderr
        assert (tmp_path / command / "a.png").exists() and not (tmp_path / command / "b.png").exists()
        result = CliRunner().invoke(app, [*told[:-1], str(tmp_path / "none.png")])
        assert result.exit_code == 1 and result.stderr.count("\n") == 1
