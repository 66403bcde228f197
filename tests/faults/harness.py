"""Kills commands at random moments and starts them again: the result must be that of a run left alone.

    PYTHONPATH=tests python -m faults.harness [--rounds 200] [--only train]

Before the last start of a round comes another fault, in turn: none, a disk that fills (the system's own limit of a
file's size), a corrupted checkpoint, which must be named and nothing else, or folders that may not be written to.
Commands are forked from a process that has imported everything, so that the kills hit the work. Writes
reports/reliability/faults.md.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import torch

from colorify.codec import Channels
from colorify.data import manifest, samples
from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet, UNetConfig
from colorify.video import scene
from reliability import publish

TINY = UNetConfig("efficientnet_lite0", (16, 16, 8, 8))
FAULTS = ("none", "full disk", "corrupted checkpoint", "no permission")
_FORKED = multiprocessing.get_context("forkserver")
_OWN = ("bulk", "cli.photos", "collect.sources", "collect.spider", "evaluation", "training.stage")
_FORKED.set_forkserver_preload([*(f"colorify.{name}" for name in _OWN), "IPython.display", "pydantic", "sympy"])
_PATIENCE = 300  # seconds that a command may take


@dataclass(frozen=True)
class Scenario:
    """A command, what its result is, and where its checkpoint lies."""

    command: Callable[[Path], Sequence[str]]  # given the folder that it writes into
    result: Callable[[Path], object]  # what must be equal
    checkpoint: str = ""  # in that folder; of those that have one


@dataclass
class Tally:
    """What was done to a scenario, and what it cost."""

    rounds: int = 0
    kills: int = 0
    full: int = 0
    corrupted: int = 0
    forbidden: int = 0
    lost: list[str] = field(default_factory=list)  # what differed, or was said badly
    memory: int = 0  # MiB, the largest of all processes


def files(folder: Path, *suffixes: str) -> dict[str, bytes]:
    """The finished files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in suffixes and not path.name.startswith(".")
    }


def decoded(path: Path) -> list[tuple[int, str]]:
    """Time stamp and digest of every frame of a film: a Matroska file carries a random number."""
    with av.open(str(path)) as opened:
        frames = opened.decode(video=0)
        return [(frame.pts, hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()) for frame in frames]


def weights(folder: Path) -> str:
    """The model of a training, by its digest."""
    return checkpoint.load(folder / "out" / "model.safetensors").digest


def rows(folder: Path) -> list[tuple]:
    """What a manifest lists, less where it lies."""
    listed = manifest.read(folder / "out" / manifest.MANIFEST)
    return sorted((Path(entry.path).name, entry.sha256, entry.split, entry.refused) for entry in listed)


def prepared(home: Path) -> dict[str, Scenario]:
    """The inputs, and what is done with them."""
    pictures, model = home / "pictures", home / "tiny.safetensors"
    pictures.mkdir()
    chance = np.random.default_rng(0)
    photos = [picture for _, picture in samples.color()]
    for number in range(20):
        photo = photos[number % len(photos)]
        left, top = (int(chance.integers(0, length - 240)) for length in photo.size)
        photo.crop((left, top, left + 240, top + 200)).save(pictures / f"{number:02d}.jpg", quality=90)
    torch.manual_seed(0)
    network = UNet(TINY, 2)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    told = {"size": 64, "mean_ab": [1.0, 5.0], "prior": [1 / 256] * 256}
    checkpoint.save(Checkpoint(TINY, Channels(), "regression", network.state_dict(), told), model)
    film = home / "film.mp4"
    scene.write_gray(scene.camera(photos[0], (0.4, 0.45, 0.6), (0.6, 0.5, 0.6), 360, (96, 64)), film)
    numbers = {
        "network": {"encoder": TINY.encoder, "decoder": list(TINY.decoder)},
        "steps": 20,
        "batch": 2,
        "sizes": [[0, 32]],
        "valid_every": 10,
        "grid_every": 1000,
    }
    data = {"sources": [str(pictures)], "side": 72, "min_side": 32}
    (home / "params.yaml").write_text(
        json.dumps({"profile": "faults", "faults": {"regression": numbers, "data": data}})
    )
    train = ("train", "regression", "--params", str(home / "params.yaml"), "--device", "cpu", "--out")
    return {
        "bulk": Scenario(
            lambda out: ("bulk", str(pictures), "-o", f"{out}/out", "--model", str(model)),
            lambda out: files(out / "out", ".jpg"),
        ),
        "video": Scenario(
            lambda out: ("video", str(film), "-o", f"{out}/out.mkv", "--model", str(model), "--size", "32",
                         "--every", "4", "--codec", "ffv1", "--quality", "lossless"),
            lambda out: decoded(out / "out.mkv"),
        ),
        "train": Scenario(lambda out: (*train, f"{out}/out"), weights, "out/state.safetensors"),
        "collect": Scenario(
            lambda out: ("collect", "dataset", str(pictures), "-o", f"{out}/out", "--min-side", "64"),
            rows,
        ),
        "evaluate": Scenario(
            lambda out: ("evaluate", "--data", str(pictures), "--model", f"tiny={model}", "--limit", "6", "--out",
                         f"{out}/out"),
            lambda out: files(out / "out", ".json", ".md"),
        ),
    }  # fmt: skip


def run(command: Sequence[str], out: Path, kill_after: float | None = None, **limits) -> tuple[int, str, int]:
    """Exit status (negative: killed), what it said, and its peak memory in MiB; ``limits`` are those of `_command`."""
    (said := out / ".said").touch()
    process = _FORKED.Process(target=_command, args=(command, out, said), kwargs=limits)
    process.start()
    ends = time.monotonic() + (_PATIENCE if kill_after is None else kill_after)
    memory = 0
    while process.exitcode is None:
        with suppress(OSError):  # it has just ended
            peak = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            memory = max(memory, *(int(kib) // 1024 for kib in peak), 0)
        if time.monotonic() > ends:
            process.kill()
        process.join(0.01)
    return process.exitcode, said.read_text(errors="replace"), memory


def _command(command: Sequence[str], out: Path, said: Path, limit: int | None = None, permitted: bool = True) -> None:
    """In the process of its own: the command, with at most ``limit`` bytes a file, or obeying permissions."""
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(out)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if not permitted:
        _obey()
    from colorify.cli import app

    app(command)


def _obey() -> None:
    """Give up root's right to write anywhere (Linux: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH)."""
    system, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    system.capget(header, sets)
    sets[0] &= ~6
    system.capset(header, sets)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing below the folder may be written to."""
    paths = [folder, *(path for path in folder.rglob("*") if path.name != ".said")]
    modes = [path.stat().st_mode for path in paths]
    for path, mode in zip(paths, modes, strict=True):
        path.chmod(mode & ~0o222)
    yield
    for path, mode in zip(paths, modes, strict=True):
        path.chmod(mode)


def finished(said: str) -> bool:
    """Whether a command found its result there: the kill came too late."""
    return "exists already" in said


def one_round(
    scenario: Scenario, expected: object, took: float, fault: str, chance: random.Random, tally: Tally
) -> None:
    """Kill, hurt, start again, compare."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        command = scenario.command(out)

        def once(**how) -> tuple[int, str]:
            status, said, memory = run(command, out, **how)
            tally.memory = max(tally.memory, memory)
            if "Traceback" in said:
                tally.lost.append(f"traceback: {said.strip().splitlines()[-1][:200]}")
            return status, said

        status, _ = once(kill_after=chance.uniform(0, 1.1 * took))
        tally.rounds, tally.kills = tally.rounds + 1, tally.kills + (status < 0)
        saved = out / scenario.checkpoint
        if fault == "full disk":
            status, said = once(limit=chance.choice((1_000, 30_000)))
            tally.full += status != 0 and not finished(said)
            if status and not said.strip():
                tally.lost.append("a full disk, and nothing said")
        elif fault == "no permission":
            with read_only(out):
                status, said = once(permitted=False)
            tally.forbidden += "ermission" in said
            if status and "ermission" not in said and not finished(said):
                tally.lost.append(f"no permission: status {status}: {said.strip()[-200:]}")
        elif fault == "corrupted checkpoint" and scenario.checkpoint and saved.exists():
            whole = saved.read_bytes()
            place = chance.randrange(len(whole))
            saved.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            status, said = once()
            tally.corrupted += 1
            if status != 1 or saved.name not in said:
                tally.lost.append(f"a corrupted checkpoint: status {status}: {said.strip()[-200:]}")
            saved.write_bytes(whole)
        status, said = once()
        if status and not finished(said):
            tally.lost.append(f"started again: status {status}: {said.strip()[-300:]}")
        elif scenario.result(out) != expected:
            tally.lost.append("another result than that of a run left alone")


def rounds_of(names: Sequence[str], rounds: int, say: Callable[[str], None]) -> Iterator[tuple[str, Tally]]:
    """All rounds of some scenarios, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        scenarios = prepared(Path(folder))
        for name in names or scenarios:
            scenario, alone, tally = scenarios[name], Path(folder, f"alone-{name}"), Tally()
            alone.mkdir()
            run(("--help",), alone)  # whatever it is that must be imported
            begun = time.monotonic()
            status, said, tally.memory = run(scenario.command(alone), alone)
            assert status == 0, said
            took, expected = time.monotonic() - begun, scenario.result(alone)
            for number in range(rounds):
                chance = random.Random(f"{name} {number}")
                one_round(scenario, expected, took, FAULTS[number % len(FAULTS)], chance, tally)
                say(f"{name}: round {number + 1} of {rounds}, {len(tally.lost)} losses")
            yield name, tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", action="append")
    given = parser.parse_args()
    lost = []
    for name, tally in rounds_of(given.only or (), given.rounds, print):
        row = {
            "command": name,
            "rounds": tally.rounds,
            "killed": tally.kills,
            "disk full": tally.full,
            "no permission": tally.forbidden,
            "checkpoint corrupted": tally.corrupted,
            "losses": len(tally.lost),
            "peak memory, MiB": tally.memory,
        }
        publish("faults", [row], [f"{name}: {what}" for what in tally.lost])
        lost += tally.lost
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
