"""Cells that are alike are matched; where a match is sure, colors follow it up to the next edge."""

import numpy as np

from colorify import matching
from colorify.models.running import LEVELS


def test_levels_are_those_of_strides(colorizer):
    luma = np.random.default_rng(0).random((2, 1, 70, 50), np.float32) * 100
    levels = colorizer.model.encoder("cpu")(luma)
    assert [level.shape[-2:] for level in levels] == [(-(-70 // s), -(-50 // s)) for s in LEVELS]


def test_a_picture_matches_itself_cell_by_cell(colorizer):
    luma = np.random.default_rng(0).random((1, 64, 96), np.float32) * 100
    (here,) = matching.described(colorizer.model.encoder("cpu"), luma)
    colors = np.random.default_rng(1).random((len(here.cells), 2))
    there = matching.Known(np.concatenate((here.cells, -here.cells)), here.shape, colors)
    match = matching.matched(here, there)
    nearest = np.linalg.norm(match.colors.reshape(-1, 1, 2) - colors, axis=2).argmin(1)
    assert (nearest == np.arange(len(colors))).mean() > 0.9
    nothing = matching.matched(here, there._replace(cells=np.ones_like(there.cells) / there.cells.shape[1] ** 0.5))
    assert nothing.sureness.max() < 0.01 < match.sureness.min()


def test_sureness_decides_and_edges_stop_it():
    luma = np.full((64, 96), 30, np.float32)
    luma[:, 48:] = 80
    sureness = np.zeros((32, 48), np.float32)
    sureness[10:20, 5:15] = 0.9
    colors = np.full((32, 48, 2), 0.5, np.float32)
    change = matching.change(matching.Match(colors, sureness), luma, np.zeros((32, 48, 2), np.float32), 1.0)
    assert change[15, 10].min() > 15 and np.abs(change[:, 26:]).max() < 0.5
    assert change[15, 20].min() > 3 * np.abs(change[:, 26:]).max()  # the rest of its side follows
    none = matching.change(matching.Match(colors, sureness), luma, np.zeros((32, 48, 2), np.float32), 0.0)
    assert np.abs(none).max() == 0


def test_several_the_surest_has_most_to_say():
    one, two = np.zeros((2, 2, 2)), np.ones((2, 2, 2))
    joined = matching.joined([matching.Match(one, np.full((2, 2), 0.1)), matching.Match(two, np.full((2, 2), 0.9))])
    assert joined.colors.min() > 0.95 and np.allclose(joined.sureness, 0.9)
