"""How the cost grows with the picture and with the number of files: time and memory, as tables and curves.

    python benchmarks/growth.py [--model highres] [--repeats 5] [--most 10000]

Each measurement has a process of its own. Pictures lie in memory; files are JPEGs of 320 x 240, and their time does not
count the start of the process.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from bench import gray_photo, median, mib, ms, one, peak_memory, publish
from matplotlib.figure import Figure
from PIL import Image

from colorify import batch, inputs, params
from colorify.inference import Colorizer

MEGAPIXELS = (0.1, 0.3, 1, 3, 10, 30, 100)


def picture(model: str, megapixels: float, repeats: int) -> tuple[float, int]:
    """Seconds of a call, and how far memory rises, the picture and its result counted."""
    colorizer = Colorizer.load(model)
    colorizer(gray_photo(0.1))
    with peak_memory() as peak:
        photo = gray_photo(megapixels)
        seconds = median(lambda: colorizer(photo), repeats if megapixels < 5 else 3, warm=megapixels < 5)
        return seconds, peak()


def folder(model: str, source: str, count: int) -> tuple[float, int]:
    """Seconds of a folder of so many links to one file, and how far memory rises."""
    with tempfile.TemporaryDirectory() as home:
        pictures = Path(home, "in")
        pictures.mkdir()
        for number in range(count):
            os.link(source, pictures / f"{number:05d}.jpg")
        jobs, _ = inputs.plan([str(pictures)], Path(home, "out"))
        workers = batch.workers(jobs)
        colorizer = Colorizer.load(model, concurrency=workers)
        begun = time.perf_counter()
        with peak_memory() as peak:
            failures = batch.run(colorizer, jobs, batch.BatchOptions(), print, workers)
            assert not failures
            return time.perf_counter() - begun, peak()


def apart(function, *arguments) -> tuple[float, int]:
    """A call in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def draw(curves: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    """Time and memory over the size, both axes logarithmic, with a line of slope one."""
    chart = Figure((10, 3.2 * len(curves)), layout="constrained")
    for row, (what, points) in zip(chart.subplots(len(curves), 2), curves.items(), strict=True):
        size, seconds, memory = np.array(points).T
        for axes, values, name in ((row[0], seconds, "seconds"), (row[1], memory / (1 << 20), "MiB")):
            axes.loglog(size, values, "o-")
            axes.loglog(size, values[-1] * size / size[-1], ":", color="gray", label="in proportion")
            axes.set(xlabel=what, ylabel=name)
            axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    chart.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="highres")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--most", type=int, default=10_000, help="files")
    given = parser.parse_args()
    sizes = [(size, *apart(picture, given.model, size, given.repeats)) for size in MEGAPIXELS]
    counts = [10**power for power in range(9) if 10**power <= given.most]
    with tempfile.TemporaryDirectory() as home:
        source = Path(home, "one.jpg")
        Image.fromarray(gray_photo(0.1)).resize((320, 240)).save(source, quality=90)
        files = [(count, *apart(folder, given.model, str(source), count)) for count in counts]
    draw({"megapixels": sizes, "files": files}, params.root() / "reports" / "benchmarks" / "growth.png")
    publish(
        "growth",
        [
            (
                "One picture",
                {"megapixels": "{:g}".format, "time": ms, "memory": mib, "ms a megapixel": one},
                [(size, seconds, memory, 1e3 * seconds / size) for size, seconds, memory in sizes],
            ),
            (
                "A folder",
                {"files": str, "time": "{:.1f} s".format, "memory": mib, "ms a file": one},
                [(count, seconds, memory, 1e3 * seconds / count) for count, seconds, memory in files],
            ),
        ],
    )


if __name__ == "__main__":
    main()
