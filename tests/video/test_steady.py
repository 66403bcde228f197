"""Colours along the motion: steadier, as colourful, as right, and never carried over a cut. The motion is analytic."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from colorify.video.flow import warp
from colorify.video.steady import AHEAD, BLOCK, Predict, Steady, is_cut
from video.conftest import detailed, reel_of

SIZE, FRAMES = (96, 160), 48
MOTION = (1.5, 0.5)  # pixels a frame


def texture(seed: int, height: int, width: int, cell: int) -> np.ndarray:
    """A smooth random field of -1..1."""
    coarse = np.random.default_rng(seed).uniform(-1, 1, (height // cell + 2, width // cell + 2)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def pan(scene: int, frames: int = FRAMES) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """L* and ab of a camera that moves over a large picture."""
    height, width = SIZE
    big = (height + 60, width + 120)
    luma = 50 + 30 * texture(scene, *big, 6)
    ab = np.stack([35 * texture(scene + k, *big, 30) for k in (100, 200)], -1)
    lumas, colors = [], []
    for number in range(frames):
        flow = np.broadcast_to(np.float32([number * MOTION[0], number * MOTION[1]]), (*SIZE, 2))
        lumas.append(warp(luma, flow))
        colors.append(warp(ab, flow))
    return lumas, colors


class Noisy:
    """A network that is right on average, and wrong in another way on every frame."""

    def __init__(self, lumas: list[np.ndarray], colors: list[np.ndarray]):
        self.known, self.calls = {luma.tobytes(): ab for luma, ab in zip(lumas, colors, strict=True)}, 0

    def __call__(self, luma: np.ndarray) -> np.ndarray:
        self.calls += 1
        wrong = [8 * texture(7000 + 2 * self.calls + k, *luma.shape, 24) for k in (0, 1)]
        return self.known[luma.tobytes()] + np.stack(wrong, -1)


def knowing(lumas: list[np.ndarray], truth: list[np.ndarray]) -> Predict:
    """A network that is always right."""
    known = dict(zip(map(np.ndarray.tobytes, lumas), truth, strict=True))
    return lambda luma: known[luma.tobytes()]


def run(steady: Steady, lumas: list[np.ndarray]) -> list[np.ndarray]:
    return [ab for luma in lumas for ab in steady.add(luma)] + list(steady.flush())


def flicker(colors: list[np.ndarray]) -> float:
    """T_ab: how much colours change along the true motion, ab units."""
    flow = np.broadcast_to(np.float32([-MOTION[0], -MOTION[1]]), (*SIZE, 2))
    changes = (np.hypot(*np.moveaxis(warp(b, flow) - a, -1, 0)) for a, b in pairwise(colors))
    return float(np.mean([change[4:-4, 4:-4].mean() for change in changes]))


def error(colors: list[np.ndarray], truth: list[np.ndarray]) -> float:
    return float(np.mean((np.stack(colors) - np.stack(truth)) ** 2))


def chroma(colors: list[np.ndarray]) -> float:
    return float(np.hypot(*np.moveaxis(np.stack(colors), -1, 0)).mean())


@pytest.fixture(scope="module")
def film() -> tuple[list[np.ndarray], list[np.ndarray]]:
    return pan(0)


@pytest.mark.parametrize("every", [1, 4])
def test_flicker_goes_and_the_colours_stay(film, every):
    lumas, truth = film
    network = Noisy(lumas, truth)
    each = [network(luma) for luma in lumas]
    network = Noisy(lumas, truth)
    found = run(Steady(network, 1.0, every), lumas)
    assert len(found) == FRAMES and network.calls <= FRAMES / every + 6
    assert flicker(found) < 0.2 * flicker(each)
    assert error(found, truth) < error(each, truth)
    assert 0.9 < chroma(found) / chroma(truth) < 1.1


def test_without_steadiness_every_frame_is_for_itself(film):
    lumas, truth = film
    first, second = Noisy(lumas, truth), Noisy(lumas, truth)
    found = run(Steady(first, 0.0), lumas)
    assert all(np.allclose(ab, second(luma), atol=1e-3) for ab, luma in zip(found, lumas, strict=True))


def test_no_colour_leaks_over_a_cut():
    (one, red), (two, blue) = pan(0, 12), pan(50, 12)
    red, blue = ([np.full_like(ab, value) for ab in part] for part, value in ((red, 40), (blue, -40)))
    known = dict(zip(map(np.ndarray.tobytes, one + two), red + blue, strict=True))
    calls = []
    found = run(Steady(lambda luma: calls.append(1) or known[luma.tobytes()], 1.0, every=100), one + two)
    assert np.allclose(np.stack(found[:12]), 40) and np.allclose(np.stack(found[12:]), -40)
    assert 2 <= len(calls) < 12


def test_a_real_change_of_colour_is_followed_within_three_frames():
    """A light goes on: luma and colour change at once, the camera stands."""
    luma, ab = (frames[0] for frames in pan(3, 1))
    lumas = [luma] * 16 + [np.clip(luma + 15, 0, 100)] * 16
    lumas = [frame + np.float32(number * 1e-4) for number, frame in enumerate(lumas)]
    truth = [np.zeros_like(ab)] * 16 + [np.full_like(ab, 30)] * 16
    found = run(Steady(knowing(lumas, truth)), lumas)
    level = [float(frame.mean()) / 30 for frame in found]
    assert level[15] < 0.1 and level[18] > 0.9


def test_a_reference_frame_colours_its_neighbours(film):
    lumas, truth = film
    steady = Steady(lambda luma: np.zeros((*luma.shape, 2), np.float32))
    found = [ab for n, luma in enumerate(lumas) for ab in steady.add(luma, truth[20] if n == 20 else None)]
    found += list(steady.flush())
    shares = [chroma(found[n : n + 1]) / chroma(truth[n : n + 1]) for n in (10, 20, 30, 45)]
    assert shares[1] > 0.95 and min(shares) > 0.5


def test_what_comes_into_sight_is_looked_at():
    lumas, truth = pan(0)
    calls = []
    network = knowing(lumas, truth)
    found = run(Steady(lambda luma: calls.append(1) or network(luma), every=1000), lumas)
    assert 2 <= len(calls) < FRAMES
    assert error(found, truth) < 9


@pytest.mark.parametrize("speed", [0.5, 2, 6])
def test_a_fast_camera_costs_no_more_looks(speed):
    """What comes into sight between two looks gets its colours from the later one."""
    height, width = SIZE
    big = height, width + round(speed * FRAMES) + 2
    luma = 50 + 30 * texture(0, *big, 6)
    ab = np.stack([35 * texture(k, *big, 30) for k in (100, 200)], -1)
    places = [np.broadcast_to(np.float32([number * speed, 0]), (*SIZE, 2)) for number in range(FRAMES)]
    lumas, truth = [warp(luma, place) for place in places], [warp(ab, place) for place in places]
    calls = []
    network = knowing(lumas, truth)
    found = run(Steady(lambda luma: calls.append(1) or network(luma), every=4), lumas)
    assert len(calls) <= FRAMES / 4 + 3
    assert error(found, truth) < 4


def test_repeated_frames_are_not_looked_at_again(film):
    lumas, truth = film
    calls = []
    network = knowing(lumas, truth)
    found = run(Steady(lambda luma: calls.append(1) or network(luma)), [luma for luma in lumas for _ in range(3)])
    assert len(calls) == FRAMES and len(found) == 3 * FRAMES
    assert error(found[::3], truth) < 4 and error(found[2::3], truth) < 4


def test_the_mean_is_as_colourful_as_the_answers():
    """Answers of one hue each, turning from frame to frame: their mean is pale."""
    lumas, _ = pan(0)
    angles = np.deg2rad(np.random.default_rng(0).uniform(-70, 70, FRAMES))
    known = knowing(lumas, [np.full((*SIZE, 2), (30 * np.cos(t), 30 * np.sin(t)), np.float32) for t in angles])
    found = run(Steady(known), lumas)
    assert 27 < chroma(found[8:]) <= 33


def test_results_leave_in_order_and_the_memory_is_bounded(film):
    lumas, truth = film
    steady = Steady(knowing(lumas, truth))
    counts = [len(list(steady.add(luma))) for luma in lumas[: BLOCK + AHEAD]]
    assert counts == [0] * (BLOCK + AHEAD - 1) + [BLOCK] and len(steady.frames) == AHEAD
    assert len(list(steady.flush())) == AHEAD and list(steady.flush()) == []


@pytest.mark.parametrize("wrong", [{"steady": 1.5}, {"steady": -0.1}, {"every": 0}])
def test_knobs_out_of_range(wrong):
    with pytest.raises(ValueError, match="expected"):
        Steady(lambda luma: luma, **wrong)


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_is_known_by_likeness_too(seed):
    """Flow bends any smooth picture into any other; a light that goes on is no cut, a pan is none."""
    reel = reel_of([detailed(3 * seed + number) for number in range(3)], 12, (192, 128)).lab[..., 0]
    assert [number for number, pair in enumerate(pairwise(reel), 1) if is_cut(*pair[::-1])] == [12, 24]
    assert not is_cut(np.clip(reel[0] * 1.5 + 10, 0, 100), reel[0])


@pytest.mark.parametrize(
    ("every", "speed", "most"), [(1, 8, 4), (1, 14, 4), *((4, speed, 5) for speed in (8, 11, 14, 20))]
)
def test_a_fast_limb_keeps_its_color(every, speed, most):
    """An arm to and fro before a wall of another color, which flow drags along."""
    size, frames, calls = (160, 284), 32, []
    wall, sleeve = 55 + 15 * texture(0, *size, 8), 68 + 8 * texture(1, 100, 26, 6)
    lumas, truth, limbs = [], [], []
    for number in range(frames):
        left = round(size[1] / 2 + size[1] / 3 * np.sin(number * speed / (size[1] / 3))) - 13
        luma, limb = wall.copy(), np.zeros(size, bool)
        luma[30:130, left : left + 26], limb[30:130, left : left + 26] = sleeve, True
        grain = np.random.default_rng(number).normal(0, 0.7, size)
        lumas.append((cv2.GaussianBlur(luma, (0, 0), 0.7) + grain).astype(np.float32))
        truth.append(np.where(limb[..., None], np.float32([14, 20]), np.float32([-6, 10])))
        limbs.append(limb)
    network = knowing(lumas, truth)
    found = run(Steady(lambda luma: calls.append(1) or network(luma), every=every), lumas)
    off = [np.hypot(*np.moveaxis(ab[limb] - (14, 20), -1, 0)).mean() for ab, limb in zip(found, limbs, strict=True)]
    assert np.mean(off) < most
    assert len(calls) <= frames / max(1, every / 2) + 1


def test_flicker_beside_a_fast_limb_is_no_limb():
    """What the network says once, and nothing around is like, is not believed because something moves there."""
    size, frames = (96, 160), 24
    wall, sleeve = 55 + 15 * texture(0, *size, 8), 68 + 8 * texture(1, 60, 26, 6)
    lumas, truth, beside = [], [], []
    for number in range(frames):
        left = 20 + 5 * number - (number >= 12) * 10 * (number - 12)
        luma, limb = wall.copy(), np.zeros(size, np.uint8)
        luma[20:80, left : left + 26], limb[20:80, left : left + 26] = sleeve, 1
        lumas.append(cv2.GaussianBlur(luma, (0, 0), 0.7) + np.float32(number * 1e-4))
        truth.append(np.where(limb[..., None] > 0, np.float32([14, 20]), np.float32([-6, 10])))
        beside.append((cv2.dilate(limb, np.ones((15, 15))) - cv2.dilate(limb, np.ones((5, 5)))) > 0)
    flashes = [ab + np.float32([0, -30]) * (number % 6 == 3) for number, ab in enumerate(truth)]
    calm, found = (run(Steady(knowing(lumas, answers)), lumas) for answers in (truth, flashes))
    shown = [np.hypot(*np.moveaxis(found[n] - calm[n], -1, 0))[beside[n]].mean() for n in range(3, frames, 6)]
    assert np.mean(shown) < 5
