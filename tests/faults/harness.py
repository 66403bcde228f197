"""Kills commands at random moments and starts them again: the result must be that of a run left alone.

    python -m tests.faults.harness [--rounds 200] [--only train]

Before the last start of a round comes another fault, in turn: none, a disk that fills (the system's own limit of a
file's size), or a corrupted checkpoint, which must be named and nothing else. Writes reports/reliability/faults.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import torch

from colorify import params, report
from colorify.codec import Channels
from colorify.data import manifest, samples
from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet, UNetConfig
from colorify.video import scene

TINY = UNetConfig("resnet18", (16, 16, 8, 8))
FAULTS = ("none", "full disk", "corrupted checkpoint")
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
    for number in range(40):
        photo = photos[number % len(photos)]
        left, top = (int(chance.integers(0, length - 240)) for length in photo.size)
        photo.crop((left, top, left + 240, top + 200)).save(pictures / f"{number:02d}.jpg", quality=90)
    torch.manual_seed(0)
    network = UNet(TINY, 2)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    told = {"size": 64, "mean_ab": [1.0, 5.0], "prior": [1 / 256] * 256}
    checkpoint.save(Checkpoint(TINY, Channels(), "regression", network.state_dict(), told), model)
    film = home / "film.mp4"
    scene.write_gray(scene.camera(photos[0], (0.4, 0.45, 0.6), (0.6, 0.5, 0.6), 700, (96, 64)), film)
    numbers = {
        "network": {"encoder": TINY.encoder, "decoder": list(TINY.decoder)},
        "steps": 60,
        "batch": 4,
        "sizes": [[0, 64]],
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
            lambda out: ("video", str(film), "-o", f"{out}/out.mkv", "--model", str(model), "--codec", "ffv1",
                         "--quality", "lossless"),
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


def run(command: Sequence[str], out: Path, kill_after: float | None = None, limit: int | None = None) -> tuple:
    """Exit status (negative: killed), what it said, and its peak memory in MiB."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    with tempfile.TemporaryFile() as said:
        call = [sys.executable, "-m", "colorify", *command]
        process = subprocess.Popen(call, cwd=out, stdout=said, stderr=said, preexec_fn=limited)
        ends = time.monotonic() + (_PATIENCE if kill_after is None else kill_after)
        status = usage = None
        while status is None:
            pid, code, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                status = os.waitstatus_to_exitcode(code)
            elif time.monotonic() > ends:
                process.kill()
                _, code, usage = os.wait4(process.pid, 0)
                status = os.waitstatus_to_exitcode(code)
            else:
                time.sleep(0.01)
        process.returncode = status
        said.seek(0)
        return status, said.read().decode(errors="replace"), usage.ru_maxrss // 1024


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
            tally.full += status != 0
            if status and not said.strip():
                tally.lost.append("a full disk, and nothing said")
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
        if status:
            tally.lost.append(f"started again: status {status}: {said.strip()[-300:]}")
        elif scenario.result(out) != expected:
            tally.lost.append("another result than that of a run left alone")


def rounds_of(names: Sequence[str], rounds: int, say: Callable[[str], None]) -> dict[str, Tally]:
    """All rounds of some scenarios."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        scenarios = prepared(Path(folder))
        for name in names or scenarios:
            scenario, alone, tally = scenarios[name], Path(folder, f"alone-{name}"), Tally()
            alone.mkdir()
            begun = time.monotonic()
            status, said, tally.memory = run(scenario.command(alone), alone)
            assert status == 0, said
            took, expected = time.monotonic() - begun, scenario.result(alone)
            for number in range(rounds):
                chance = random.Random(f"{name} {number}")
                one_round(scenario, expected, took, FAULTS[number % len(FAULTS)], chance, tally)
                say(f"{name}: round {number + 1} of {rounds}, {len(tally.lost)} losses")
            found[name] = tally
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", action="append")
    given = parser.parse_args()
    found = rounds_of(given.only or (), given.rounds, print)
    cells = [
        [name, t.rounds, t.kills, t.full, t.corrupted or "", len(t.lost), f"{t.memory} MiB"]
        for name, t in found.items()
    ]
    header = ("command", "rounds", "killed", "disk full", "checkpoint corrupted", "losses", "peak memory")
    text = report.table(header, cells) + "".join(f"\n- {name}: {what}" for name, t in found.items() for what in t.lost)
    print(f"\n{text}")
    report.write_table(text, params.root() / "reports" / "reliability", "faults")
    sys.exit(any(tally.lost for tally in found.values()))


if __name__ == "__main__":
    main()
