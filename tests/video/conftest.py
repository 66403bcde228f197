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
