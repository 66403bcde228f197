"""Generated films: their motion is what their frames show."""

from itertools import pairwise

import av
import numpy as np

from colorify.color import rgb_to_lab
from colorify.video import scene
from colorify.video.flow import warp


def test_the_motion_leads_to_the_same_thing(pan, reel):
    assert reel.rgb.shape == (24, 80, 120, 3) and reel.on.shape == (23, 80, 120, 2)
    for film in (pan, reel):
        for (here, there), on, seen in zip(pairwise(film.rgb), film.on, film.seen, strict=True):
            off = np.abs(warp(there, on) - here).max(-1)
            if seen.any():
                assert np.percentile(off[seen], 95) < 0.02 and seen.mean() > 0.6
    moved = np.hypot(*np.moveaxis(reel.on, -1, 0))
    assert moved[:7].mean() > 1 and moved[16:].max() > 5
    assert [number for number, seen in enumerate(reel.seen) if not seen.any()] == [7, 15], "the cuts"


def test_a_smaller_scene_moves_as_much_less(reel):
    small = reel.resized(60, 40)
    assert small.rgb.shape[1:3] == (40, 60)
    assert np.allclose(small.on[0, 20, 30], reel.on[0, 40:42, 60:62].mean((0, 1)) / 2, atol=0.01)


def test_light_changes_from_a_frame_on(pan):
    lit = pan.lit(5, 0.3)
    assert np.array_equal(lit.rgb[:5], pan.rgb[:5])
    assert (lit.lab[5:, ..., 0] < pan.lab[5:, ..., 0]).all()


def test_the_gray_film_has_the_luminance_of_the_scene(pan, tmp_path):
    path = scene.write_gray(pan, tmp_path / "gray.mp4")
    with av.open(str(path)) as film:
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])
    assert np.ptp(shown.astype(int), axis=-1).max() <= 1
    assert np.abs(rgb_to_lab(shown.astype(np.float32) / 255)[..., 0] - pan.lab[..., 0]).max() < 1
