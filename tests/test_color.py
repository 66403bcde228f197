"""RGB <-> Lab against scikit-image 0.26, and the mathematics of gray and of the gamut."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import color as reference

from colorify import color

CUBE = np.stack(np.meshgrid(*[np.linspace(0, 1, 18)] * 3), -1).reshape(18, -1, 3)  # (18, 324, 3)


def planes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).movedim(-1, -3)


def test_rgb_to_lab_agrees_with_scikit_image():
    np.testing.assert_allclose(color.rgb_to_lab(CUBE), reference.rgb2lab(CUBE), atol=1e-3)
    np.testing.assert_allclose(color.rgb_to_lab(CUBE.astype(np.float32)), reference.rgb2lab(CUBE), atol=1e-3)


def test_lab_to_rgb_agrees_with_scikit_image():
    lab = reference.rgb2lab(CUBE)
    np.testing.assert_allclose(color.lab_to_rgb(lab), reference.lab2rgb(lab), atol=1e-3)


def test_round_trip():
    np.testing.assert_allclose(color.lab_to_rgb(color.rgb_to_lab(CUBE)), CUBE, atol=1e-5)


def test_tensors_and_arrays_of_any_rank_agree():
    tensor = color.rgb_to_lab(planes(CUBE))
    np.testing.assert_allclose(tensor.movedim(-3, -1).numpy(), color.rgb_to_lab(CUBE), atol=1e-12)
    np.testing.assert_allclose(color.rgb_to_lab(CUBE[0]), color.rgb_to_lab(CUBE)[0], atol=1e-9)
    np.testing.assert_allclose(color.rgb_to_lab(CUBE[0, 5]), color.rgb_to_lab(CUBE)[0, 5], atol=1e-9)
    batch = planes(np.stack((CUBE, CUBE[::-1])))
    torch.testing.assert_close(color.rgb_to_lab(batch)[0], tensor)


def test_gray_value_and_luma_are_inverse():
    gray = torch.linspace(0, 1, 4096, dtype=torch.float64)
    torch.testing.assert_close(color.luma_to_gray(color.gray_to_luma(gray)), gray, atol=1e-6, rtol=0)
    assert float(color.gray_to_luma(torch.tensor(1.0))) == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize("kind", color.GRAYS)
def test_every_gray_keeps_neutral_colors(kind):
    neutral = torch.linspace(0, 1, 256, dtype=torch.float64).expand(3, 1, 256)
    expected = color.gray_to_luma(neutral[:1])
    torch.testing.assert_close(color.rgb_to_luma(neutral, kind), expected, atol=1e-3, rtol=0)


def test_luma_of_green_by_kind():
    green = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64).view(3, 1, 1)
    assert float(color.rgb_to_luma(green)) == pytest.approx(reference.rgb2lab([[[0.0, 1.0, 0.0]]])[0, 0, 0])
    for kind, weight in (("bt601", 0.587), ("bt709", 0.7152)):
        expected = reference.rgb2lab([[[weight] * 3]])[0, 0, 0]
        assert float(color.rgb_to_luma(green, kind)) == pytest.approx(expected, abs=1e-3)
    with pytest.raises(ValueError, match="bt601"):
        color.rgb_to_luma(green, "601")


@given(st.floats(0, 100), st.floats(-150, 150), st.floats(-150, 150))
def test_clip_chroma_keeps_luma_and_hue_and_ends_inside(luma, a, b):
    lab = torch.tensor([luma, a, b], dtype=torch.float64).view(3, 1, 1)
    clipped = color.clip_chroma(lab)
    assert float(clipped[0]) == luma
    shrunk = torch.hypot(*clipped[1:]) / max(np.hypot(a, b), 1e-12)
    assert 0 <= float(shrunk) <= 1 + 1e-9
    cross = clipped[1] * b - clipped[2] * a  # zero when the hue is the same
    assert abs(float(cross)) < 1e-6
    shown = color.rgb_to_lab(color.lab_to_rgb(clipped))
    assert float(shown[0]) == pytest.approx(luma, abs=0.01)


def test_clip_chroma_leaves_colors_of_the_gamut_alone():
    lab = torch.from_numpy(reference.rgb2lab(CUBE)).movedim(-1, 0)
    torch.testing.assert_close(color.clip_chroma(lab), lab, atol=0.02, rtol=0)


def test_clip_chroma_goes_up_to_the_edge():
    lab = torch.tensor([50.0, 200.0, 0.0], dtype=torch.float64).view(3, 1, 1)
    rgb = color.lab_to_rgb(color.clip_chroma(lab))
    assert float(rgb.min()) < 0.01 or float(rgb.max()) > 0.99


def test_render_is_clip_and_convert():
    lab = torch.randn(3, 20, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 40
    lab[0] = lab[0].abs().clamp(0, 100)
    expected = color.lab_to_rgb(color.clip_chroma(lab))
    torch.testing.assert_close(color.render(lab[:1], lab[1:]), expected, atol=1e-9, rtol=0)
    torch.testing.assert_close(color.render(lab[None, :1], lab[None, 1:])[0], expected, atol=1e-9, rtol=0)
