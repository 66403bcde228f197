"""Strokes of the region brush, from the geometry of a round brush."""

import io

import numpy as np
import pytest
from PIL import Image

from colorify.widgets import region
from colorify.widgets.region import BLACK, ERASE, WHITE, Stroke, blank, painted

SIZE = (200, 100)


def distances(x: float, y: float) -> np.ndarray:
    """Of each pixel from a place, in pixels ``(h, w)``."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.hypot(columns - x * SIZE[0], rows - y * SIZE[1])


@pytest.mark.parametrize("soft", [0.0, 0.5, 1.0])
def test_a_dab_is_round_and_fades_as_told(soft):
    ground = blank(SIZE, WHITE)
    made = painted(ground, Stroke([(0.5, 0.5)], 0.1, soft), ground)
    away = distances(0.5, 0.5)
    assert ground.max() == 0 and (made[away > 21] == 0).all(), "nothing beyond the radius of 20 px"
    assert (made[away < 20 * (1 - soft) - 1] == 255).all() and made[50, 100] == 255
    if soft == 0.5:
        row = made[50, 100:122].astype(int)
        assert (np.diff(row) <= 0).all() and 100 < row[15] < 155, "half of it in the middle of the edge"


def test_a_line_covers_all_along():
    ground = blank(SIZE, BLACK)
    made = painted(ground, Stroke([(0.2, 0.5), (0.8, 0.5)], 0.05, 0.0, BLACK), ground)
    assert ground.min() == 255 and (made[45:55, 40:160] == 0).all() and (made[:38] == 255).all()
    assert (made[:, :28] == 255).all() and (made[:, 172:] == 255).all()


def test_strokes_at_the_edge_and_beyond_it_stay_within():
    ground = blank(SIZE, WHITE)
    for places in ([(0.0, 0.0)], [(1.0, 1.0)], [(-3.0, 0.5), (9.0, 0.5)]):
        made = painted(ground, Stroke(places, 0.02, 0.3), ground)
        assert made.shape == ground.shape and made.any()


def test_paint_goes_on_in_any_order_and_comes_off():
    ground = blank(SIZE, WHITE)
    one, other = Stroke([(0.3, 0.5)], 0.1, 0.5), Stroke([(0.4, 0.5)], 0.1, 0.5)
    both = painted(painted(ground, one, ground), other, ground)
    assert np.array_equal(both, painted(painted(ground, other, ground), one, ground))
    assert np.array_equal(both, painted(both, one, ground)), "twice is as once"
    hole = painted(both, Stroke([(0.3, 0.5)], 0.05, 0.0, BLACK), ground)
    assert hole[50, 60] == 0 and hole[50, 85] == both[50, 85]
    erased = painted(both, Stroke([(0.35, 0.5)], 0.5, 0.0, ERASE), ground)
    assert np.array_equal(erased, ground)


def test_large_pictures_are_painted_small():
    assert blank((4000, 3000), WHITE).size <= region.MOST * 1.01 and blank((300, 200), WHITE).shape == (200, 300)
    large = np.zeros((3000, 4000), np.uint8)
    large[:, 2000:] = 255
    with Image.open(io.BytesIO(region.png(large))) as small:
        assert small.mode == "L" and small.width / small.height == pytest.approx(4 / 3, rel=0.002)
        assert np.asarray(small)[0, [0, -1]].tolist() == [0, 255]


@pytest.mark.parametrize("wrong", [{"mode": "red"}, {"radius": 0.0}, {"radius": 2.0}, {"soft": 1.5}, {"places": []}])
def test_what_is_no_stroke_is_named(wrong):
    with pytest.raises(ValueError, match="region brush"):
        Stroke(**({"places": [(0.5, 0.5)], "radius": 0.1, "soft": 0.5} | wrong))
