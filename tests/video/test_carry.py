"""Colors of one frame, carried over a shot: true motion, undiminished, and back again where something was hidden."""

import cv2
import numpy as np
import pytest

from colorify.video import carry, scene
from colorify.video.carry import Carrier, Corrected, Grid
from video.conftest import detailed

SIZE, FRAMES = (160, 100), 40
AB = np.float32([30, 25])


def marked(shown: scene.Scene, mask: np.ndarray, number: int) -> Corrected:
    """A frame in which what the mask ``(T, H, W)`` shows has a color."""
    return Corrected(shown.lab[number, ..., 0], mask[number][..., None] * AB)


def error(mask: np.ndarray, ab: np.ndarray) -> float:
    inner = cv2.erode((mask > 0.99).astype(np.uint8), np.ones((5, 5))) > 0
    return float(np.hypot(*np.moveaxis(ab[inner] - AB, -1, 0)).mean())


@pytest.fixture(scope="module")
def panned() -> tuple[scene.Scene, np.ndarray]:
    """A camera that goes over a picture, and where its middle is."""
    windows = (0.4, 0.5, 0.5), (0.6, 0.45, 0.5)
    shown = scene.camera(detailed(0), *windows, FRAMES, SIZE)
    middle = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(middle, (320, 230), 60, (255, 255, 255), -1)
    return shown, scene.camera(scene.Image.fromarray(middle), *windows, FRAMES, SIZE).rgb[..., 0]


@pytest.mark.parametrize("backwards", [False, True])
def test_colors_hold_over_a_whole_shot(panned, backwards):
    shown, mask = panned
    order = list(range(FRAMES))[:: -1 if backwards else 1]
    carrier = Carrier(marked(shown, mask, order[0]))
    for number in order[1:]:
        ab, sure = carrier.carry(shown.lab[number, ..., 0])
        assert error(mask[number], ab) < 1 and sure[mask[number] > 0.99].mean() > 0.97, number


@pytest.mark.parametrize("numbers", [range(7, 12), range(5, -1, -1)], ids=["on", "back"])
@pytest.mark.parametrize(("speed", "seed"), [(15.5, 1), (17, 5), (17, 7), (20, 5)])
def test_what_moves_faster_than_the_flow_sees_is_found_again(speed, seed, numbers):
    """A disc; flow leads to what is behind it, and says that it is sure."""
    still = scene.camera(detailed(seed), (0.5, 0.5, 0.8), (0.5, 0.5, 0.8), 12, (284, 160))
    wide = speed * 11 / 284 / 2
    there = (0.5 - wide, 0.6), (0.5 + wide, 0.4)
    shown = scene.crossed(still, detailed(seed + 1), *there)
    black, white = (scene.Image.new("RGB", (640, 480), color) for color in ("black", "white"))
    empty = scene.camera(black, (0.5, 0.5, 0.8), (0.5, 0.5, 0.8), 12, (284, 160))
    mask = scene.crossed(empty, white, *there).rgb[..., 0]
    carrier, lumas = Carrier(marked(shown, mask, 6)), shown.lab[..., 0]
    for number in numbers:
        ab, sure = carrier.carry(lumas[number])
        shown_ab = carry.corrected(np.zeros_like(ab), lumas[number], ab, sure, [])
        assert error(mask[number], shown_ab) < 5, number
        behind = cv2.dilate((mask[number] > 0.01).astype(np.uint8), np.ones((5, 5))) == 0
        assert np.hypot(*np.moveaxis(shown_ab[behind], -1, 0)).mean() < 3


def test_nothing_is_sure_of_another_scene(panned):
    shown, mask = panned
    carrier = Carrier(marked(shown, mask, 0))
    other = scene.camera(detailed(9), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 1, SIZE).lab[0, ..., 0]
    _, sure = carrier.carry(other)
    assert sure.mean() < 0.25


def test_the_corrected_frame_is_as_it_was_corrected(panned):
    shown, mask = panned
    key = marked(shown, mask, 0)
    mean = np.full_like(key.ab, 7)
    kinds = [(1.0, carry.grade(key, mean))]
    assert np.array_equal(carry.corrected(mean, key.luma, key.ab, np.ones_like(key.luma), kinds), key.ab)


def test_what_was_not_in_sight_changes_as_its_kind_did():
    """All that was brown became blue: a sky that comes into sight later, too; gray stays gray."""
    luma = np.full((40, 60), 70, np.float32)
    luma[20:] = 30
    brown, blue = np.zeros((40, 60, 2), np.float32), np.zeros((40, 60, 2), np.float32)
    brown[:20], blue[:20] = (5, 15), (0, -30)
    kinds = [(1.0, carry.grade(Corrected(luma, blue), brown))]
    sure = np.ones_like(luma)
    sure[:, 30:] = 0
    found = carry.corrected(brown, luma, blue * sure[..., None], sure, kinds)
    assert np.abs(found[:15, 45:] - (0, -30)).max() < 8 and np.abs(found[25:]).max() < 3


def test_a_grid_gives_the_mean_of_what_is_near():
    features = np.float32([[0, 0], [0, 0], [50, 0]])
    grid = Grid(features, np.float32([[1], [3], [8]]), np.ones(3, np.float32), (5, 5))
    summed, weight = grid(np.float32([[0, 0], [50, 0], [500, 500]]))
    assert np.allclose(summed[:2, 0] / weight[:2], (2, 8), atol=1e-4) and weight[2] == 0
