"""The studio without a browser: what its page is shown, and what a notebook reads and sets."""

import io
import subprocess
import sys
from threading import Event, Thread
from time import sleep

import numpy as np
import pytest
import traitlets
from PIL import Image

from colorify.color import rgb_to_lab
from colorify.knobs import Knobs
from colorify.widgets import Studio
from conftest import photo
from widgets.conftest import ab, chroma, hint, opened


def luma(studio: Studio) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(studio.picture["luma"])))


def test_the_page_has_luma_and_chroma_of_the_picture(studio, tmp_path, colorizer):
    truth = photo(2, 300, 200)
    opened(studio, tmp_path / "mine.png", truth)
    assert (studio.picture["name"], studio.picture["width"], studio.picture["height"]) == ("mine", 300, 200)
    gray = rgb_to_lab(np.dstack([luma(studio)] * 3) / 255)[..., 0]
    assert np.abs(gray - rgb_to_lab(np.asarray(truth) / 255)[..., 0]).mean() < 1
    expected = colorizer.look(studio.session.source).ab()
    np.testing.assert_allclose(ab(studio), expected, atol=0.1)


def test_knobs_cost_their_chroma_alone(studio):
    """Nothing that is large is sent again."""
    changed = []
    studio.observe(lambda change: changed.append(change["name"]))
    plain = chroma(studio)
    studio.act({"do": "turn", "knobs": {"saturation": 0.3}})
    assert chroma(studio) == pytest.approx(0.3 * plain, rel=0.02)
    assert "picture" not in changed and "color" in changed and len(studio.color["ab"]) < 2e5


def test_a_notebook_reads_and_sets_knobs(studio):
    plain = chroma(studio)
    studio.knobs = {"saturation": 2.0}
    assert chroma(studio) == pytest.approx(2 * plain, rel=0.02) and studio.knobs["model"] == "highres"
    for wrong, said in (({"satuartion": 1}, "saturation"), ({"saturation": 9}, "0 to 3"), ({"model": "x"}, "highres")):
        with pytest.raises(traitlets.TraitError, match=said):
            studio.knobs = wrong
    assert studio.knobs["saturation"] == 2.0


def test_a_notebook_reads_and_sets_hints(studio):
    studio.hints = [{"x": 100, "y": 50, "color": "#c03020"}]
    assert studio.hints == [{"x": 100, "y": 50, "color": "#c03020", "name": "fire brick"}]
    assert studio.choice().knobs.hints[0][:2] == (100, 50) and studio.can == {"undo": True, "redo": False}
    studio.act({"do": "undo"})
    assert studio.hints == [] and studio.choice().knobs.hints == ()


def test_a_notebook_reads_the_result_and_sets_another(studio, tmp_path, colorizer):
    truth = photo(2, 300, 200)
    opened(studio, tmp_path / "mine.png", truth)
    studio.knobs = {"saturation": 0.5}
    (expected,) = colorizer.colorize([studio.session.source], Knobs(saturation=0.5))
    assert np.array_equal(np.asarray(studio.result), expected.pixels)
    studio.knobs = {"saturation": 1.0}
    studio.result = truth
    assert studio.knobs["model"] == "yours" and "yours" in dict(studio.choices["model"])
    off = rgb_to_lab(np.asarray(studio.result) / 255.0) - rgb_to_lab(np.asarray(truth) / 255.0)
    assert np.abs(off).mean() < 1
    studio.wait()
    assert "yours" in [tile["name"] for tile in studio.strip]


def test_show_takes_pictures_and_paths(studio, tmp_path):
    studio.show(photo(3, 90, 60), "mine")
    assert studio.picture["name"] == "mine" and studio.picture["width"] == 90
    photo(4, 80, 60).save(tmp_path / "other.png")
    studio.show(tmp_path / "other.png")
    assert [item["name"] for item in studio.shelf] == ["china", "mine", "other"]


def test_the_strip_has_gray_models_and_ideas(choosy):
    choosy.wait()
    names = ["gray", "highres", "lowres", "idea 1", "idea 2", "idea 3", "idea 4"]
    assert [tile["name"] for tile in choosy.strip] == names and choosy.notice == {}
    pictures = [np.asarray(Image.open(io.BytesIO(tile["image"])), int) for tile in choosy.strip]
    assert np.ptp(pictures[0], axis=-1).max() <= 3 and len({picture.tobytes() for picture in pictures}) == 7


def test_controls_that_do_nothing_say_why(choosy):
    assert "lowres" in choosy.disabled["temperature"] and "second model" in choosy.disabled["blend"]
    before = ab(choosy)
    choosy.act({"do": "turn", "knobs": {"temperature": 0.05}})
    assert np.array_equal(ab(choosy), before)
    choosy.act({"do": "turn", "knobs": {"model": "idea 2", "other": "highres"}})
    assert not {"temperature", "variety", "blend"} & choosy.disabled.keys()


def test_where_it_is_unsure_is_orange(choosy):
    choosy.act({"do": "turn", "knobs": {"doubt": True}})
    assert (ab(choosy) >= 0).all() and ab(choosy)[..., 1].max() > 30


def test_the_left_side_is_what_is_compared_with(studio, tmp_path):
    truth = photo(2, 300, 200)
    opened(studio, tmp_path / "mine.png", truth)
    assert studio.left == {"name": "gray"} and studio.picture["original"]
    studio.act({"do": "compare", "name": "original"})
    small = np.asarray(truth.resize((studio.left["width"], studio.left["height"]), Image.Resampling.BOX)) / 255
    assert np.abs(ab(studio, "left") - rgb_to_lab(small)[..., 1:]).mean() < 1
    studio.act({"do": "compare", "name": "mine"})
    assert np.abs(ab(studio, "left") - ab(studio)).max() < 0.1


def test_each_picture_keeps_its_hints_and_knobs(studio, tmp_path):
    hint(studio, "#c03020", (0.5, 0.5))
    studio.act({"do": "turn", "knobs": {"saturation": 1.5}})
    opened(studio, tmp_path / "other.png", photo(4, 80, 60))
    studio.act({"do": "turn", "knobs": {"saturation": 0.5}})
    assert studio.hints == []
    studio.act({"do": "pick", "item": studio.shelf[0]["number"]})
    assert len(studio.hints) == 1 and studio.knobs["saturation"] == 1.5


def test_what_is_asked_last_is_shown(choosy, monkeypatch):
    """JupyterLab hands messages to several threads; the overlay is slow here."""
    plain, slow, begun = ab(choosy), choosy.session.doubt, Event()
    monkeypatch.setattr(choosy.session, "doubt", lambda: (begun.set(), sleep(0.3), slow())[-1])
    asking = Thread(target=lambda: choosy.act({"do": "turn", "knobs": {"doubt": True}}))
    asking.start()
    begun.wait()
    choosy.act({"do": "reset"})
    asking.join()
    assert not choosy.knobs["doubt"] and np.array_equal(ab(choosy), plain)


def test_the_page_knows_every_trait():
    script = str(Studio._esm)
    quiet = {"answered", "choices", "panel"}
    assert all(f'"{name}"' in script or f"{name}:" in script for name in set(Studio.class_own_traits()) - quiet)


@pytest.mark.long
def test_the_kernel_of_the_studio_is_light():
    """As `make studio` starts it: neither torch nor what packages bring whose sample pictures are shown."""
    code = (
        "import sys; from colorify.widgets import studio; s = studio(); s.act({'do': 'sample', 'name': 'flower'}); "
        "s.wait(); s.result; assert s.strip and s.samples and not s.notice, s.notice; "
        "print(*{'torch', 'sklearn', 'pandas', 'skimage', 'matplotlib', 'fastai'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
