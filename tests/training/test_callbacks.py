"""The rate of the schedule rises, holds and falls; live pictures: tests/training/test_notebook.py."""

import sys

import pytest

from colorify.training.callbacks import Live, Schedule


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
