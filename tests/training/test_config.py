"""Numbers that change the result, and those that do not."""

import pytest
import torch

from colorify.training import config
from colorify.training.config import Run, TrainConfig


def test_the_size_grows_with_the_share_of_the_steps():
    numbers = TrainConfig(steps=100, sizes=((0.0, 96), (0.7, 128), (0.9, 144)))
    assert [numbers.size(step) for step in (0, 69, 70, 89, 90, 100)] == [96, 96, 128, 128, 144, 144]


@pytest.mark.parametrize(("device", "multiplies", "dtype"), [
    ("cpu", False, torch.float32), ("cpu", True, torch.bfloat16), ("cuda:0", False, torch.bfloat16)
])  # fmt: skip
def test_a_device_computes_in_what_it_multiplies(tmp_path, monkeypatch, device, multiplies, dtype):
    monkeypatch.setattr(config, "has_bfloat16", lambda: multiplies)
    assert Run(tmp_path, device).dtype == dtype
