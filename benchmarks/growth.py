"""How the cost grows with a picture, the number of files and the length of a film: time and memory, tables and curves.

    python benchmarks/growth.py [--model highres] [--repeats 5] [--most 10000] [--film 7200]

Each measurement has a process of its own, whose start does not count. Pictures lie in memory, files are JPEGs of 320 x
240, films have 180 lines and are looked at every fourth frame.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from bench import apart, gray_photo, median, mib, ms, one, peak_memory, publish
from matplotlib.figure import Figure
from PIL import Image

from colorify import batch, inputs, params
from colorify.inference import Colorizer
from video import RATE, colored, generated

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


def lengths(most: int) -> list[int]:
    """Seconds of the films: 10, 100 and so on, and the longest."""
    return [*(10**power for power in range(1, 9) if 10**power < most), most]


def film(model: str, home: Path, length: int) -> tuple[float, int]:
    """Seconds of a film of so many, and how far memory rises."""
    cost = apart(colored, generated(home / "film.mp4", 180, length), home / "out.mp4", model, 4)
    return cost.seconds, cost.memory


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
    parser.add_argument("--film", type=int, default=1000, help="seconds of the longest film")
    given = parser.parse_args()
    sizes = [(size, *apart(picture, given.model, size, given.repeats)) for size in MEGAPIXELS]
    counts = [10**power for power in range(9) if 10**power <= given.most]
    with tempfile.TemporaryDirectory() as home:
        source = Path(home, "one.jpg")
        Image.fromarray(gray_photo(0.1)).resize((320, 240)).save(source, quality=90)
        files = [(count, *apart(folder, given.model, str(source), count)) for count in counts]
        films = [(length, *film(given.model, Path(home), length)) for length in lengths(given.film)]
    curves = {"megapixels": sizes, "files": files, "seconds of film": films}
    draw(curves, params.root() / "reports" / "benchmarks" / "growth.png")
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
            (
                "A film of 180 lines, 25 frames a second",
                {"seconds of film": str, "time": "{:.1f} s".format, "memory": mib, "ms a frame": one},
                [(length, seconds, memory, 1e3 * seconds / length / RATE) for length, seconds, memory in films],
            ),
        ],
    )


if __name__ == "__main__":
    main()
