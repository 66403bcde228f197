"""The rate of the schedule rises, holds and falls; live pictures: tests/training/test_notebook.py."""

import sys
from dataclasses import replace

import pytest
import torch

from colorify.codec import Channels
from colorify.methods import regression
from colorify.models import checkpoint
from colorify.training.callbacks import Live, Schedule
from colorify.training.config import Run
from colorify.training.transfer import import_model
from training.conftest import CONFIG


def test_schedule_rises_and_falls_to_zero():
    held = Schedule(1.0, 100, 0.1, hold=0.6)
    assert [held.at(step) for step in (9, 30, 60)] == [1, 1, 1] and 0 < held.at(80) < 1
    assert held.at(100) == pytest.approx(0)
    schedule = Schedule(1.0, 100, 0.1)
    rates = [schedule.at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1.0 and max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[100] == pytest.approx(0)


def test_without_ipython_nothing_is_shown(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)  # an import of it fails
    Live().show(lambda: pytest.fail("drawn"))


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_norms_keep_their_statistics(frozen, sets, base, tmp_path):
    start = checkpoint.load(base)
    config = replace(CONFIG, frozen_norms=frozen)
    path = regression.METHOD.train(config, *sets, Run(tmp_path), [import_model(start, Channels())])
    weights = checkpoint.load(path).weights
    assert not torch.equal(weights["head.weight"], start.weights["head.weight"])
    same = [torch.equal(weights[name], start.weights[name]) for name in weights if "running" in name]
    assert same and (all(same) if frozen else not any(same))
