"""Figures have the size and the content that they promise."""

import numpy as np
from PIL import Image

from colorify import figures
from colorify.color import rgb_to_lab, to_rgb
from conftest import photo


def test_a_grid_has_a_column_for_each_title():
    sheet = figures.grid({"one": [photo(0), photo(1)], "two": [photo(2), photo(3)]})
    assert sheet.size == (2 * 64 + 3 * 4, 2 * 48 + 3 * 4 + 18)
    pixels = np.asarray(sheet)
    assert np.array_equal(pixels[22:70, 4:68], np.asarray(photo(0)))
    assert np.array_equal(pixels[74:122, 72:136], np.asarray(photo(3)))


def test_side_by_side():
    row = np.asarray(figures.side_by_side(photo(0), photo(1)))
    assert np.array_equal(row[:, :64], np.asarray(photo(0))) and np.array_equal(row[:, 64:], np.asarray(photo(1)))


def test_a_contact_sheet_holds_every_picture():
    sheet = figures.contact_sheet([photo(seed) for seed in range(10)], columns=4, side=32)
    assert sheet.size == (128, 96)
    squares = np.asarray(sheet).reshape(3, 32, 4, 32, 3)
    assert (squares[2, :, 2:] == 255).all() and not (squares[2, :, :2] == 255).all()


def test_a_time_lapse_plays_every_grid(tmp_path):
    paths = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        photo(seed).save(path)
    with Image.open(figures.time_lapse(paths, tmp_path / "new" / "lapse.webp")) as lapse:
        assert (lapse.n_frames, lapse.size) == (3, (64, 48))


def test_charts_of_counts_are_as_wide_as_they_are_many():
    values = np.linspace(0, 1, 10)
    many, one = figures.histograms({"a": values, "b": values**2}), figures.histograms({"a": values})
    assert many.width == 2 * one.width and many.height == one.height
    bars = figures.bars({"sources": {"one": 3, "two": 5}})
    assert all(len(np.unique(np.asarray(chart))) > 10 for chart in (many, one, bars))


def test_charts_are_drawn():
    rows = [{"step": step, "loss": 1 / step, "de2000": 10 - step} for step in (1, 2, 3)]
    values, interval = np.linspace(0, 1, 10), {"value": 2.0, "low": 1.0, "high": 4.0}
    result = {"gray": {"de2000": interval}, "model": {"de2000": interval, "below_gray": interval}}
    charts = [
        figures.history(rows, ["loss", "de2000"]),
        figures.over_ab({"prior": np.random.default_rng(0).random((16, 16))}, 110),
        figures.reliability(values, values**2, np.full(10, 0.1)),
        figures.heat(np.random.default_rng(0).random((20, 30)), "entropy"),
        figures.intervals(figures.of_metrics(result, ["de2000", "below_gray"])),
        figures.lines({"change": {"one": values, "two": values**2}}, "frame"),
    ]
    assert [chart.width for chart in charts] == [924, 462, 462, 462, 924, 660]
    assert all(len(np.unique(np.asarray(chart))) > 10 for chart in charts)
    assert all(chart.mode == "P" for chart in charts)  # a quarter of the bytes
    sheet = figures.stacked(*charts[:2])
    assert sheet.size == (924, charts[0].height + charts[1].height)


def test_every_colour_of_a_chart_is_told_apart_without_red_or_green():
    """Simulated for people without L and without M cones (Machado 2009, severity 1)."""
    protan = np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    )
    deutan = np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    )
    rgb = np.array([[int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)] for color in figures.COLORS])
    for seen in (rgb, rgb**2.2 @ protan.T, rgb**2.2 @ deutan.T):
        lab = rgb_to_lab(to_rgb((255 * np.clip(seen, 0, 1) ** (1 if seen is rgb else 1 / 2.2)).astype(np.uint8)[None]))[
            0
        ]
        apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 99 * np.eye(len(lab))
        assert apart.min() > 9
