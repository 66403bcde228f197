"""What colouring costs beyond the bare network: time, memory and cold start, as ratios in one run.

    python benchmarks/inference.py [--model highres] [--repeats 7]

Medians over repeats; every ratio is of two figures of the same run. Machines are noisy: run it twice.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from colorify import bulk, report
from colorify.data import samples
from colorify.inference import Colorizer, small_luma
from colorify.pictures import from_array

MEGAPIXELS = (0.25, 1, 12, 48)


def median(function: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, after one to warm up."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def gray_photo(megapixels: float) -> np.ndarray:
    """The sample `camera` at 3:2 and the asked size."""
    width = round((megapixels * 1e6 * 1.5) ** 0.5)
    picture = dict(samples.gray())["camera"]
    return np.asarray(picture.resize((width, round(width / 1.5)), Image.Resampling.BICUBIC))


def whole_over_bare(colorizer: Colorizer, repeats: int) -> list[list[str]]:
    rows = []
    for megapixels in MEGAPIXELS:
        photo = gray_photo(megapixels)
        luma = small_luma(from_array(photo), colorizer.size)[None]
        with torch.inference_mode():
            bare = median(lambda luma=luma: colorizer.network(luma), repeats)
        whole = median(lambda photo=photo: colorizer(photo), max(3, repeats if megapixels < 10 else repeats // 2))
        rows.append([f"{megapixels:g} MP", f"{bare * 1e3:.0f} ms", f"{whole * 1e3:.0f} ms", f"{whole / bare:.2f}"])
        rows[-1].append(f"{peak_bytes_a_pixel(colorizer, photo):.0f} B")
    return rows


def peak_bytes_a_pixel(colorizer: Colorizer, photo: np.ndarray) -> float:
    """Growth of the peak resident memory during one call (Linux), input not counted."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the earlier peak
    before = resident("VmRSS")
    colorizer(photo)
    return (resident("VmHWM") - before) / photo.size


def resident(key: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def cold_start(model: str, repeats: int) -> list[list[str]]:
    """The command in a fresh process, beside importing torch, and the work itself in a warm one."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.jpg", Path(folder) / "out.jpg"
        Image.fromarray(gray_photo(1)).save(source)
        command = [sys.executable, "-m", "colorify", "image", str(source), "-o", str(target), "--model", model]

        def work() -> None:
            bulk.colorize_file(Colorizer.load(model), bulk.Job(source, target), bulk.Options(overwrite=True))

        whole = median(lambda: subprocess.run([*command, "--overwrite"], check=True), repeats)
        bare = median(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True), repeats)
        inside = median(work, repeats)
    rest = whole - bare - inside
    return [[f"{seconds:.2f} s" for seconds in (whole, bare, inside, rest)]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="highres")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    colorizer = Colorizer.load(arguments.model)
    print(
        f"{arguments.model}, network size {colorizer.size} px, {torch.get_num_threads()} threads, {colorizer.device}\n"
    )
    header = ("picture", "bare network", "colorizer(image)", "ratio", "peak memory a pixel")
    print(report.table(header, whole_over_bare(colorizer, arguments.repeats)))
    header = ("colorify image, 1 MP JPEG", "import torch", "load, read, colour, write", "rest")
    print("\n" + report.table(header, cold_start(arguments.model, max(3, arguments.repeats // 2))))


if __name__ == "__main__":
    main()
