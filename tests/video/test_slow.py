"""A network whose answers drift: what is shown drifts less than three CIEDE2000 a second in the same light."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from colorify.metrics import ciede2000
from colorify.video.flow import warp
from colorify.video.slow import Slow
from colorify.video.steady import Steady

RATE, FRAMES, SIZE = 25, 76, (96, 160)  # frames a second; frames; height and width
TURN = 8.0  # ab units a second that the answers drift by
Places = list[np.ndarray]


def texture() -> np.ndarray:
    """A random L* with something to hold on to, larger than the view."""
    noise = np.random.default_rng(0)
    coarse, fine = (noise.uniform(-1, 1, size).astype(np.float32) for size in ((14, 22), (40, 60)))
    return 55 + sum(
        share * cv2.resize(one, (260, 180), interpolation=cv2.INTER_CUBIC) for share, one in ((18, coarse), (9, fine))
    )


def still(number: int) -> tuple[float, float, float]:
    """Left, top, and how much a pixel of the view is of the picture's."""
    return 50, 42, 1.0


def pan(number: int) -> tuple[float, float, float]:
    return 20 + 0.5 * number, 30 + 0.2 * number, 1.0


def zoom(number: int) -> tuple[float, float, float]:
    share = 1.25 - 0.005 * number
    return 130 - 80 * share, 90 - 48 * share, share


def scene(camera: Callable, light: float = 0.0) -> tuple[list[np.ndarray], Places]:
    """L* of a camera over a still scene, with grain, ``light`` more L* each second; where each pixel is of."""
    picture, noise, lumas, places = texture(), np.random.default_rng(1), [], []
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    for number in range(FRAMES):
        left, top, share = camera(number)
        places.append(np.dstack((left + share * columns, top + share * rows)).astype(np.float32))
        seen = cv2.remap(picture, places[-1], None, cv2.INTER_LINEAR) + light * number / RATE
        lumas.append((seen + noise.normal(0, 0.7, SIZE)).clip(0, 100).astype(np.float32))
    return lumas, places


def color(place: np.ndarray) -> np.ndarray:
    """The true ab of a place: a thing of its own color before another one."""
    thing = np.hypot(place[..., 0] - 130, place[..., 1] - 90) < 24
    return np.where(thing[..., None], np.float32([22, 12]), np.float32([-8, 14]))


def drifting(lumas: list[np.ndarray], places: Places) -> Callable:
    """A network whose answers go from the true colors on, this way and not back."""
    numbers = {luma.tobytes(): number for number, luma in enumerate(lumas)}
    way = np.float32([-0.8, 0.6]) * TURN / RATE
    return lambda luma: color(places[numbers[luma.tobytes()]]) + way * numbers[luma.tobytes()]


def thing(found: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Its mean ab."""
    return found[np.hypot(place[..., 0] - 130, place[..., 1] - 90) < 16].mean(0)


def drift(found: list[np.ndarray], places: Places) -> float:
    """The most CIEDE2000 that the thing's color is off in a second."""
    colors = [
        torch.tensor([55.0, *thing(ab, place)]).reshape(1, 3, 1, 1) for ab, place in zip(found, places, strict=True)
    ]
    return max(float(ciede2000(one, later)) for one, later in zip(colors, colors[RATE:], strict=False))


def run(lumas: list[np.ndarray], network: Callable, every: int = 1, steady: float = 1.0) -> list[np.ndarray]:
    held = Steady(network, steady, every, rate=RATE)
    return [ab for luma in lumas for ab in held.add(luma)] + list(held.flush())


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("camera", [still, pan, zoom])
def test_a_drift_of_the_answers_is_slowed(camera, every):
    lumas, places = scene(camera)
    network = drifting(lumas, places)
    assert drift([network(luma) for luma in lumas], places) > 6
    assert drift(run(lumas, network, every), places) < 3


@pytest.mark.parametrize("light", [-8, 8])
def test_colors_follow_the_light(light):
    """It changes by so many L* a second: the filter alone lets five of seven CIEDE2000 a second pass."""
    lumas, places = scene(pan, light)
    assert drift(run(lumas, drifting(lumas, places)), places) > 4.5


def test_without_steadiness_nothing_is_slowed():
    lumas, places = scene(pan)
    network = drifting(lumas, places)
    found = run(lumas, network, steady=0.0)
    assert max(np.abs(ab - network(luma)).max() for ab, luma in zip(found, lumas, strict=True)) < 0.1


def test_another_color_is_no_drift():
    """What changes at once, or where the motion is not known, is shown as it comes."""
    luma, still = np.full(SIZE, 50, np.float32), np.zeros((*SIZE, 2), np.float32)
    slow, sure = Slow(RATE), np.ones(SIZE, np.float32)
    red, blue = np.full_like(still, 20), np.full_like(still, -20)
    assert np.array_equal(slow(luma, red, still, sure), red)
    assert np.abs(slow(luma, blue, still, sure) - blue).max() < 0.1
    assert np.array_equal(slow(luma, blue + 1, still, 0 * sure), blue + 1)
    assert np.abs(slow(luma, blue + 2, still, sure) - blue - 1).max() < 0.5  # that is one


def test_a_state_goes_on():
    lumas, places = scene(pan)
    network, one, two = drifting(lumas, places), Slow(RATE), Slow(RATE)
    sure, steps = np.ones(SIZE, np.float32), [np.mean(b - a, (0, 1)) for a, b in pairwise(places)]
    for number in range(1, 8):
        back = np.broadcast_to(-steps[number - 1], (*SIZE, 2)).astype(np.float32)
        if number == 4:
            two.restore(one.state())
        shown = one(lumas[number], network(lumas[number]), back, sure)
        if number >= 4:
            assert np.array_equal(shown, two(lumas[number], network(lumas[number]), back, sure))
    assert warp(shown, back).shape == shown.shape
