"""The side panel: every knob has a control, within its range, in plain words."""

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from colorify import pictures
from colorify.knobs import Knobs
from colorify.pictures import from_pil
from colorify.widgets import panel
from colorify.widgets.luma import Luma
from colorify.widgets.session import Session
from conftest import photo


@pytest.fixture
def session(colorizer, classifier) -> Session:
    session = Session({"highres": colorizer, "lowres": classifier})
    session.open(from_pil(photo(3, 900, 600)))
    return session


def controls(session: Session) -> dict[str, panel.Control]:
    return {control.name: control for group in panel.groups(session, "highres") for control in group.controls}


def test_every_knob_has_a_control_or_a_place(session):
    named = {knob.name for knob in fields(Knobs)}
    assert named - controls(session).keys() == {"hints", "idea"}


def test_a_new_knob_appears_by_itself(session, monkeypatch):
    class Glow:
        name, default, metadata = "glow", 0.5, {"help": "Of the moon.", "min": 0, "max": 2}

    found = panel._found(Glow)
    assert (found.kind, found.low, found.high, found.label, found.tip) == ("range", 0, 2, "Glow", "Of the moon.")
    monkeypatch.setattr(panel, "fields", lambda of: [*fields(of), Glow])
    assert "glow" in controls(session)


@pytest.mark.parametrize(
    ("default", "metadata", "kind"),
    [
        (True, {}, "check"),
        (None, {}, "text"),
        ("warm", {"min": None, "max": None}, "text"),
        ((), {"told": list[Path]}, "files"),
        (3, {"min": 0, "max": 9}, "range"),
    ],
)
def test_a_new_knob_of_any_kind_has_a_control(default, metadata, kind):
    knob = SimpleNamespace(name="moon_light", default=default, metadata={"help": "Of the moon.", **metadata})
    found = panel._found(knob)
    assert (found.kind, found.label) == (kind, "Moon light") and (kind != "range" or found.step == 1)


def test_controls_stay_within_the_knobs(session):
    limits = {knob.name: (knob.metadata.get("min"), knob.metadata.get("max")) for knob in fields(Knobs)}
    for control in controls(session).values():
        low, high = limits.get(control.name, (None, None))
        if control.kind == "range" and low is not None:
            assert low <= control.low < control.high <= high
        assert control.tip.endswith(".") and len(control.tip) < 120, control.name


def test_values_are_checked(session):
    groups = panel.groups(session, "highres")
    now = panel.defaults(groups)
    assert now["model"] == "highres" and now["size"] == session.models["highres"].size
    changed = panel.checked(groups, now, {"saturation": 2, "size": 128.0}, session)
    assert changed["saturation"] == 2.0 and changed["size"] == 128 and isinstance(changed["size"], int)
    for wrong in ({"blur": -1}, {"other": "nobody"}, {"format": ".xyz"}, {"sat": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            panel.checked(groups, now, wrong, session)


def test_a_blur_reaches_as_far_as_the_picture_is_large(session):
    groups = panel.groups(session, "highres")
    assert panel.reach(session) == {"blur": 60}
    assert panel.checked(groups, panel.defaults(groups), {"blur": 60}, session)["blur"] == 60


def test_reasons_name_the_cure(session, colorizer):
    values = panel.defaults(panel.groups(session, "highres"))
    guides = {"reference_strength", "palette_strength", "bound"}
    always = guides | {"keep_luma"}
    assert panel.disabled(session, values).keys() == {"temperature", "variety", "blend"} | always
    assert "depth" in panel.disabled(session, values | {"format": ".jpg"})
    assert panel.disabled(session, values | {"model": "lowres", "other": "highres"}).keys() == {"variety"} | always
    alone = Session({"highres": colorizer})
    alone.open(from_pil(photo(1)))
    assert "no model here" in panel.disabled(alone, values)["doubt"]


def test_luma_is_kept_where_it_can_be(session, tmp_path):
    """And what would change it is out of use while it is; each reason names the cure."""
    gray, color, png, inks = (tmp_path / name for name in ("gray.jpg", "color.jpg", "gray.png", "inks.jpg"))
    for path, mode in ((gray, "L"), (color, "RGB"), (png, "L"), (inks, "CMYK")):
        photo(3, 96, 64).convert(mode).save(path)
    Image.new("L", (96, 64), 255).save(tmp_path / "mask.png")
    asked = panel.defaults(panel.groups(session, "highres")) | {"format": ".jpg", "keep_luma": True}

    def reasons(path: Path | None, **values: object) -> dict[str, str]:
        return panel.disabled(session, asked | values, path and Luma(path, pictures.read(path)))

    changing = {"layers", "beside", "badge"}
    assert reasons(gray).keys() >= changing and "keep_luma" not in reasons(gray)
    assert "keep_luma" not in reasons(color)
    assert not reasons(gray, keep_luma=False).keys() & (changing | {"keep_luma"})
    mask = {"mask": [str(tmp_path / "mask.png")]}
    assert "keep_luma" not in reasons(gray, **mask) and "keep_luma" not in reasons(color, **mask, bound="hints")
    for path, values, said in (
        (None, {}, "no JPEG file"),
        (png, {}, "is no JPEG"),
        (gray, {"format": ".png"}, "choose JPEG"),
        (gray, {"layers": True}, "switch off Layers"),
        (gray, {"beside": True}, "switch off Gray beside colour"),
        (gray, {"badge": True}, "switch off Badge"),
        (inks, {}, "the file has 4 inks"),
        (color, mask, "clear the region first"),
    ):
        found = reasons(path, **values)
        assert said in found["keep_luma"] and "Keep the luma" not in found.get("badge", "")


def test_colour_is_left_alone_where_there_is_some(session, tmp_path):
    photo(3, 96, 64).save(tmp_path / "color.jpg")
    luma = Luma(tmp_path / "color.jpg", pictures.read(tmp_path / "color.jpg"))
    values = panel.defaults(panel.groups(session, "highres")) | {"format": ".jpg", "keep_color": True}
    session.open(luma.picture)
    assert session.own is not None and "keep_color" not in panel.disabled(session, values, luma)
    assert "Leave colour alone first" in panel.disabled(session, values, luma)["keep_luma"]
    assert "keep_luma" not in panel.disabled(session, values | {"keep_color": False}, luma)
    session.open(from_pil(photo(3).convert("L")))
    assert "no colours of its own" in panel.disabled(session, values, luma)["keep_color"]
    assert "keep_color" not in panel.disabled(session, values), "a film has shots of its own"


def test_formats_are_those_that_can_be_written(session):
    assert {".png", ".tif", ".jpg", ".webp"} <= panel.choices(session)["format"].keys()
    assert ".dng" not in panel.choices(session)["format"]
