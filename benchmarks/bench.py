"""What the benchmarks share: medians, memory, the machine, and where the figures go."""

from __future__ import annotations

import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from colorify import params, report
from colorify.data import samples
from colorify.models.running import cores

Result = TypeVar("Result")
Table = tuple[str, Mapping[str, Callable[[object], str]], Sequence[Sequence[object]]]
"""What it shows, its columns and how each is printed, its rows as they were measured."""


def median(function: Callable[[], object], repeats: int, warm: int = 1) -> float:
    """Median seconds of a call, after some to warm up."""
    for _ in range(warm):
        function()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def ratio(one: Callable[[], object], other: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median seconds of two calls, taken in turn, and the median of their ratios: slow drifts cancel."""
    one(), other()
    pairs = [(median(one, 1, 0), median(other, 1, 0)) for _ in range(repeats)]
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    return first, second, statistics.median(a / b for a, b in pairs)


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """A call in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def gray_photo(megapixels: float) -> np.ndarray:
    """The sample `camera` at 3:2 and the asked size, with a film's grain: uint8 ``(H, W)``."""
    width = round((megapixels * 1e6 * 1.5) ** 0.5)
    size = width, round(width / 1.5)
    plain = np.asarray(dict(samples.gray())["camera"].resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = np.random.default_rng(0).normal(0, 4, (256, size[0])).astype(np.float32)
    plain += np.resize(grain, plain.shape)
    return plain.clip(0, 255).astype(np.uint8)


@contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """Gives how far the resident memory has risen since, at most, in bytes (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the earlier peak
    before = _status("VmRSS")
    yield lambda: _status("VmHWM") - before


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024


def matrix_rate(side: int = 2048) -> float:
    """Floating-point operations a second of a float32 matrix product by torch on all cores: the best of seven."""
    import torch

    one = torch.rand(side, side)
    seconds = []
    for _ in range(7):
        begun = time.perf_counter()
        one @ one
        seconds.append(time.perf_counter() - begun)
    return 2 * side**3 / min(seconds)


def commit() -> str:
    """The commit that is checked out; a downloaded ZIP has none, and git may not be installed."""
    if not shutil.which("git"):
        return "unknown"
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": cpu[1] if cpu else platform.processor(),
        "cores": cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": commit(),
    }


def publish(name: str, tables: Sequence[Table]) -> None:
    """Print the tables, and keep them as ``reports/benchmarks/NAME.md`` and, unrounded, as ``NAME.json``."""
    about, folder = machine(), params.root() / "reports" / "benchmarks"
    parts = []
    for title, columns, rows in tables:
        cells = [[show(value) for show, value in zip(columns.values(), row, strict=True)] for row in rows]
        parts.append(f"{title}\n\n{report.table(list(columns), cells)}")
    parts.append(", ".join(f"{key} {value}" for key, value in about.items()) + ". Medians; the machine is shared.")
    text = "\n\n".join(parts)
    print(text)
    print(report.write_table(text, folder, name), file=sys.stderr)
    exact = {title: [dict(zip(columns, row, strict=True)) for row in rows] for title, columns, rows in tables}
    assert len(exact) == len(tables), "two tables of one title"
    (folder / f"{name}.json").write_text(json.dumps({"machine": about, **exact}, indent=2) + "\n")


def ms(seconds: float) -> str:
    """Seconds as milliseconds."""
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def share(value: float) -> str:
    """Per cent."""
    return f"{value:.0%}"


def mib(count: float) -> str:
    """Bytes as MiB."""
    return f"{count / (1 << 20):.0f} MiB"


def two(value: float) -> str:
    """Two digits behind the point: ratios."""
    return f"{value:.2f}"


def one(value: float) -> str:
    """One digit behind the point: rates."""
    return f"{value:.1f}"
