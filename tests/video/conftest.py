"""What several tests of this folder need."""

import numpy as np
import pytest
from PIL import Image

from colorify.video import scene


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    return Image.fromarray(coarse).resize((480, 360), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def pan() -> scene.Scene:
    return scene.camera(picture(0), (0.4, 0.5, 0.5), (0.6, 0.45, 0.5), 12, (120, 80))


@pytest.fixture(scope="module")
def reel() -> scene.Scene:
    return scene.showreel([picture(n) for n in range(3)], (120, 80), 8)


def detailed(seed: int) -> Image.Image:
    """A picture with something to hold on to everywhere."""
    noise = np.random.default_rng(seed)
    coarse, fine = (noise.integers(10, 246, (*size, 3), np.uint8) for size in ((9, 12), (48, 64)))
    layers = [np.asarray(Image.fromarray(grid).resize((640, 480), Image.Resampling.BICUBIC)) for grid in (coarse, fine)]
    return Image.fromarray(np.average(layers, 0, (0.7, 0.3)).astype(np.uint8))


def reel_of(pictures: list[Image.Image], frames: int, size: tuple[int, int] = (120, 80)) -> scene.Scene:
    """A pan, a cut, a zoom, a cut, and another pan."""
    pan = scene.camera(pictures[0], (0.4, 0.5, 0.5), (0.6, 0.5, 0.5), frames, size)
    zoom = scene.camera(pictures[1], (0.5, 0.5, 0.6), (0.5, 0.5, 0.5), frames, size)
    return pan.cut(zoom).cut(scene.camera(pictures[2], (0.5, 0.5, 0.5), (0.55, 0.55, 0.5), frames, size))
