"""What a film costs: every frame and every fourth, beside decoding and encoding alone, in one run; memory by length.

    python benchmarks/video.py [--height 720] [--seconds 10] [--long 600] [--repeats 3] [--model highres]

Medians over repeats. The film is a camera over a free photograph, with grain. Each measurement has a process of its
own; memory is its peak, above what it held with the model loaded. The long film is 180 lines high.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from statistics import median

import av
import numpy as np
from bench import apart, mib, one, peak_memory, publish, share, two

from colorify.data import samples
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.video import facts, film, formats, media, scene
from colorify.video.facts import Target

RATE = 25


@dataclass(frozen=True)
class Cost:
    """Of one film."""

    seconds: float
    network: float  # seconds of them
    frames: int
    memory: int  # bytes, above the model


def generated(path: Path, height: int, seconds: float) -> Path:
    """A camera that goes to and fro over a photograph, with grain, in H.264."""
    width = height * 16 // 18 * 2
    picture = dict(samples.color())["astronaut"].resize((width * 3 // 2, width * 3 // 2))
    there = scene.camera(picture, (0.4, 0.45, 0.6), (0.6, 0.5, 0.6), 2 * RATE, (width, height)).rgb[..., 1]
    noise = np.random.default_rng(0)
    grains = [noise.normal(0, 4, (height, width)) for _ in range(7)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "16"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        moving = cycle(chain(there, there[::-1]))
        for picture, grain in islice(zip(moving, cycle(grains)), round(seconds * RATE)):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane in frame.planes[1:]:
                formats.samples(plane, 8)[:] = 128
            formats.samples(frame.planes[0], 8)[:] = (16 + 219 * picture + grain).clip(0, 255)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def passed(path: Path, out: Path) -> Cost:
    """Decode and encode alone: the luma as it is, no colours."""
    begun = time.perf_counter()
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
    return Cost(time.perf_counter() - begun, 0.0, count, peak())


def colored(path: Path, out: Path, model: str, every: int) -> Cost:
    """The whole program."""
    colorizer = Colorizer.load(model)
    colorizer.chroma(np.zeros((1, colorizer.size, colorizer.size * 16 // 18 * 2), np.float32), Knobs(tta=False))
    spent, chroma = [], colorizer.chroma

    def timed(*args, **knobs):
        begun = time.perf_counter()
        try:
            return chroma(*args, **knobs)
        finally:
            spent.append(time.perf_counter() - begun)

    colorizer.chroma = timed
    begun = time.perf_counter()
    with peak_memory() as peak:
        done = film.colorize(path, out, colorizer, film.FilmOptions(every=every, overwrite=True))
    return Cost(time.perf_counter() - begun, sum(spent), done.frames, peak())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--long", type=float, default=600, help="seconds of the film that memory is measured on")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="highres")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out = generated(Path(folder, "film.mp4"), given.height, given.seconds), Path(folder, "out.mp4")
        ways = {
            "decode + encode alone": (passed, source, Path(folder, "passed.mp4")),
            "every frame": (colored, source, out, given.model, 1),
            "every fourth": (colored, source, out, given.model, 4),
        }
        costs = {way: [] for way in ways}
        for _ in range(given.repeats):
            for way, call in ways.items():
                costs[way].append(apart(*call))
        medians = {
            way: (
                median([cost.frames / cost.seconds for cost in found]),
                median([cost.network / cost.seconds for cost in found]),
                median([cost.memory for cost in found]),
            )
            for way, found in costs.items()
        }
        slow, alone = medians["every frame"][0], medians["decode + encode alone"][0]
        rows = [(way, speed, speed / slow, alone / speed, *rest) for way, (speed, *rest) in medians.items()]
        lengths = []
        for length in sorted({given.seconds, given.long}):
            cost = apart(colored, generated(Path(folder, "long.mp4"), 180, length), out, given.model, 4)
            lengths.append((length, cost.frames / cost.seconds, cost.memory))
    columns = {"": str, "frames/s": one, "over every frame": two, "time / (decode + encode)": two}
    columns |= {"in the network": share, "memory above the model": mib}
    about = f"{given.height} lines, {given.seconds:g} seconds of film"
    short = {"seconds of film, 180 lines": "{:g}".format, "frames/s": one, "memory above the model": mib}
    publish("video", [(about, columns, rows), ("Memory by length, every fourth frame", short, lengths)])


if __name__ == "__main__":
    main()
