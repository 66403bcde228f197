"""The demonstration: every sample, gray beside colour, the worst, and a strip of all."""

import numpy as np
from PIL import Image

from colorify import demo
from colorify.data import samples


def test_every_sample_is_shown_gray_and_in_colour(colorizer, tmp_path):
    *pairs, failures, strip = demo.demo(colorizer, tmp_path / "out", width=40)
    names = [name for name, _ in samples.color()]
    assert [path.stem for path in pairs] == [*names, "camera", "camera-aged"]
    assert (failures.name, strip.name) == ("failures.jpg", "strip.jpg")
    assert all(path.exists() for path in (failures, strip))
    with Image.open(pairs[0]) as picture:
        gray, color = np.split(np.asarray(picture).astype(int)[:, : picture.width // 2 * 2], 2, axis=1)
    assert np.ptp(gray, axis=-1).max() == 0 < np.ptp(color, axis=-1).mean()


def test_the_worst_are_those_with_the_largest_error(colorizer, monkeypatch):
    shown = []
    monkeypatch.setattr(demo.figures, "grid", lambda rows: shown.append(rows) or Image.new("RGB", (1, 1)))
    demo.failures(lambda truth: truth if truth.size == (451, 300) else truth.convert("L"), count=len(samples._COLOR))
    errors = [float(name.split(": ")[1]) for name in shown[0]]
    assert errors == sorted(errors, reverse=True) and errors[0] > 5
    assert list(shown[0])[-1] == "cat: 0.0"  # the one of this size, which is given back as it is
