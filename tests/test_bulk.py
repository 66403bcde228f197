"""Archives: what is done is not done again, what was killed goes on, and Ray gives the same files."""

import csv
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from colorify import batch, bulk, inputs
from colorify.bulk import LIST, Outcome
from colorify.knobs import Knobs
from colorify.lock import BusyError
from colorify.models import checkpoint as files
from colorify.video import segments
from conftest import photo
from video.test_film import make

OPTIONS = batch.BatchOptions(knobs=Knobs(size=32))


@pytest.fixture(scope="module")
def model(checkpoint, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    files.save(checkpoint, path)
    return str(path)


@pytest.fixture
def source(tmp_path) -> Path:
    """Twelve pictures in a tree, three more in a shard, and a broken one."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for number in range(12):
        photo(number).convert("L").save(tmp_path / "in" / ("deep" if number % 2 else "") / f"{number:02d}.png")
    (tmp_path / "in" / "bad.jpg").write_text("no picture")
    with tarfile.open(tmp_path / "in" / "shard.tar", "w") as tar:
        for number in (1, 3, 5):
            tar.add(tmp_path / "in" / "deep" / f"{number:02d}.png", f"k/{number}.png")
        tar.add(tmp_path / "in" / "00.png", "../../outside.png")
    return tmp_path / "in"


def colored(source: Path, out: Path, model: str, options=OPTIONS, engine="local") -> list[Outcome]:
    return list(bulk.color(inputs.plan([str(source)], out, films=True)[0], out, model, options, engine))


def states(out: Path) -> dict[str, str]:
    with (out / LIST).open(newline="") as file:
        return {row["target"]: row["state"] for row in csv.DictReader(file)}


def pixels(out: Path) -> dict[str, str]:
    """Digests: a comparison that fails is told at once."""
    files = [path for path in out.rglob("*.*") if path.suffix in (".png", ".mp4")]
    return {str(path.relative_to(out)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_trees_and_shards(source, tmp_path, model):
    outcomes = colored(source, tmp_path / "out", model)
    assert [outcome.state for outcome in outcomes].count("done") == 15
    (failed,) = (outcome for outcome in outcomes if outcome.state == "failed")
    assert failed.reason == f"{source / 'bad.jpg'}: not a picture in a known format"
    made = pixels(tmp_path / "out")
    assert {"00.png", "deep/01.png", "shard/k/5.png"} <= made.keys()
    assert made["shard/k/5.png"] == made["deep/05.png"]
    assert not (tmp_path.parent / "outside.png").exists() and not list(tmp_path.rglob("outside.png"))


def test_again_does_only_what_failed(source, tmp_path, model):
    colored(source, tmp_path / "out", model)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    photo(50).convert("L").save(source / "bad.jpg")
    photo(51).convert("L").save(source / "new.png")
    outcomes = colored(source, tmp_path / "out", model)
    assert sorted(o.job.target.name for o in outcomes if o.state == "done") == ["bad.jpg", "new.png"]
    assert sum(o.state == "before" for o in outcomes) == 15
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(states(tmp_path / "out").values()) == {"done"}


def test_what_another_program_put_there_is_left_alone(source, tmp_path, model):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00.png").write_text("mine")
    for _ in range(2):
        failed = [o.reason for o in colored(source, tmp_path / "out", model) if o.state == "failed"]
        assert any("00.png: exists already" in reason for reason in failed)
    assert (tmp_path / "out" / "00.png").read_text() == "mine"
    colored(source, tmp_path / "out", model, replace(OPTIONS, overwrite=True))
    assert (tmp_path / "out" / "00.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.long
def test_killed_and_restarted_is_undisturbed(source, tmp_path, model):
    colored(source, tmp_path / "alone", model)
    command = [sys.executable, "-m", "colorify", "bulk", str(source), "-o", str(tmp_path / "out"), "--model", model]
    process = subprocess.Popen([*command, "--size", "32"], stderr=subprocess.DEVNULL)
    while process.poll() is None and len(pixels(tmp_path / "out")) < 3:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with (tmp_path / "out" / LIST).open("a") as file:
        file.write("half a r")  # as a kill may leave it
    (tmp_path / "out" / ".01.png.1.2.part").write_text("half a p")
    (tmp_path / "out" / ".02.png.1.2.part.png").write_text("half a p")
    outcomes = colored(source, tmp_path / "out", model)
    assert sum(outcome.state == "before" for outcome in outcomes) >= 3
    assert [outcome.reason for outcome in outcomes if outcome.reason] == [
        f"{source / 'bad.jpg'}: not a picture in a known format"
    ]
    assert pixels(tmp_path / "out") == pixels(tmp_path / "alone")
    assert not list((tmp_path / "out").rglob("*.part*"))


def test_two_runs_in_one_folder_do_not_mix(source, tmp_path, model):
    running = bulk.color(inputs.plan([str(source)], tmp_path / "out")[0], tmp_path / "out", model, OPTIONS)
    next(running)
    with pytest.raises(BusyError, match="another run holds it"):
        colored(source, tmp_path / "out", model)
    running.close()
    assert len(colored(source, tmp_path / "out", model)) == 16


def test_names_with_commas_and_newlines(tmp_path, model):
    (tmp_path / "in").mkdir()
    for name in ('a,"b".png', "c\nd.png", "é世.png"):
        photo(0).convert("L").save(tmp_path / "in" / name)
    assert [outcome.state for outcome in colored(tmp_path / "in", tmp_path / "out", model)] == ["done"] * 3
    assert [outcome.state for outcome in colored(tmp_path / "in", tmp_path / "out", model)] == ["before"] * 3


def test_a_url_that_fsspec_opens(source, tmp_path, model):
    url = f"file://{source}"
    outcomes = list(
        bulk.color(inputs.plan([url], tmp_path / "out")[0], tmp_path / "out", model, OPTIONS),
    )
    assert sum(outcome.state == "done" for outcome in outcomes) == 12
    assert (tmp_path / "out" / "deep" / "01.png").exists()
    _, errors = inputs.plan(["nosuch://bucket/x"], tmp_path / "out")
    assert "nosuch" in str(errors[0])


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    ray.init(num_cpus=2 * batch.TOGETHER, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return ""


@pytest.mark.long
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("default")  # Ray's own
def test_ray_gives_the_same_files_though_a_worker_is_killed(cluster, source, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "LENGTH", 0.5)
    make(source / "film.mp4", codec="libx264", frames=60)
    model = "highres"  # by OpenVINO: torch's sums depend on the number of threads, of which Ray allows one
    for number in range(483):
        photo(number).convert("L").save(source / f"more-{number}.png")
    colored(source, tmp_path / "local", model)
    killed = []

    def kill_one() -> None:
        while not killed:
            time.sleep(0.05)
            busy = [
                p for p in psutil.Process().children(recursive=True) if "MapWorker" in _command(p)
            ]  # no other run's
            if len(busy) > 1 and len(list((tmp_path / "ray").rglob("*.png"))) > 5:
                busy[0].kill()
                killed.append(busy[0].pid)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    outcomes = colored(source, tmp_path / "ray", model, engine="ray")
    killed.append(0)
    killer.join()
    assert killed[0], "too late to kill a worker"
    assert pixels(tmp_path / "ray") == pixels(tmp_path / "local")
    assert len(outcomes) == len({outcome.job for outcome in outcomes}) == 500
    assert [outcome.reason for outcome in outcomes if outcome.reason] == [
        f"{source / 'bad.jpg'}: not a picture in a known format"
    ]
    assert all(o.state == "before" for o in colored(source, tmp_path / "ray", model, engine="ray") if not o.reason)
