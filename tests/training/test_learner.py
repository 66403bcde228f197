"""A killed or stopped run ends where one left alone ends, to the last bit, for every method; and shows its way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from colorify.lock import BusyError, lock
from colorify.models import checkpoint
from colorify.training.checkpointer import Checkpointer
from colorify.training.config import STATE_FILE, Run
from conftest import TINY, long
from training.conftest import CONFIG, NUMBERS


def assert_same(one: Path, two: Path) -> None:
    ours, theirs = checkpoint.load(one), checkpoint.load(two)
    assert ours.weights.keys() == theirs.weights.keys()
    assert all(torch.equal(tensor, theirs.weights[name]) for name, tensor in ours.weights.items())
    assert [row["step"] for row in ours.training["history"]] == [row["step"] for row in theirs.training["history"]]
    assert [row["de2000"] for row in ours.training["history"]] == [row["de2000"] for row in theirs.training["history"]]


class Killed(BaseException):
    """As sudden as SIGKILL: nothing catches it."""


@pytest.mark.parametrize("step", [3, *long(0, 2, 5)])
@pytest.mark.parametrize("name", ["regression", "classification", "gan"])
def test_killed_at_any_batch_and_resumed_is_undisturbed(methods, undisturbed, tmp_path, monkeypatch, name, step):
    real = Checkpointer.after_batch

    def dying(checkpointer):
        if checkpointer.training and checkpointer.step == step:
            raise Killed
        real(checkpointer)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpointer, "after_batch", dying)
        with pytest.raises(Killed):
            methods[name](Run(tmp_path))
    assert_same(methods[name](Run(tmp_path)), undisturbed[name])


@pytest.mark.long
@pytest.mark.parametrize("name", ["regression", "classification", "gan"])
def test_stopped_after_every_batch_is_undisturbed(methods, undisturbed, tmp_path, name):
    """Each call ends after one batch, with a checkpoint in the middle of an epoch."""
    results = [methods[name](Run(tmp_path, stop_minutes=1e-9)) for _ in range(CONFIG.steps - 1)]
    assert {path.name for path in results} == {STATE_FILE}
    assert_same(methods[name](Run(tmp_path)), undisturbed[name])


@pytest.mark.long
def test_sigkill_and_sigterm(data, undisturbed, tmp_path):
    """A real process, killed by the system once it has a checkpoint, then asked to end, then left alone."""
    params = tmp_path / "params.yaml"
    section = NUMBERS | {"network": {"encoder": TINY.encoder, "decoder": list(TINY.decoder)}}
    data = {"sources": list(data.sources), "valid_share": 0.3, "side": 40, "min_side": 32}
    params.write_text(json.dumps({"profile": "test", "test": {"regression": section, "data": data}}))
    command = [sys.executable, "-m", "colorify", "train", "regression", "--params", str(params), "--device", "cpu"]
    state = tmp_path / "checkpoints/test/regression" / STATE_FILE
    for number in (signal.SIGKILL, signal.SIGTERM):
        before = state.stat().st_mtime_ns if state.exists() else None
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
            time.sleep(0.02)
        os.kill(process.pid, number)
        assert process.wait() in (0, -number)  # the second may come when all is done
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert_same(state.with_name("model.safetensors"), undisturbed["regression"])


def test_a_finished_run_is_not_trained_again_and_needs_no_checkpoint(methods, undisturbed):
    for name, model in undisturbed.items():
        before = model.stat().st_mtime_ns
        assert not model.with_name(STATE_FILE).exists()
        assert methods[name](Run(model.parent)).stat().st_mtime_ns == before


def test_two_runs_with_one_seed_are_equal_files(methods, undisturbed, tmp_path):
    assert methods["gan"](Run(tmp_path)).read_bytes() == undisturbed["gan"].read_bytes()


def test_two_runs_into_one_folder(methods, tmp_path):
    with lock(tmp_path), pytest.raises(BusyError):
        methods["regression"](Run(tmp_path))


def test_grids_and_history_and_model(base):
    folder = base.parent
    assert sorted(path.name for path in (folder / "grids").iterdir()) == ["step-000005.png", "step-000006.png"]
    training = checkpoint.load(base).training
    assert [row["step"] for row in training["history"]] == [3, 6]
    expected = {"train_loss", "valid_loss", "below_gray", "below_mean", "de2000", "de2000_gray", "de2000_mean"}
    assert expected < training["history"][0].keys()
    assert (training["step"], training["samples"]) == (6, 12)
    assert not checkpoint.load(base, with_state=True).state
