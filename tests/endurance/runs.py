"""Long runs through one process: nothing is lost, and memory and file handles do not grow.

    PYTHONPATH=tests python -m endurance.runs [--hours 24] [--pictures 20000]

A film of so many hours, small and made here, and a folder of so many pictures. The process is watched from outside
(Linux). Writes reports/reliability/endurance.md.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from colorify.video import formats, media
from reliability import publish

RATE, SIZE = 24, (64, 48)
_LOOP = 2400  # frames that a film repeats


@dataclass(frozen=True)
class Watched:
    """What a process took: memory in MiB, every so often, and open files."""

    status: int
    said: str
    seconds: float
    memory: list[int]
    handles: list[int]

    @property
    def growth(self) -> int:
        """MiB by which the highest of the second half of the samples stands above that of the first."""
        half = len(self.memory) // 2
        return max(self.memory[half:]) - max(self.memory[:half])


def watch(command: Sequence[str], every: float = 1.0) -> Watched:
    """Run a command of colorify's, and look at its process every so many seconds."""
    begun, memory, handles = time.monotonic(), [], []
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, "-m", "colorify", *command], stdout=said, stderr=subprocess.DEVNULL)
        home = Path(f"/proc/{process.pid}")
        while process.poll() is None:
            if found := re.search(r"VmRSS:\s+(\d+)", (home / "status").read_text()):
                memory.append(int(found[1]) // 1024)
                handles.append(len(list((home / "fd").iterdir())))
            time.sleep(every)
        said.seek(0)
        return Watched(process.returncode, said.read().decode(), time.monotonic() - begun, memory, handles)


def film(path: Path, frames: int) -> None:
    """A gray film of things that move, with a cut every hundred seconds."""
    short = path.with_name("short.mp4")
    width, height = SIZE
    y, x = np.mgrid[:height, :width]
    with av.open(str(short), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(min(_LOOP, frames)):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane in frame.planes[1:]:
                formats.samples(plane, 8)[:] = 128
            at = x + number / 3
            formats.samples(frame.planes[0], 8)[:] = 120 + 60 * np.sin(at / 7) + 40 * np.sin((at + 2 * y) / 11)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(str(path), "w") as out:
        written, stream = 0, None
        while written < frames:
            with av.open(str(short)) as loop:
                stream = stream or out.add_stream_from_template(loop.streams.video[0])
                shift = round(written / RATE / loop.streams.video[0].time_base)
                for packet in loop.demux(video=0):
                    if packet.size and written < frames:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        out.mux(packet)
                        written += 1


def of_film(home: Path, frames: int, every: float = 1.0) -> tuple[int, Watched]:
    """How many of the frames are lost, and what it took."""
    film(home / "film.mp4", frames)
    out = home / "out.mp4"
    knobs = ("--size", "16", "--every", "16", "--quality", "small")
    watched = watch(["video", str(home / "film.mp4"), "-o", str(out), *knobs], every)
    assert watched.status == 0 and f"{frames:,} frames" in watched.said, watched.said
    return frames - media.count(out), watched


def of_pictures(home: Path, count: int, every: float = 1.0) -> tuple[int, Watched]:
    """How many of the pictures are lost, and what it took."""
    (home / "in").mkdir()
    chance = np.random.default_rng(0)
    kinds = [home / f"{number}.jpg" for number in range(min(count, 50))]
    for kind in kinds:
        coarse = Image.fromarray(chance.integers(0, 256, (6, 8), np.uint8))
        coarse.resize(tuple(chance.integers(48, 160, 2)), Image.Resampling.BICUBIC).save(kind)
    for number in range(count):
        (home / "in" / f"{number:06d}.jpg").hardlink_to(kinds[number % len(kinds)])
    watched = watch(["bulk", str(home / "in"), "-o", str(home / "out"), "--size", "16", "--no-tta"], every)
    assert watched.status == 0, watched.said
    return count - len(list((home / "out").glob("*.jpg"))), watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--pictures", type=int, default=20_000)
    given = parser.parse_args()
    runs: dict[str, tuple[Callable[[Path, int], tuple[int, Watched]], int]] = {
        "frames of one film": (of_film, round(given.hours * 3600 * RATE)),
        "pictures": (of_pictures, given.pictures),
    }
    broken = 0
    for what, (run, count) in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            lost, took = run(Path(folder), count)
        handles = took.handles[len(took.handles) // 10 :]
        row = {
            "what": what,
            "how many": count,
            "lost": lost,
            "seconds": round(took.seconds),
            "peak memory, MiB": max(took.memory),
            "growth, MiB": took.growth,
            "file handles, at least": min(handles),
            "at most": max(handles),
        }
        publish("endurance", [row], [f"{what}: {lost} lost"] if lost else [])
        broken += lost
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
