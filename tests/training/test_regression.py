"""Training learns, shows its progress, and a killed run ends where one left alone ends."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colorify.codec import Channels
from colorify.data.batches import AugmentConfig
from colorify.data.cache import DataConfig, prepare
from colorify.losses import RegressionLoss
from colorify.models import checkpoint
from colorify.training.callbacks import Keeper, Schedule, TrainingError
from colorify.training.learner import STATE_FILE, Run, mean_ab
from colorify.training.regression import RegressionConfig, regression
from conftest import TINY, photo

CONFIG = RegressionConfig(
    steps=10, network=TINY, batch=2, sizes=((0.0, 32), (0.5, 40)), lr=1e-3, ema=0.8, valid_every=4, grid_every=5
)


@pytest.fixture(scope="module")
def data(photos, tmp_path_factory) -> DataConfig:
    return DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)


@pytest.fixture(scope="module")
def sets(data, tmp_path_factory):
    return prepare(data, tmp_path_factory.mktemp("cache"), report=lambda _: None)


@pytest.fixture(scope="module")
def undisturbed(sets, tmp_path_factory) -> Path:
    return regression(CONFIG, *sets, Run(tmp_path_factory.mktemp("alone")))


def assert_same(one: Path, two: Path) -> None:
    ours, theirs = checkpoint.load(one), checkpoint.load(two)
    assert ours.weights.keys() == theirs.weights.keys()
    assert all(torch.equal(tensor, theirs.weights[name]) for name, tensor in ours.weights.items())
    assert [row["step"] for row in ours.training["history"]] == [row["step"] for row in theirs.training["history"]]
    assert [row["de2000"] for row in ours.training["history"]] == [row["de2000"] for row in theirs.training["history"]]


class Killed(BaseException):
    """As sudden as SIGKILL: nothing catches it."""


@pytest.mark.parametrize("step", [0, 3, 4, 7, 9])
def test_killed_at_any_batch_and_resumed_is_undisturbed(sets, undisturbed, tmp_path, monkeypatch, step):
    real = Keeper.after_batch

    def dying(keeper):
        if keeper.training and keeper.step == step:
            raise Killed
        real(keeper)

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "after_batch", dying)
        with pytest.raises(Killed):
            regression(CONFIG, *sets, Run(tmp_path))
    assert_same(regression(CONFIG, *sets, Run(tmp_path)), undisturbed)


def test_stopped_after_every_batch_is_undisturbed(sets, undisturbed, tmp_path):
    """Each call ends after one batch, with a checkpoint in the middle of an epoch."""
    results = [regression(CONFIG, *sets, Run(tmp_path, stop_minutes=1e-9)) for _ in range(CONFIG.steps - 1)]
    assert {path.name for path in results} == {STATE_FILE}
    assert_same(regression(CONFIG, *sets, Run(tmp_path)), undisturbed)


def test_sigkill_and_sigterm(data, sets, undisturbed, tmp_path):
    """A real process, killed by the system once it has a checkpoint, then asked to end, then left alone."""
    params = tmp_path / "params.yaml"
    section = {
        "steps": 10, "network": {"encoder": TINY.encoder, "decoder": list(TINY.decoder)}, "batch": 2,
        "sizes": [[0, 32], [0.5, 40]], "lr": 1e-3, "ema": 0.8, "valid_every": 4, "grid_every": 5,
    }  # fmt: skip
    collect = {"sources": list(data.sources), "valid_share": 0.3, "side": 40, "min_side": 32}
    params.write_text(json.dumps({"profile": "test", "test": {"regression": section, "collect": collect}}))
    command = [sys.executable, "-m", "colorify", "train", "regression", "--params", str(params), "--device", "cpu"]
    state = tmp_path / "checkpoints/test/regression" / STATE_FILE
    for number in (signal.SIGKILL, signal.SIGTERM):
        before = state.stat().st_mtime_ns if state.exists() else None
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
            time.sleep(0.02)
        os.kill(process.pid, number)
        assert process.wait() in (0, -signal.SIGKILL)
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert_same(state.with_name("model.safetensors"), undisturbed)


def test_grids_and_history_and_model(undisturbed):
    folder = undisturbed.parent
    assert sorted(path.name for path in (folder / "grids").iterdir()) == ["step-000005.png", "step-000010.png"]
    training = checkpoint.load(undisturbed).training
    assert [row["step"] for row in training["history"]] == [4, 8, 10]
    expected = {"train_loss", "valid_loss", "below_gray", "below_mean", "de2000", "de2000_gray", "de2000_mean"}
    assert expected < training["history"][0].keys()
    assert (training["step"], training["samples"]) == (10, 20)
    assert not checkpoint.load(undisturbed, with_state=True).state


def test_a_finished_run_is_not_trained_again(sets, undisturbed):
    before = checkpoint.load(undisturbed).weights["head.weight"]
    assert torch.equal(
        checkpoint.load(regression(CONFIG, *sets, Run(undisturbed.parent))).weights["head.weight"], before
    )


def test_other_numbers_need_a_restart(sets, undisturbed, tmp_path):
    state = tmp_path / STATE_FILE
    state.write_bytes((undisturbed.parent / STATE_FILE).read_bytes())
    other = replace(CONFIG, lr=2e-3, steps=12)
    with pytest.raises(TrainingError, match="other lr, steps"):
        regression(other, *sets, Run(tmp_path))
    regression(replace(other, steps=1), *sets, Run(tmp_path, restart=True))


def test_a_loss_that_is_no_number_names_the_pictures(sets, tmp_path, monkeypatch):
    monkeypatch.setattr(RegressionLoss, "__call__", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(TrainingError, match=r"step 0: the loss is nan; its pictures: .*\.png, .*\.png"):
        regression(CONFIG, *sets, Run(tmp_path))


def test_learns_two_pictures(tmp_path):
    for seed in (3, 4):
        photo(seed, 48, 48).save(tmp_path / f"{seed}.png")
    sets = prepare(learning(tmp_path), tmp_path / "cache", report=print)
    plain = AugmentConfig(zone=(1.0, 1.0), flip=0.0, gray=0.0, film=0.0)
    config = replace(CONFIG, steps=60, sizes=((0.0, 32),), augment=plain, valid_every=60, ema=0.5, lr=2e-3)
    history = checkpoint.load(regression(config, *sets, Run(tmp_path / "out"))).training["history"]
    assert history[-1]["below_gray"] > 50 and history[-1]["de2000"] < history[-1]["de2000_gray"]


def learning(folder: Path) -> DataConfig:
    """The same two pictures to train and to judge by, in two files each so that none is a duplicate."""
    again = folder / "again"
    again.mkdir()
    for path in list(folder.glob("*.png")):
        photo(int(path.stem), 48, 48).save(again / path.name, compress_level=1)
    return DataConfig((str(again),), tuple(map(str, folder.glob("*.png"))), side=48, min_side=32)


def test_schedule_rises_and_falls_to_zero():
    schedule = Schedule(1.0, 100, 0.1)
    rates = [schedule.at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1.0 and max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[100] == pytest.approx(0)


def test_mean_ab_is_the_mean(sets):
    from colorify.data.batches import valid_batch

    every = valid_batch(sets[0], torch.arange(len(sets[0])), 32).ab.mean((0, 2, 3))
    assert mean_ab(sets[0]) == pytest.approx(every.tolist(), abs=1e-3)


def test_regression_loss_is_smooth_l1_of_the_code():
    ab = torch.tensor([100.0, 5.0]).view(1, 2, 1, 1)
    loss = RegressionLoss(Channels(), beta=0.2)(torch.zeros(1, 2, 1, 1), ab)
    assert float(loss) == pytest.approx(((2.0 - 0.1) + 0.5 * 0.1**2 / 0.2) / 2)
