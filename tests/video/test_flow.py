"""Motion between frames: what lies at its end, and how sure it is."""

import cv2
import numpy as np
import pytest

from colorify.video.flow import as_bytes, confidence, find_flow, warp
from colorify.video.steady import CUT

SIZE, MOTION = (96, 160), (1.5, 0.5)  # height and width; pixels a frame


def texture(seed: int) -> np.ndarray:
    """A smooth random L*, larger than the view."""
    coarse = np.random.default_rng(seed).uniform(-1, 1, (24, 40)).astype(np.float32)
    return 50 + 30 * cv2.resize(coarse, (SIZE[1] + 40, SIZE[0] + 40), interpolation=cv2.INTER_CUBIC)


def constant(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.float32([x, y]), (*SIZE, 2)).copy()


def views() -> tuple[np.ndarray, np.ndarray]:
    """A frame and the next of a camera that goes right and down: things go left and up."""
    here = texture(0)
    return tuple(warp(here, constant(8 + t * MOTION[0], 8 + t * MOTION[1])) for t in (0, 1))


@pytest.mark.parametrize("depth", [None, 2, 4])
def test_warp_is_bilinear_and_ends_at_the_rim(depth):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    slope = 3 * columns + 2 * rows
    field = slope if depth is None else np.dstack([slope] * depth)
    found = warp(field, constant(2.25, -1.5)).reshape(*SIZE, -1)[..., -1]
    assert np.abs(found - slope - 3 * 2.25 + 2 * 1.5)[4:-4, :-4].max() < 0.15
    assert found[10, -1] == pytest.approx(slope[10, -1] - 3, abs=0.1)  # no column is right of the last


def test_flow_is_the_motion_of_things():
    here, there = views()
    found = find_flow(as_bytes(here), as_bytes(there))[8:-8, 8:-8].reshape(-1, 2)
    assert np.abs(np.median(found, 0) - np.negative(MOTION)).max() < 0.2


def test_confidence_knows_what_moved_from_what_is_new():
    here, there = views()
    flow = constant(*np.negative(MOTION))
    sure = confidence(flow, -flow, here, there)
    assert sure[4:-4, 4:-4].min() > 0.9
    assert sure[:, 0].max() == 0  # it left the picture
    assert confidence(flow, -flow, here, there + 40).mean() < CUT
    assert confidence(flow, flow, here, there)[4:-4, 4:-4].max() < 0.05  # back is another way


def test_confidence_is_as_its_parts_say():
    noise = np.random.default_rng(0)
    here, there = (noise.uniform(40, 50, SIZE).astype(np.float32) for _ in range(2))
    flow, back = (cv2.resize(noise.normal(0, 2, (6, 10, 2)).astype(np.float32), SIZE[::-1]) for _ in range(2))
    returned, off = warp(back, flow), cv2.GaussianBlur(warp(there, flow) - here, (0, 0), 2)
    error, motion = ((flow + returned) ** 2).sum(-1), (flow**2).sum(-1) + (returned**2).sum(-1)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside = (x >= -0.5) & (x <= SIZE[1] - 0.5) & (y >= -0.5) & (y <= SIZE[0] - 0.5)
    expected = inside * np.exp(-np.maximum(error - 0.01 * motion - 1.5, 0) / 2) * np.exp(-((off / 10) ** 2))
    np.testing.assert_allclose(confidence(flow, back, here, there), expected, atol=0.02)
