"""What the studio shows is what the library gives, and is not computed twice."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from colorify import pictures
from colorify.answer import mixed
from colorify.color import rgb_to_lab
from colorify.hints import Hint
from colorify.knobs import Knobs
from colorify.laying import apply_chroma
from colorify.widgets.session import GIVEN, GRAY, LONGEST, THUMB, Choice, Session, name_of, seen, spoken
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


def test_luma_and_chroma_make_the_full_result(session):
    """What the page joins is what is exported."""
    for choice in (
        Choice("one", knobs=Knobs(hints=(Hint(100, 80, (30.0, 20.0)),), blur=4.0)),
        Choice("two", other="one", blend=0.3, knobs=Knobs(temperature=0.2)),
    ):
        joined = apply_chroma(session.shown, session.ab(choice))
        assert joined.pixels.shape == session.source.pixels.shape
        assert np.abs(joined.pixels.astype(int) - session.full(choice).pixels).mean() < 1


def test_a_thumbnail_is_the_same_but_small(session):
    choice = Choice("one", knobs=Knobs(blur=4.0))
    shown = session.preview(choice)
    assert max(shown.size) == THUMB
    whole = pictures.to_pil(session.full(choice)).resize(shown.size, Image.Resampling.LANCZOS)
    assert np.abs(pixels(shown) - pixels(whole)).mean() < 3


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_the_gray_that_is_shown_has_the_luminance(kind):
    array = np.asarray(photo(3, 90, 60)) / 255
    top = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    gray = seen(pictures.from_array((array * top).astype(kind)))
    assert np.abs(rgb_to_lab(np.dstack([gray] * 3) / 255)[..., 0] - rgb_to_lab(array)[..., 0]).max() < 0.4


def test_what_is_shown_fits_graphics_cards(colorizer):
    session = Session({"one": colorizer})
    session.open(pictures.from_array(np.zeros((20, 9000), np.uint8)))
    assert session.shown.size == (LONGEST, 18) and session.size == (9000, 20)


def test_gray_is_the_hints_alone(session):
    gray = Choice(GRAY, knobs=Knobs(saturation=2.0))
    assert np.abs(session.ab(gray)).max() == 0
    hinted = replace(gray, knobs=Knobs(hints=(Hint(450, 300, (40.0, 20.0)),)))
    (expected,) = session.models["one"].colorize([session.source], Knobs(saturation=0.0, hints=hinted.knobs.hints))
    assert np.array_equal(session.full(hinted).pixels, expected.pixels)


def test_given_colours_are_steered_as_those_of_a_model(session):
    session.give(photo(3, 900, 600))
    given = Choice(GIVEN)
    assert np.abs(session.full(given).pixels.astype(int) - session.source.pixels).mean() < 4
    half = session.ab(replace(given, knobs=Knobs(saturation=0.5)))
    np.testing.assert_allclose(half, session.ab(given) / 2, atol=0.01)


@pytest.mark.parametrize(("depth", "kind"), [(None, np.uint8), (8, np.uint8), (16, np.uint16)])
def test_depth_as_asked(session, depth, kind):
    full = session.full(Choice("one"), depth)
    assert full.pixels.dtype == kind
    plain = session.full(Choice("one")).pixels / 255
    assert np.abs(full.pixels / np.iinfo(kind).max - plain).max() < 0.01


def test_a_turned_picture_is_shown_upright(colorizer):
    session, upright = Session({"one": colorizer}), photo(5, 90, 60)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    turned.getexif().update(exif)
    session.open(pictures.from_pil(turned))
    assert session.size == upright.size == session.preview(Choice("one")).size == session.shown.size


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
    there = rgb_to_lab(np.full(3, session.shown.pixels[int(0.7 * height), int(0.2 * width)]) / 255)[0]
    for color, _ in found:
        rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)])
        assert abs(rgb_to_lab(rgb / 255)[0] - there) < 1.5


def test_how_near_is_said_for_colour_pictures_alone(session):
    assert session.near(session.truth) == 1
    assert session.near(np.zeros((2, 2, 2), np.float32)) < 0.5
    session.open(pictures.from_pil(photo(1).convert("L")))
    assert session.truth is None and session.near(np.zeros((2, 2, 2), np.float32)) is None


def test_truth_is_small_and_in_any_depth(session):
    for array in (np.asarray(photo(3, 90, 60)), np.asarray(photo(3, 90, 60)) / 255.0):
        session.open(pictures.from_array(array))
        lab = rgb_to_lab(np.asarray(photo(3, 90, 60)) / 255)
        assert np.abs(session.truth - lab[..., 1:]).mean() < 0.5


def test_ideas_are_the_librarys_and_keep_their_names(session):
    assert session.classifier == "two" and session.classifies("two") and not session.classifies("one")
    session.open(pictures.from_pil(photo(3, 300, 200)))
    session.think(3)
    ideas = [session.full(Choice(name)).pixels for name in session.ideas]
    expected = session.models["two"].samples(session.source.pixels, 3)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(ideas, expected, strict=True))
    session.think(2)
    assert list(session.ideas.values()) == [1, 2, 3, 4, 5]
    assert np.array_equal(session.full(Choice("idea 1")).pixels, ideas[0])
    plain = session.plainly(Choice("idea 3"))
    assert (plain.model, plain.knobs.idea) == ("two", 3)
    session.open(pictures.from_pil(photo(1)))
    assert not session.ideas


def test_doubt_is_where_the_classifier_is_unsure(session):
    doubt = session.doubt()[..., 1]
    bits = session.models["two"].uncertainty(session.source.pixels)
    small = np.asarray(Image.fromarray(bits).resize(doubt.shape[::-1], Image.Resampling.BOX))
    assert np.corrcoef(small.ravel(), doubt.ravel())[0, 1] > 0.95


def test_what_no_model_here_can_say_is_an_error_with_its_cure(colorizer):
    session = Session({"one": colorizer})
    session.open(pictures.from_pil(photo(3)))
    assert session.palette(0.5, 0.5) == []
    with pytest.raises(ValueError, match="name a classifier, such as lowres"):
        session.doubt()
    with pytest.raises(ValueError, match="no model here is 'yours': choose one of gray, one"):
        session.ab(Choice(GIVEN))
    with pytest.raises(ValueError, match="not from 'gray': choose one below it"):
        session.mix(Choice(GRAY))


def test_names():
    ImageColor.getrgb("red")  # Pillow keeps what was asked for in another form
    assert name_of("#ff0000") == "red" and name_of("#01007f") == "navy"
    assert name_of("#556b2f") == "dark olive green" and spoken("honeydew") == "honeydew"
    assert spoken("lightgoldenrodyellow") == "light goldenrod yellow"
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
    plain = session.ab(Choice("one"))
    mask = np.zeros(session.source.pixels.shape[:2], np.uint8)
    mask[:, : mask.shape[1] // 2] = 255
    for knobs in (Knobs(references=[photo(3, 300, 200)]), Knobs(palette="teal,orange")):
        for choice in (Choice("one", knobs=knobs), Choice("one", other="two", blend=0.5, knobs=knobs)):
            assert not np.array_equal(session.ab(choice), plain)
            joined = apply_chroma(session.shown, session.ab(choice)).pixels.astype(int)
            assert np.abs(joined - session.full(choice).pixels).mean() < 1.5
    masked = Choice("one", knobs=Knobs(mask=mask))
    assert np.array_equal(session.ab(masked), plain), "the page ends it with the mask"
    assert session.near(plain, masked.knobs.mask) > session.near(plain), "beside it are the picture's own colours"
    kept = session.full(masked).pixels
    assert np.array_equal(kept[:, -10:], session.source.pixels[:, -10:])
