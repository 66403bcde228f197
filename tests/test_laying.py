"""Chroma laid over luminance: bicubic, without seams, flat where it is flat."""

import numpy as np
import torch
from test_inference import array
from torch.nn import functional as F

from colorify import laying
from colorify.color import rgb_to_lab
from colorify.laying import adjust, apply_chroma
from colorify.pictures import Picture

RNG = np.random.default_rng(0)


def test_upsampling_is_torchs_bicubic():
    ab = torch.randn(2, 13, 17, generator=torch.Generator().manual_seed(0)) * 5
    gray = Picture(np.full((80, 100), 0.5, np.float32))
    result = rgb_to_lab(apply_chroma(gray, ab.movedim(0, -1).numpy()).pixels)
    expected = F.interpolate(ab[None], (80, 100), mode="bicubic", align_corners=False)[0].movedim(0, -1)
    np.testing.assert_allclose(result[..., 1:], expected, atol=0.02)


def test_strips_make_no_seams(colorizer, monkeypatch):
    source = array(1, np.uint8)
    expected = colorizer(source)
    for strip in (1, 1000):
        monkeypatch.setattr(laying, "_STRIP", strip)
        assert np.abs(colorizer(source).astype(int) - expected).max() <= 1


def test_blur_keeps_a_flat_colour():
    ab = np.full((9, 12, 2), 7.0, np.float32)
    flat = adjust(ab, Picture(np.zeros((90, 120), np.uint8)), 25.0)
    np.testing.assert_allclose(flat, ab, rtol=1e-5)
