"""Palettes draw colors to those that are near and plausible; one that is none is told in one line."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import palettes
from colorify.cli import app
from colorify.codec import Bits, Channels
from colorify.color import rgb_to_lab
from colorify.hints import ab_of
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.pictures import PictureError
from conftest import photo

GRAY = np.asarray(photo(2, 80, 64).convert("L"))
WARM, COLD = (30.0, 40.0), (-10.0, -40.0)


def swatches(*colors: str) -> Image.Image:
    picture = Image.new("RGB", (60 * len(colors), 60))
    for number, color in enumerate(colors):
        picture.paste(color, (60 * number, 0, 60 * number + 60, 60))
    return picture


@pytest.mark.parametrize("given", ["navy,#8b4513, khaki", ["navy", "#8b4513", "khaki"]])
def test_names(given):
    assert np.allclose(Knobs(palette=given).palette, [ab_of(name) for name in ("navy", "#8b4513", "khaki")])


@pytest.mark.parametrize("form", [str, None, Image.open, lambda path: np.asarray(Image.open(path))])
def test_pictures_give_their_colors(tmp_path, form):
    path = tmp_path / "colors.png"
    swatches("navy", "saddlebrown", "khaki").save(path)
    found = Knobs(palette=form(path) if form else path).palette
    assert np.allclose(sorted(found), sorted(ab_of(name) for name in ("navy", "saddlebrown", "khaki")), atol=1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "has no colors"),
        ([], "has no colors"),
        ("navy", "has one color"),
        ("navy,#000080", "has one color"),
        ("navy,blurple", "'blurple' is no color"),
        ([(1, 2), (300, 0)], "expected -128 to 128"),
        ("none.png", r"the palette none\.png: no such file"),
        (Image.new("RGB", (9, 9), "red"), "has one color"),
        (Image.new("L", (9, 9)), "has one color"),
    ],
)
def test_palettes_that_are_none(given, words):
    with pytest.raises(PictureError, match=words):
        Knobs(palette=given)


def hue(ab: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))


HUES = [float(hue(np.array(color))) for color in (WARM, COLD)]


def test_colors_turn_to_the_nearest_hue_and_keep_their_chroma():
    ab = np.array([[[25.0, 30.0], [0.0, -30.0], [90.0, 90.0], [0.0, 0.0]]], np.float32)
    output = np.zeros((2, 1, 4), np.float32)
    full = palettes.drawn(ab, (WARM, COLD), 1.0, output, Channels())
    assert np.allclose(hue(full)[0, :3], [HUES[0], HUES[1], HUES[0]], atol=0.5)
    chroma = np.linalg.norm(full, axis=-1)[0]
    assert np.allclose(chroma, [np.hypot(25, 30), 30, 50, 0], atol=0.5)  # that of the palette is the most
    assert np.allclose(palettes.drawn(ab, (WARM, COLD), 0.5, output, Channels()), (ab + full) / 2, atol=1e-4)


def test_a_classifier_takes_what_it_believes_in():
    codec = Bits(4)
    ab = np.array([[[18.0, 0.0]]], np.float32)  # as far from both hues, nearly
    for believed, expected in ((WARM, HUES[0]), (COLD, HUES[1])):
        logits = -((codec.centers - believed) ** 2).sum(1).astype(np.float32)[:, None, None] / 200
        assert abs(hue(palettes.drawn(ab, (WARM, COLD), 1.0, logits, codec)[0, 0]) - expected) < 3


def test_gray_of_a_palette_is_a_color_too():
    ab = np.array([[[0.0, 30.0]]], np.float32)
    full = palettes.drawn(ab, ((0.0, 0.0), (0.0, -60.0)), 1.0, np.zeros((2, 1, 1), np.float32), Channels())
    assert np.abs(full).max() < 0.5


def off(ab: np.ndarray) -> float:
    """Degrees from the nearest hue of WARM and COLD, of what is colorful."""
    apart = np.stack([np.abs((hue(ab) - wanted + 180) % 360 - 180) for wanted in HUES]).min(0)
    return float(np.median(apart[np.linalg.norm(ab, axis=-1) > 1]))


def test_pictures_keep_to_it(colorizer, classifier):
    for model in (colorizer, classifier):
        plain, kept = (rgb_to_lab(model(GRAY / 255, **knobs))[..., 1:] for knobs in ({}, {"palette": (WARM, COLD)}))
        assert off(kept) < 5 and off(kept) < off(plain)
        assert np.array_equal(model(GRAY, palette=(WARM, COLD), palette_strength=0), model(GRAY))


def test_films_too(colorizer):
    luma = np.float32(GRAY[None]) / 2.55
    ab = colorizer.chroma(luma, Knobs(palette=(WARM, COLD)))
    assert ab.shape == colorizer.chroma(luma).shape and off(ab) < 5


def test_the_commands(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    photo(0).convert("L").save(tmp_path / "a.png")
    for command in ("image", "bulk"):
        told = [command, str(tmp_path / "a.png"), "-o", str(tmp_path / command) + "/"]
        told += ["--model", str(tmp_path / "model.safetensors"), "--palette"]
        for bad, words in (("", "no colors"), ("red", "one color"), ("red,blurple", "blurple")):
            result = CliRunner().invoke(app, [*told, bad])
            assert result.exit_code == 1 and words in result.stderr and result.stderr.count("\n") == 1
        assert not (tmp_path / command).exists()
        assert CliRunner().invoke(app, [*told, "red,blue"]).exit_code == 0
        assert (tmp_path / command / "a.png").exists()
