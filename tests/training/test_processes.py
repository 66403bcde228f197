"""Two processes over gloo train as one does, hold the same weights, and lose nothing when one of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colorify.methods import regression
from colorify.models import checkpoint
from colorify.training import processes
from colorify.training.checkpointer import TrainingError
from colorify.training.config import STATE_FILE, Run
from conftest import photo
from training.conftest import CONFIG

pytestmark = pytest.mark.xdist_group("processes")  # several of torch's already
SCRIPT = Path(__file__).with_name("several.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("colored")
    for seed in range(16):
        photo(seed, 96, 72).save(folder / f"{seed:02d}.png")
    return folder


@pytest.fixture(scope="module")
def told(pictures, tmp_path_factory) -> dict[int, list[list]]:
    """By the number of processes: what each said after every epoch of the three methods."""
    found = {}
    for count in (1, 2):
        out = tmp_path_factory.mktemp(f"by-{count}")
        command = [*TORCHRUN, str(count), str(SCRIPT), str(pictures), str(out)]
        subprocess.run(command, check=True, capture_output=True, env=ONE_THREAD, timeout=300)
        found[count] = [json.loads((out / f"said-{rank}.json").read_text()) for rank in range(count)]
    return found


@pytest.mark.long
def test_weights_are_equal_after_every_epoch(told):
    first, second = told[2]
    assert len(first) == len(second) == 6
    for (row, digest), (other_row, other_digest) in zip(first, second, strict=True):
        assert digest == other_digest
        assert row == other_row


@pytest.mark.long
def test_the_curve_is_that_of_one_process_with_the_same_whole_batch(told):
    """Batch norm sees half a batch in each process: the loss may differ by a hundredth."""
    for (one, _), (two, _) in zip(told[1][0], told[2][0], strict=True):
        assert one["step"] == two["step"]
        assert two["valid_loss"] == pytest.approx(one["valid_loss"], rel=0.01)
        assert two["de2000"] == pytest.approx(one["de2000"], rel=0.01)
        assert two["de2000_gray"] == pytest.approx(one["de2000_gray"], rel=1e-5)  # all pictures, each once


@pytest.mark.long
def test_a_killed_process_ends_the_run_and_another_number_goes_on(data, tmp_path):
    params = tmp_path / "params.yaml"
    network = {"encoder": "resnet18", "decoder": [16, 16, 8, 8]}
    numbers = {"steps": 4000, "network": network, "batch": 4, "sizes": [[0, 32]], "valid_every": 20}
    data = {"sources": list(data.sources), "valid_share": 0.3, "side": 40, "min_side": 32}
    params.write_text(json.dumps({"profile": "test", "test": {"regression": numbers, "data": data}}))
    train = ["-m", "colorify", "train", "regression", "--params", str(params), "--device", "cpu"]
    state = tmp_path / "checkpoints/test/regression" / STATE_FILE
    with (tmp_path / "log").open("wb") as log:
        launched = subprocess.Popen([*TORCHRUN, "2", *train], cwd=tmp_path, env=ONE_THREAD, stdout=log, stderr=log)
        while launched.poll() is None and not state.exists():
            time.sleep(0.05)
        (victim, *_) = Path(f"/proc/{launched.pid}/task/{launched.pid}/children").read_text().split()
        os.kill(int(victim), signal.SIGKILL)
        assert launched.wait(120) != 0
    said = (tmp_path / "log").read_text()
    assert "cannot go on, as when another has ended" in said and f"the same command goes on from {state}" in said
    step = checkpoint.load(state).training["step"]
    assert step >= 20
    alone = [sys.executable, *train, "--minutes", "0.02"]
    subprocess.run(alone, cwd=tmp_path, check=True, capture_output=True, env=ONE_THREAD)
    assert checkpoint.load(state).training["step"] > step


def test_what_cannot_be_shared_is_said(sets, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 3)
    with pytest.raises(TrainingError, match=r"batch of 2 .* cannot be shared equally by 3 processes"):
        regression.METHOD.train(CONFIG, *sets, Run(tmp_path))
