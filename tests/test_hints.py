"""Hints give their place its colour, spread over what looks alike, and stop at edges."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import hints
from colorify.cli import app
from colorify.color import rgb_to_lab
from colorify.hints import Hint, HintError, Spreading, ab_of
from colorify.models import checkpoint as checkpoints


def halves(height: int = 96, width: int = 160) -> np.ndarray:
    """L* of a dark left and a bright right half, with grain."""
    luma = np.full((height, width), 30, np.float32)
    luma[:, width // 2 :] = 80
    return luma + np.random.default_rng(0).normal(0, 0.5, luma.shape).astype(np.float32)


NONE = np.zeros((96, 160, 2), np.float32)


@pytest.fixture
def spreading() -> Spreading:
    luma = halves()
    return Spreading(luma, NONE)


def test_a_hint_fills_its_side_and_stops_at_the_edge(spreading):
    change = spreading.change(NONE, [(0.1, 0.5)], [(40, -20)])
    assert change.shape == (96, 160, 2)
    assert np.abs(change[48, 16] - (40, -20)).max() < 0.5
    assert change[:, :72, 0].min() > 15 and np.abs(change[:, 88:]).max() < 0.5


def test_two_hints_are_both_heard(spreading):
    change = spreading.change(NONE, [(0.1, 0.5), (0.9, 0.5)], [(40, 0), (0, 40)])
    assert np.abs(change[48, 16] - (40, 0)).max() < 0.5 and np.abs(change[48, 144] - (0, 40)).max() < 0.5
    near = spreading.change(NONE, [(0.1, 0.2), (0.1, 0.8)], [(40, 0), (-40, 0)])
    assert near[19, 16, 0] > 35 and near[76, 16, 0] < -35


def test_no_change_where_the_colour_is_right_already():
    luma = halves()
    ab = np.full((*luma.shape, 2), 12, np.float32)
    assert np.abs(Spreading(luma, ab).change(ab, [(0.3, 0.3)], [(12, 12)])).max() < 1e-3


def test_contradicting_hints_at_one_place_meet_in_the_middle(spreading):
    change = spreading.change(NONE, [(0.1, 0.5)] * 2, [(40, 0), (20, 0)])
    assert np.isfinite(change).all() and 25 < change[48, 16, 0] < 35


def test_large_pictures_spread_in_a_small_copy():
    luma = np.repeat(np.repeat(halves(), 4, 0), 4, 1)
    none = np.zeros((*luma.shape, 2), np.float32)
    spreading = Spreading(luma, none)
    assert min(spreading.shape) == 128
    change = spreading.change(none, [(0.1, 0.5)], [(40, 0)])
    assert change.shape[:2] == luma.shape and change[192, 64, 0] > 38 and np.abs(change[:, 360:]).max() < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3)])
def test_tiny_pictures(shape):
    luma = np.full(shape, 50, np.float32)
    none = np.zeros((*shape, 2), np.float32)
    change = Spreading(luma, none).change(none, [(0.99, 0.99)], [(10, 10)])
    assert change.shape == (*shape, 2) and np.isfinite(change).all() and abs(change[-1, -1, 0] - 10) < 0.1


@pytest.mark.parametrize("saturation", [1.0, 0.3])
def test_the_picture_has_the_colour_at_the_place(colorizer, saturation):
    gray = (halves(200, 300) * 2.55).clip(0, 255).astype(np.uint8)
    colored = colorizer(gray, hints=[(30, 100, (30.0, 25.0))], saturation=saturation)
    plain = colorizer(gray, saturation=saturation)
    lab, before = (rgb_to_lab(picture.astype(np.float32) / 255) for picture in (colored, plain))
    assert np.abs(lab[98:103, 28:33, 1:].mean((0, 1)) - (30, 25)).max() < 3
    assert np.abs(lab[:, 200:, 1:] - before[:, 200:, 1:]).max() < 3
    assert np.abs(lab[..., 0] - before[..., 0]).max() < 1


def test_places_are_those_of_the_upright_picture(colorizer, tmp_path):
    gray = Image.fromarray((halves(200, 300) * 2.55).clip(0, 255).astype(np.uint8))
    turned, exif = gray.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    colored = colorizer(tmp_path / "turned.png", hints=[(30, 100, (30, 25))])
    upright = colored.transpose(Image.Transpose.ROTATE_270) if colored.size == turned.size else colored
    lab = rgb_to_lab(np.asarray(upright.convert("RGB"), np.float32) / 255)
    assert np.abs(lab[98:103, 28:33, 1:].mean((0, 1)) - (30, 25)).max() < 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((300, 0, (1, 1)), "outside the picture of 300 x 200"),
        ((-1, 0, (1, 1)), "outside"),
        ((float("nan"), 0, (1, 1)), "outside"),
        ((0, 0, (500, 1)), "expected -128 to 128"),
        ((0, 0, (float("nan"), 1)), "expected -128 to 128"),
        ((0, 0), "expected"),
        ("red", "expected"),
    ],
)
def test_hints_that_cannot_be(colorizer, given, words):
    with pytest.raises(HintError, match=words):
        colorizer(np.zeros((200, 300), np.uint8), hints=[given])


def test_a_colour_by_its_name(colorizer):
    gray = np.full((40, 60), 128, np.uint8)
    named = colorizer(gray, hints=[(30, 20, "#ff0000")])
    assert np.array_equal(named, colorizer(gray, hints=[(30, 20, ab_of("red"))]))
    with pytest.raises(HintError, match="expected"):
        colorizer(gray, hints=[(30, 20, "no colour")])


def test_files(tmp_path):
    path = tmp_path / "hints.csv"
    path.write_text("x,y,color\n10,20,#ff0000\n3.5,4,navy\n")
    red, navy = hints.read(path)
    assert (red.x, red.y) == (10, 20) and np.allclose(red.ab, (80.1, 67.2), atol=0.2) and navy.ab[1] < -50
    path.write_text("x,y,a,b\n1,2,3,-4\n")
    assert hints.read(path) == [Hint(1, 2, (3, -4))]
    for text in ("x,y,color\n1,2,blurple\n", "x,y\n1,2\n", "x,y,a,b\n1,,3,4\n"):
        path.write_text(text)
        with pytest.raises(HintError, match="line 2: expected"):
            hints.read(path)
    with pytest.raises(HintError, match="cannot be read"):
        hints.read(tmp_path / "none.csv")


def test_the_command(checkpoint, tmp_path):
    Image.fromarray((halves(200, 300) * 2.55).clip(0, 255).astype(np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "hints.csv").write_text("x,y,a,b\n30,100,30,25\n")
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    command = ["image", str(tmp_path / "photo.png"), "-o", str(tmp_path / "out.png"), "--model"]
    command += [str(tmp_path / "model.safetensors"), "--hints", str(tmp_path / "hints.csv")]
    assert CliRunner().invoke(app, command).exit_code == 0
    with Image.open(tmp_path / "out.png") as picture:
        a = rgb_to_lab(np.asarray(picture, np.float32)[98:103, 28:33] / 255)[..., 1].mean()
    assert abs(a - 30) < 3
    (tmp_path / "hints.csv").write_text("x,y,a,b\n999,100,30,25\n")
    result = CliRunner().invoke(app, [*command, "--overwrite"])
    assert result.exit_code == 1 and "outside the picture" in result.stderr


def test_hints_of_a_film_say_when(tmp_path):
    (tmp_path / "h.csv").write_text("frame,time,x,y,color\n12,,3,4,red\n,0.5,5,6,navy\n")
    found = hints.read(tmp_path / "h.csv")
    assert [(hint.frame, hint.time) for hint in found] == [(12, None), (None, 0.5)]
    assert hints.check_film(found, (20, 10), 0.04, 1.0) == found
    with pytest.raises(HintError, match="hint 1: of frame 12: hints of frames are for films"):
        hints.check(found, (20, 10))


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Hint(1, 1, (0, 0)), "hint 1: of a film: name its frame or its time"),
        (Hint(1, 1, (0, 0), None, 1, 0.5), "name its frame or its time"),
        (Hint(1, 1, (0, 0), time=-1.0), "hint 1: at -1 seconds"),
        (Hint(1, 1, (0, 0), frame=27), "at 1.08 seconds: the film ends after 1.000"),
        (Hint(20, 1, (0, 0), frame=3), "hint 1: 20, 1 is outside the picture of 20 x 10"),
    ],
)
def test_hints_that_are_none_of_the_film(hint, words):
    with pytest.raises(HintError, match=words):
        hints.check_film([hint], (20, 10), 0.04, 1.0)
