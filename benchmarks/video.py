"""What a film costs: every frame and every fourth, beside decoding and encoding alone, in one run; memory by length.

    python benchmarks/video.py [--heights 720,1080] [--seconds 10] [--long 240] [--repeats 2] [--model highres]

Medians over repeats; under five minutes on two quiet cores. The film is a camera over a free photograph, with grain.
Each measurement has a process of its own; CPU is that of all its threads, which others on the machine disturb less than
the time; memory is its peak, above what it held with the model loaded. The long film is 180 lines high.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np
from bench import apart, mib, ms, one, peak_memory, publish, share, two

from colorify.data import samples
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import onnx
from colorify.models.running import BFLOAT16
from colorify.video import facts, film, formats, job, media
from colorify.video.facts import Target

RATE = 25
_THERE, _BEGIN, _END = 2 * RATE, (0.4, 0.45), (0.6, 0.5)  # frames from one end of the way to the other; its ends


@dataclass(frozen=True)
class Cost:
    """Of one film."""

    seconds: float
    cpu: float  # seconds of all threads
    network: float  # seconds of them
    frames: int
    memory: int  # bytes, above the model


def generated(path: Path, height: int, seconds: float) -> Path:
    """A camera that goes to and fro over a photograph, with grain, in H.264."""
    width = height * 16 // 18 * 2
    picture = dict(samples.color())["astronaut"].resize((width * 3 // 2, width * 3 // 2))
    green = 16 + 219 / 255 * np.asarray(picture, np.float32)[..., 1]
    noise = np.random.default_rng(0)
    grains = [noise.normal(0, 4, (height, width)).astype(np.float32) for _ in range(7)]
    there = np.linspace(_BEGIN, _END, _THERE) * width * 1.5
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "16"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        moving = cycle((*there, *there[::-1]))
        for (x, y), grain in islice(zip(moving, cycle(grains)), round(seconds * RATE)):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane in frame.planes[1:]:
                formats.samples(plane, 8)[:] = 128
            place = np.array([[0.9, 0, x - 0.45 * width], [0, 0.9, y - 0.45 * height]])
            seen = cv2.warpAffine(green, place, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            formats.samples(frame.planes[0], 8)[:] = (seen + grain).clip(0, 255)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _cpu() -> float:
    """Seconds that all threads of this process have taken."""
    times = os.times()
    return times.user + times.system


def passed(path: Path, out: Path) -> Cost:
    """Decode and encode alone: the luma as it is, no colours."""
    begun, before = time.perf_counter(), _cpu()
    with peak_memory() as peak, media.opened(path) as source, av.open(str(out), "w") as written:
        stream, count = None, 0
        for frame in media.frames(source):
            stream = stream or Target(facts.of(path), "libx264", "high").encoder(written)
            copy = facts.blank(stream.codec_context, frame)
            for plane in copy.planes:
                formats.samples(plane, 8)[:] = 128
            formats.samples(copy.planes[0], 8)[:] = formats.samples(frame.planes[0], 8)
            written.mux(stream.encode(copy))
            count += 1
        written.mux(stream.encode(None))
    return Cost(time.perf_counter() - begun, _cpu() - before, 0.0, count, peak())


def colored(path: Path, out: Path, model: str, every: int, device: str = "auto") -> Cost:
    """The whole program."""
    colorizer = Colorizer.load(model, device, job.THREADS)
    colorizer.chroma(np.zeros((1, colorizer.size, colorizer.size * 16 // 18 * 2), np.float32), Knobs(tta=False))
    spent, chroma = [], colorizer.chroma

    def timed(*args, **knobs):
        begun = time.perf_counter()
        try:
            return chroma(*args, **knobs)
        finally:
            spent.append(time.perf_counter() - begun)

    colorizer.chroma = timed
    begun, before = time.perf_counter(), _cpu()
    with peak_memory() as peak:
        done = film.colorize(path, out, colorizer, film.FilmOptions(every=every, overwrite=True))
    return Cost(time.perf_counter() - begun, _cpu() - before, sum(spent), done.frames, peak())


def beside(folder: Path, height: int, given: argparse.Namespace) -> list[tuple]:
    """The rows of a table: what each way costs for a film of so many lines, beside decoding and encoding alone."""
    source, out = generated(folder / "film.mp4", height, given.seconds), folder / "out.mp4"
    ways = {
        ALONE: (passed, source, folder / "passed.mp4"),
        "every frame": (colored, source, out, given.model, 1),
        "every fourth": (colored, source, out, given.model, 4),
    }
    if onnx.has_bfloat16():
        ways["every frame, cpu-bf16"] = (colored, source, out, given.model, 1, BFLOAT16)
        ways["every fourth, cpu-bf16"] = (colored, source, out, given.model, 4, BFLOAT16)
    costs = {way: [] for way in ways}
    for _ in range(given.repeats):
        for way, call in ways.items():
            costs[way].append(apart(*call))
    medians = {
        way: (
            median([cost.frames / cost.seconds for cost in found]),
            median([cost.cpu / cost.frames for cost in found]),
            median([cost.network / cost.seconds for cost in found]),
            median([cost.memory for cost in found]),
        )
        for way, found in costs.items()
    }
    slow, (alone, least, *_) = medians["every frame"][0], medians[ALONE]
    return [
        (way, speed, speed / slow, alone / speed, cpu, cpu / least, *rest)
        for way, (speed, cpu, *rest) in medians.items()
    ]


ALONE = "decode + encode alone"
COLUMNS = {"": str, "frames/s": one, "over every frame": two, f"time / ({ALONE[:-6]})": two}
COLUMNS |= {"CPU a frame": ms, f"CPU / ({ALONE[:-6]})": two, "in the network": share, "memory above the model": mib}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heights", type=lambda text: [int(each) for each in text.split(",")], default=[720, 1080])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--long", type=float, default=240, help="seconds of the film that memory is measured on")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--model", default="highres")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {height: beside(folder, height, given) for height in given.heights}
        lengths = []
        for length in sorted({given.seconds, given.long}):
            film_of = generated(folder / "long.mp4", 180, length)
            cost = apart(colored, film_of, folder / "out.mp4", given.model, 4)
            lengths.append((length, cost.frames / cost.seconds, cost.memory))
    short = {"seconds of film, 180 lines": "{:g}".format, "frames/s": one, "memory above the model": mib}
    tables = [(f"{height} lines, {given.seconds:g} seconds of film", COLUMNS, rows) for height, rows in found.items()]
    publish("video", [*tables, ("Memory by length, every fourth frame", short, lengths)])


if __name__ == "__main__":
    main()
