"""References give their colors where they match, nothing where they do not, and are refused when they show none."""

import pickle
from functools import cache

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import metrics
from colorify.answer import Blend
from colorify.cli import app
from colorify.color import rgb_to_lab, to_planes
from colorify.data import samples
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.pictures import PictureError, from_pil
from colorify.references import SIDE, Reference
from conftest import photo


@pytest.fixture(scope="module")
def highres() -> Colorizer:
    return Colorizer.load("highres", "cpu")


@cache
def sample(name: str) -> Image.Image:
    picture = dict(samples.color())[name]
    picture.thumbnail((400, 300))
    return picture


def cut(picture: Image.Image) -> Image.Image:
    """Mirrored, with less around it, and darker."""
    width, height = picture.size
    box = picture.crop((width // 10, height // 12, width, height)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return box.point(lambda value: int(value * 0.85))


def error(colored: Image.Image, truth: Image.Image) -> float:
    return float(metrics.de2000(*(rgb_to_lab(to_planes(picture)) for picture in (colored, truth))))


@pytest.mark.parametrize("name", ["coffee", "astronaut"])
def test_its_own_self_mirrored_and_darker_gives_its_colors(highres, name):
    truth = sample(name)
    gray = truth.convert("L")
    plain, told = highres(gray), highres(gray, references=[cut(truth)])
    assert error(told, truth) < 0.7 * error(plain, truth)
    some = highres(gray, references=[cut(truth)], reference_strength=0.5)
    assert error(told, truth) < error(some, truth) < error(plain, truth)


def test_what_does_not_match_does_no_harm(highres):
    truths = [sample(name) for name, _ in samples.color()]
    worse = []
    for truth, other in zip(truths, truths[2:] + truths[:2], strict=True):
        answer = highres.look(from_pil(truth))
        plain, told = (answer.paint(Knobs(references=given)).pixels for given in ((), [other]))
        worse.append(error(Image.fromarray(told), truth) - error(Image.fromarray(plain), truth))
    assert np.mean(worse) < 0.1 and max(worse) < 1


def test_of_several_the_one_that_matches_is_heard(highres):
    gray, own = sample("coffee").convert("L"), cut(sample("coffee"))
    alone = highres(gray, references=[own])
    both = highres(gray, references=[sample("rocket"), own])
    assert error(both, alone) < 0.3 * error(highres(gray), alone)


def test_plain_pictures_stay_as_they_are(highres):
    gray = sample("cat").convert("L")
    before = np.asarray(highres(gray))
    highres(gray, references=[sample("cat")])
    assert np.array_equal(np.asarray(highres(gray)), before)
    assert np.array_equal(np.asarray(highres(gray, references=[sample("cat")], reference_strength=0)), before)


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (48, 64), (500, 16)])
@pytest.mark.parametrize("other", [(1, 1), (300, 8), (40, 40)])
def test_any_size(colorizer, size, other):
    gray = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    reference = np.random.default_rng(1).integers(0, 256, (*other, 3), np.uint8)
    assert colorizer(gray, references=[reference]).shape == (*size, 3)


def test_a_reference_is_looked_at_once(colorizer, monkeypatch):
    reference, seen = Reference(from_pil(photo(5))), []
    matcher, grays = colorizer.matcher(), [photo(n).convert("L") for n in range(3)]
    encode = matcher.encode
    monkeypatch.setattr(matcher, "encode", lambda luma: seen.append(len(luma)) or encode(luma))
    colorizer.batch(grays, references=[reference])
    colorizer(grays[0], references=[Reference(from_pil(photo(5)))])
    assert sorted(seen) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("form", ["path", "text", "pillow", "array", "16 bit", "reference"])
def test_any_form(colorizer, tmp_path, form):
    picture, path = photo(3), tmp_path / "a.png"
    picture.save(path)
    array = np.asarray(picture)
    forms = {
        "path": path,
        "text": str(path),
        "pillow": picture,
        "array": array,
        "16 bit": array.astype(np.uint16) * 257,
        "reference": Reference(from_pil(picture)),
    }
    assert Knobs(references=[forms[form]]).references == (Reference(from_pil(picture)),)


def test_references_are_small_upright_equal_and_travel(tmp_path):
    picture = photo(3, 2000, 1000)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    turned, straight = Knobs(references=[tmp_path / "turned.png"]), Knobs(references=[picture])
    assert turned == straight and hash(turned) == hash(straight)
    assert turned.references[0].picture.size == (2 * SIDE, SIDE)
    assert pickle.loads(pickle.dumps(turned)) == turned
    assert straight != Knobs(references=[photo(4)])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([Image.new("L", (40, 40), 90)], "reference 1: is gray"),
        ([photo(1), np.full((40, 40, 3), 90, np.uint8)], "reference 2: is gray"),
        ([np.zeros((4, 4, 7), np.uint8)], "reference 1: an array of shape"),
        ([None], "reference 1"),
        (["nowhere.png"], r"the reference nowhere\.png: no such file"),
        ("nowhere.png", "expected a list"),
        (photo(1), "expected a list"),
    ],
)
def test_references_that_cannot_be(given, words):
    with pytest.raises(PictureError, match=words):
        Knobs(references=given)


def test_a_blend_follows_references_too(colorizer, classifier):
    gray, knobs = from_pil(photo(1).convert("L")), Knobs(references=[photo(1)])
    blend = Blend(colorizer.look(gray), classifier.look(gray), 0.5)
    assert np.abs(blend.ab(knobs) - blend.ab()).max() > 1


def test_the_commands(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    model = ["--model", str(tmp_path / "model.safetensors")]
    (tmp_path / "in").mkdir()
    for n in range(2):
        photo(n).convert("L").save(tmp_path / "in" / f"{n}.png")
        photo(n).save(tmp_path / f"color{n}.png")
    told = [f"--reference={tmp_path / f'color{n}.png'}" for n in range(2)]
    run = CliRunner().invoke
    assert run(app, ["image", str(tmp_path / "in"), "-o", str(tmp_path / "plain"), *model]).exit_code == 0
    for command in ("image", "bulk"):
        out = tmp_path / command
        assert run(app, [command, str(tmp_path / "in"), "-o", str(out), *model, *told]).exit_code == 0
        for n in range(2):
            assert (out / f"{n}.png").read_bytes() != (tmp_path / "plain" / f"{n}.png").read_bytes()
        photo(0).convert("L").save(tmp_path / "gray.jpg")
        for bad, words in (("gray.jpg", "gray.jpg: is gray"), ("none.jpg", "none.jpg: no such file")):
            wrong = [command, str(tmp_path / "in"), "-o", str(tmp_path / "wrong"), *model]
            result = run(app, [*wrong, "--reference", str(tmp_path / bad)])
            assert result.exit_code == 1 and words in result.stderr and result.stderr.count("\n") == 1
            assert not (tmp_path / "wrong").exists()
