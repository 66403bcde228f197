"""The faults of old pictures: neutral strengths change nothing, strong ones do what they say."""

import io

import numpy as np
import torch
from PIL import Image
from skimage.filters import gaussian

from colorify.data import degradation
from conftest import photo

LUMA = torch.from_numpy(np.stack([np.asarray(photo(i, 64, 48).convert("L")) for i in range(3)]))[:, None] / 2.55


def strength(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1)


def test_no_probability_no_change():
    assert degradation.degrade(LUMA, 0.0, torch.Generator()) is LUMA


def test_aged_pictures_stay_in_range_and_differ():
    aged = degradation.degrade(LUMA, 1.0, torch.Generator().manual_seed(0))
    assert aged.shape == LUMA.shape and aged.min() >= 0 and aged.max() <= 100
    assert (aged - LUMA).abs().mean() > 1
    assert torch.equal(aged, degradation.degrade(LUMA, 1.0, torch.Generator().manual_seed(0)))


def test_blur_is_gaussian_and_zero_is_none():
    blurred = degradation.blur(LUMA, strength(0.0, 0.0, 1.5), 4)
    torch.testing.assert_close(blurred[:2], LUMA[:2])
    expected = gaussian(LUMA[2, 0].numpy(), 1.5, mode="nearest", truncate=2.5)
    assert np.abs(blurred[2, 0].numpy() - expected).mean() < 0.05


def test_fade_and_vignette():
    torch.testing.assert_close(degradation.fade(LUMA, strength(1), strength(1), strength(0.5)), LUMA, atol=0.02, rtol=0)
    faded = degradation.fade(LUMA, strength(1), strength(0.5), strength(1))
    torch.testing.assert_close(faded, 100 - (100 - LUMA) / 2, atol=0.02, rtol=0)
    dark = degradation.vignette(torch.full((1, 1, 9, 9), 80.0), strength(0.5))
    assert float(dark[0, 0, 4, 4]) == 80 and float(dark[0, 0, 0, 0]) == 40


def test_jpeg_loses_what_pillows_encoder_loses():
    decoded = degradation.jpeg(LUMA, strength(100, 30, 30))
    assert torch.equal(decoded[0], LUMA[0])
    for index in (1, 2):
        buffer = io.BytesIO()
        Image.fromarray((LUMA[index, 0] * 2.55).round().byte().numpy()).save(buffer, "JPEG", quality=30)
        expected = torch.from_numpy(np.asarray(Image.open(buffer), np.float32)) / 2.55
        assert (decoded[index, 0] - expected).abs().mean() < 0.4 * (expected - LUMA[index, 0]).abs().mean() + 0.2
