"""What a million photos and a thousand hours of film take on several machines: events, from rates measured on one.

    python benchmarks/simulation.py

Reads the reports of `inference.py` and `video.py`; simulates in seconds. Every worker, two cores as they were measured,
takes the next task (32 photos, or two minutes of film and two seconds before and after), reads it through its machine's
network and the storage that all share, colors it, writes it back the same way. Storage and networks serve one request
after the other at their full rate. Not simulated: machines that fail, and what Ray needs to hand out a task.
"""

from __future__ import annotations

import heapq
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import gray_photo, publish, share, two
from PIL import Image

from colorify import params
from video import RATE, generated

GB = 1e9
STORAGES = {"a file server, 0.1 GB/s": 0.1 * GB, "a fast one, 1 GB/s": GB, "an object store, 10 GB/s": 10 * GB}
NETWORK = 1.25 * GB  # 10 Gbit/s a machine
WORKERS = 4  # a machine of eight cores
START = 15.0  # seconds until a worker has its model, by Ray
MACHINES = (1, 8, 64)


@dataclass(frozen=True)
class Task:
    """What a worker takes at a time."""

    read: float  # bytes
    seconds: float  # of two cores
    written: float  # bytes


class Line:
    """What serves one request after the other: seconds are asked for, and the time of the end is given."""

    def __init__(self) -> None:
        self.free = self.busy = 0.0

    def serve(self, now: float, seconds: float) -> float:
        self.busy += seconds
        self.free = max(now, self.free) + seconds
        return self.free


def run(task: Task, count: int, machines: int, storage: float) -> dict[str, float]:
    """Seconds until all is done, and how busy workers, the storage and the networks were, 0..1."""
    shared, networks = Line(), [Line() for _ in range(machines)]
    # the next thing that happens: when, which worker, whether it has colored a task that is to be written
    events = [(START, worker, False) for worker in range(machines * WORKERS)]
    left, end = count, START
    while events:
        now, worker, colored = heapq.heappop(events)
        network = networks[worker // WORKERS]
        if colored:
            now = _moved(task.written, now, shared, storage, network)
            end = max(end, now)
            heapq.heappush(events, (now, worker, False))
        elif left:
            left -= 1
            heapq.heappush(events, (_moved(task.read, now, shared, storage, network) + task.seconds, worker, True))
    busiest = max(network.busy for network in networks)
    work = count * task.seconds / machines / WORKERS
    return {"seconds": end, "workers": work / end, "storage": shared.busy / end, "network": busiest / end}


def _moved(count: float, now: float, shared: Line, storage: float, network: Line) -> float:
    """When so many bytes are through both."""
    return max(shared.serve(now, count / storage), network.serve(now, count / NETWORK))


def tasks() -> dict[str, tuple[Task, int]]:
    """Of photos and of films, from the measured rates, and how many there are."""
    folder = params.root() / "reports" / "benchmarks"
    found = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("inference", "video")}
    (folders,) = (rows for title, rows in found["inference"].items() if title.startswith("A folder"))
    films = {row[""]: row for row in found["video"]["720 lines, 10 seconds of film"]}
    photo, photos = _jpeg(), folders[0]["pictures a second"]
    film, frames = _film(), films["every fourth"]["frames/s"]
    return {
        "1,000,000 photos of one megapixel": (Task(32 * photo, 32 / photos, 64 * photo), 1_000_000 // 32),
        "1,000 hours of film of 720 lines": (Task(124 * film, 124 * RATE / frames, 120 * film), 1000 * 30),
    }


def _jpeg() -> int:
    """Bytes of a gray photo; one in color takes about twice as many."""
    file = io.BytesIO()
    Image.fromarray(gray_photo(1)).save(file, "JPEG", quality=90)
    return len(file.getvalue())


def _film() -> float:
    """Bytes of a second of film."""
    with tempfile.TemporaryDirectory() as folder:
        return generated(Path(folder, "film.mp4"), 720, 2).stat().st_size / 2


def main() -> None:
    rows = []
    for what, (task, count) in tasks().items():
        for storage, rate in STORAGES.items():
            for machines in MACHINES:
                found = run(task, count, machines, rate)
                busy = {name: found[name] for name in ("workers", "storage", "network")}
                rows.append([what, storage, machines, found["seconds"] / 3600, *busy.values(), max(busy, key=busy.get)])
    columns = {"work": str, "storage": str, "machines of 8 cores": str, "hours": two}
    columns |= {"workers busy": share, "storage busy": share, "network busy": share, "saturates first": str}
    publish("simulation", [("Simulated from the rates of one machine", columns, rows)])


if __name__ == "__main__":
    main()
