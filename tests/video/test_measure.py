"""The metrics of films are what mathematics says."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from colorify.video import measure, scene
from video.conftest import picture


def test_what_follows_the_motion_does_not_change(pan):
    ab = pan.lab[..., 1:]
    assert np.nanmean(measure.changes(ab, pan.on, pan.seen)) < 0.5
    still = np.zeros_like(pan.on)
    assert np.nanmean(measure.changes(ab, still, pan.seen)) > 5


def test_flicker_of_a_known_size(pan):
    """Every other frame is 6 units off in a: pairs change by 6; the second difference is 4 x 3 of a mean of 3."""
    ab = np.zeros((*pan.rgb.shape[:3], 2), np.float32)
    ab[::2, ..., 0] = 6
    assert np.allclose(measure.changes(ab, pan.on, pan.seen), 6)
    assert measure.flicker_energy(ab, pan.on, pan.seen) == pytest.approx(12 / np.sqrt(6))
    ab[..., 0] = np.arange(len(ab))[:, None, None]  # a slow change is none
    assert measure.flicker_energy(ab, pan.on, pan.seen) == pytest.approx(0, abs=1e-5)


def test_a_cut_is_no_change(reel):
    found = measure.changes(reel.lab[..., 1:], reel.on, reel.seen)
    assert np.flatnonzero(np.isnan(found)).tolist() == [7, 15]


def test_cdc_is_the_divergence_of_histograms():
    frames = np.random.default_rng(0).integers(0, 256, (6, 20, 30, 3)) // np.arange(1, 7)[:, None, None, None]
    rgb = frames.astype(np.uint8)
    found = []
    for d in (1, 2, 4):
        for one, two in zip(rgb[:-d], rgb[d:], strict=True):
            pairs = ([np.bincount(f[..., c].ravel(), minlength=256) for f in (one, two)] for c in range(3))
            found.append((d, np.mean([jensenshannon(p, q) ** 2 for p, q in pairs])))
    expected = np.mean([np.mean([value for step, value in found if step == d]) for d in (1, 2, 4)])
    assert measure.color_distribution_consistency(rgb) == pytest.approx(expected)
    assert measure.color_distribution_consistency(np.repeat(rgb[:1], 6, 0)) == 0


def test_lag_counts_frames():
    truth = np.zeros((10, 4, 4, 2))
    truth[5:] = 20
    ab = truth.copy()
    ab[5], ab[6] = 4, 12
    assert measure.lag(truth, truth, 5) == 0 and measure.lag(ab, truth, 5) == 2
    assert measure.lag(np.zeros_like(truth), truth, 5) == 5


def test_the_filter_neither_lags_nor_leaks(reel):
    lit = scene.camera(picture(4), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 24, (120, 80)).lit(12, 0.4)
    faults = measure.filter_faults(lit, 12, reel, 8)
    assert faults["lag"] <= 3 and faults["leak"] < 0.01


def test_the_estimated_motion_is_near_the_true_one(pan):
    on, seen = measure.motion(np.ascontiguousarray(pan.lab[..., 0]))
    assert seen.mean() > 0.9
    assert np.median(np.hypot(*np.moveaxis(on - pan.on, -1, 0))) < 0.3


def test_colours_of_a_film_are_judged(colorizer, reel, tmp_path):
    path = scene.write_gray(reel, tmp_path / "gray.mp4", grain=0.02)
    films = {name: measure.colors(path, colorizer, steady) for name, steady in (("each", 0.0), ("steady", 1.0))}
    rows = measure.judge(films, reel, "each")
    assert list(rows) == ["original", "gray", "each", "steady"]
    assert rows["steady"]["t_ab"] < 0.5 * rows["each"]["t_ab"]
    assert rows["each"]["chroma_ratio"] == 1 and rows["original"]["mse_ab"] == 0 == rows["gray"]["t_ab"]
