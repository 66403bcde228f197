"""Fresh processes, one after the other: a folder of two pictures, an archive, a film; none may hang or fail.

    PYTHONPATH=tests python -m soak.runs [--runs 200]

What goes wrong once in many starts, locks above all, is seen only by starting often.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image

from reliability import publish

LONGEST = 30
"""Seconds that a run may take."""


def inputs(folder: Path) -> dict[str, list[str]]:
    """Small inputs in ``folder``, and the command of each kind; what it writes goes to the folder ``out``."""
    (folder / "two").mkdir()
    gray = np.tile(np.linspace(0, 255, 90).astype(np.uint8), (60, 1))
    for name in ("a.png", "b.png"):
        Image.fromarray(gray).save(folder / "two" / name)
    with av.open(str(folder / "film.mkv"), "w") as film:
        stream = film.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for shift in range(12):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(gray[:48, :64], shift, 1), "gray8")))
        film.mux(stream.encode())
    out = str(folder / "out")
    return {
        "image": ["image", str(folder / "two"), "-o", out],
        "bulk": ["bulk", str(folder / "two"), "-o", out],
        "video": ["video", str(folder / "film.mkv"), "-o", f"{out}/film.mkv"],
    }


def failures(command: list[str], runs: int) -> list[str]:
    """Run a command of colorify's so often, each time into an empty folder, and tell what went wrong."""
    found = []
    with tempfile.TemporaryDirectory() as home:
        for number in range(runs):
            at = command.index("-o") + 1
            out = Path(home) / str(number) / Path(command[at]).name
            out.parent.mkdir()
            line = [sys.executable, "-m", "colorify", *command[:at], str(out), *command[at + 1 :]]
            try:
                done = subprocess.run(line, capture_output=True, text=True, timeout=LONGEST)
            except subprocess.TimeoutExpired:
                found.append(f"run {number} took over {LONGEST} s")
                continue
            if done.returncode or not out.exists():
                found.append(f"run {number} ended with {done.returncode}: {done.stderr[-200:]}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    rows, found = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in inputs(Path(folder)).items():
            wrong = failures(command, runs)
            rows.append({"command": name, "fresh processes": runs, "hung or failed": len(wrong)})
            found += [f"{name}: {what}" for what in wrong]
    publish("soak", rows, found)
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
