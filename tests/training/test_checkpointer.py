"""The checkpoint is kept when a run cannot go on, and the run says why."""

import pytest
import torch

from colorify.losses import RegressionLoss
from colorify.methods import regression
from colorify.training.checkpointer import TrainingError
from colorify.training.config import Run
from training.conftest import CONFIG


def test_a_loss_that_is_no_number_names_the_pictures_and_keeps_the_checkpoint(sets, tmp_path, monkeypatch):
    regression.METHOD.train(CONFIG, *sets, Run(tmp_path, stop_minutes=1e-9))
    before = (tmp_path / "state.safetensors").read_bytes()
    monkeypatch.setattr(RegressionLoss, "__call__", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(TrainingError, match=r"^step 1: the loss is nan; its pictures: .*\.png, .*\.png$"):
        regression.METHOD.train(CONFIG, *sets, Run(tmp_path))
    assert (tmp_path / "state.safetensors").read_bytes() == before
