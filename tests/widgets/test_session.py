"""What the studio shows is what the library gives, and is not computed twice."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from colorify import pictures
from colorify.answer import mixed
from colorify.color import rgb_to_lab
from colorify.hints import Hint
from colorify.knobs import Knobs
from colorify.widgets.session import SCREEN, Choice, Session, name_of
from conftest import photo


@pytest.fixture
def session(colorizer, classifier) -> Session:
    session = Session({"one": colorizer, "two": classifier})
    session.open(pictures.from_pil(photo(3, 900, 600)))
    return session


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        (Choice("one"), {}),
        (Choice("one", knobs=Knobs(saturation=0.4, blur=9.0, size=96)), {"saturation": 0.4, "blur": 9.0, "size": 96}),
        (Choice("two", knobs=Knobs(temperature=0.3)), {"temperature": 0.3}),
        (Choice("one", knobs=Knobs(hints=(Hint(100, 80, (30.0, 20.0)),))), {"hints": [(100, 80, (30, 20))]}),
    ],
)
def test_the_full_result_is_the_librarys(session, choice, asked):
    (expected,) = session.models[choice.model].colorize([session.source], Knobs(**asked))
    assert np.array_equal(session.full(choice).pixels, expected.pixels)


def test_the_preview_is_the_same_but_small(session):
    choice = Choice("one", knobs=Knobs(hints=(Hint(100, 80, (30.0, 20.0)),), blur=4.0))
    shown = session.preview(choice)
    assert max(shown.size) == SCREEN
    whole = pictures.to_pil(session.full(choice)).resize(shown.size, Image.Resampling.LANCZOS)
    assert np.abs(pixels(shown) - pixels(whole)).mean() < 2


def test_a_turned_picture_is_shown_upright(colorizer):
    session, upright = Session({"one": colorizer}), photo(5, 90, 60)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    turned.getexif().update(exif)
    session.open(pictures.from_pil(turned))
    assert session.size == upright.size == session.preview(Choice("one")).size


def test_sliders_do_not_run_the_network(session, monkeypatch):
    choice = Choice("one", other="two", blend=0.5)
    session.preview(choice)
    for model in session.models.values():
        monkeypatch.setattr(model, "output", None)
    for turned in (
        Choice("one", other="two", blend=0.2, knobs=Knobs(saturation=2.0)),
        Choice("two", knobs=Knobs(temperature=0.2, blur=3.0)),
        Choice("one", knobs=Knobs(hints=(Hint(5, 5, (10.0, 10.0)),))),
    ):
        session.preview(turned)


def test_blending_goes_from_one_to_the_other(session):
    one, two = (pixels(session.preview(Choice(name))) for name in ("one", "two"))
    assert np.abs(one - two).mean() > 3
    mixed = {share: pixels(session.preview(Choice("one", other="two", blend=share))) for share in (0.0, 0.5, 1.0)}
    assert np.array_equal(mixed[0.0], one) and np.array_equal(mixed[1.0], two)
    assert 0.2 < np.abs(mixed[0.5] - one).mean() / np.abs(two - one).mean() < 0.8


def test_likely_colours_have_the_lightness_of_the_place(session):
    found = session.palette(0.2, 0.7)
    assert len(found) == 12 and sum(share for _, share in found) <= 1
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)
    height, width = session.shown.pixels.shape[:2]
    there = rgb_to_lab(session.shown.pixels[int(0.7 * height), int(0.2 * width)] / 255)[0]
    for color, _ in found:
        rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)])
        assert abs(rgb_to_lab(rgb / 255)[0] - there) < 1.5


def test_metrics_are_given_for_colour_pictures_alone(session):
    right = session.scores(pictures.to_pil(session.shown))
    assert right["de2000"] < 0.01 and right["below gray, %"] == pytest.approx(100)
    assert session.scores(session.gray())["below gray, %"] == pytest.approx(0, abs=0.5)
    session.open(pictures.from_pil(photo(1).convert("L")))
    assert session.scores(session.gray()) == {}


def test_uncertainty_and_gallery(session):
    assert session.classifier == "two"
    assert session.uncertainty().size == session.gray().size
    session.open(pictures.from_pil(photo(3, 300, 200)))
    session.think(3)
    ideas = [pixels(session.preview(Choice(name))) for name in session.ideas]
    assert len(ideas) == 3 and not np.array_equal(ideas[0], ideas[1])
    expected = session.models["two"].samples(session.source.pixels, 3)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(ideas, expected, strict=True))
    session.think(3, seed=1)
    assert not np.array_equal(pixels(session.preview(Choice("idea 1"))), ideas[0])
    session.open(pictures.from_pil(photo(1)))
    assert not session.ideas


def test_names():
    ImageColor.getrgb("red")  # Pillow keeps what was asked for in another form
    assert name_of("#ff0000") == "red" and name_of("#01007f") == "navy"
    with pytest.raises(ValueError):
        name_of("reddish")


def test_what_is_chosen_reaches_the_film(session):
    """Blend, idea and temperature: a film is coloured as the picture of one of its moments is."""
    session.think(3)
    luma = session.models["two"].look(session.source, 64).luma[None]
    for choice in (
        Choice("two", knobs=Knobs(temperature=0.0, size=64, tta=False)),
        Choice("idea 2", knobs=Knobs(size=64, tta=False)),
        Choice("one", other="two", blend=0.5, knobs=Knobs(size=64, tta=False)),
        Choice("one", other="idea 1", blend=0.3, knobs=Knobs(size=64, tta=False)),
    ):
        mix, looked = session.mix(choice), {}
        for name in ("one", "two"):
            looked[name] = session.models[name].look(session.source, 64, tta=False)
        ideas = {name: looked["two"].think(number) for name, number in session.ideas.items()}
        expected = (looked | ideas)[choice.model].chroma(choice.knobs)
        if choice.other:
            expected = mixed(expected, (looked | ideas)[choice.other].chroma(choice.knobs), choice.blend)
        np.testing.assert_allclose(mix.chroma(luma, choice.knobs)[0], expected, atol=1e-3)


def test_guides_reach_what_is_shown_and_what_is_written(session):
    plain = pixels(session.preview(Choice("one")))
    mask = np.zeros(session.source.pixels.shape[:2], np.uint8)
    mask[:, : mask.shape[1] // 2] = 255
    for knobs in (Knobs(references=[photo(3, 300, 200)]), Knobs(palette="teal,orange"), Knobs(mask=mask)):
        for choice in (Choice("one", knobs=knobs), Choice("one", other="two", blend=0.5, knobs=knobs)):
            assert not np.array_equal(pixels(session.preview(choice)), plain)
            assert session.full(choice).pixels.shape == (*session.size[::-1], 3)
    kept = session.full(Choice("one", knobs=Knobs(mask=mask))).pixels
    assert np.array_equal(kept[:, -10:], session.source.pixels[:, -10:])
