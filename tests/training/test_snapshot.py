"""A checkpoint is all of a run, and only of a run with the same numbers."""

from dataclasses import replace

import pytest

from colorify.methods import regression
from colorify.training.checkpointer import TrainingError
from colorify.training.config import Run
from training.conftest import CONFIG


def test_other_numbers_need_a_restart(sets, base, tmp_path):
    other = replace(CONFIG, lr=2e-3, steps=1)
    regression.METHOD.train(CONFIG, *sets, Run(tmp_path, stop_minutes=1e-9))
    for folder in (base.parent, tmp_path):  # a finished run, a stopped one
        with pytest.raises(TrainingError, match="other lr, steps"):
            regression.METHOD.train(other, *sets, Run(folder))
    regression.METHOD.train(other, *sets, Run(tmp_path, restart=True))
