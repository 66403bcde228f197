"""What more processes bring: training by one and two over gloo, an archive by the local engine and by Ray, in one run.

    python benchmarks/scale.py [--steps 60] [--pictures 500]

A processor gives two processes no more cores than one has: two of one thread each stand beside one of one thread, and
beside one of all threads. The start of the processes is not counted: rates are those of `speed.csv`, and, of an
archive, from its first picture on. Ray's workers of one core each are nodes of a cluster on this machine.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from bench import gray_photo, median, mib, one, peak_memory, publish, two
from PIL import Image

from colorify import batch, bulk, inputs
from colorify.data import manifest
from colorify.data.manifest import Entry
from colorify.models.running import cores
from colorify.models.unet import SMALL
from colorify.training.speed import SPEED_FILE
from training import write_photos

NUMBERS = {
    "network": asdict(SMALL),
    "batch": 16,
    "sizes": [[0, 96]],
    "grid_every": 10**9,
}


def trained(home: Path, photos: Path, processes: int, threads: int, steps: int) -> float:
    """Samples a second of the second half of a run."""
    params, out = home / "params.yaml", home / f"out-{processes}-{threads}"
    section = NUMBERS | {"steps": 2 * steps, "valid_every": steps}
    data = {"sources": [str(photos)], "valid_share": 0.1, "side": 112}
    params.write_text(json.dumps({"profile": "scale", "scale": {"regression": section, "data": data}}))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    train = ["-m", "colorify", "train", "regression", "--params", str(params), "--out", str(out), "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    subprocess.run([sys.executable, *launch, *train], check=True, capture_output=True, cwd=home, env=environment)
    *_, last = csv.DictReader((out / SPEED_FILE).read_text().splitlines())
    return float(last["samples_per_second"])


def colored(source: Path, out: Path, engine: bulk.Engine) -> float:
    """Pictures a second, from the first file that is written to the last."""
    jobs, _ = inputs.plan([str(source)], out)
    for outcome in bulk.color(jobs, out, "highres", batch.BatchOptions(), engine):
        assert outcome.state == "done", outcome.reason
    times = [job.target.stat().st_mtime for job in jobs]
    return (len(times) - 1) / (max(times) - min(times))


def by_workers(source: Path, out: Path, workers: int) -> float:
    """Pictures a second by so many workers of Ray's, of one core each."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        for _ in range(workers):
            cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
        ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        return colored(source, out, "ray")
    finally:
        ray.shutdown()
        cluster.shutdown()


def listed(home: Path, count: int = 880_000) -> list[float]:
    """Seconds to write a manifest of made-up rows, its bytes, seconds to read it, and how far memory rises."""
    names = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(count))
    rows = (
        Entry(f"shard-{number // 3000:06d}.tar/{number:09d}.jpg", name, name[:16], 1024, 768, "train", "example.org")
        for number, name in enumerate(names)
    )
    path = home / "manifest.parquet"
    with peak_memory() as peak:
        writing = median(lambda: manifest.write(rows, path), 1, 0)
        reading = median(lambda: manifest.read(path), 1, 0)
        return [count, writing, path.stat().st_size, reading, peak()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--pictures", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "photos").mkdir()
        write_photos(home / "photos", 400)
        rates = {(n, k): trained(home, home / "photos", n, k, given.steps) for n, k in ((1, 1), (1, cores()), (2, 1))}
        (home / "in").mkdir()
        photo = gray_photo(1)
        for number in range(given.pictures):
            Image.fromarray(np.roll(photo, 7 * number, 1)).save(home / "in" / f"{number:04d}.jpg", quality=90)
        engines = {engine: colored(home / "in", home / engine, engine) for engine in bulk.ENGINES}
        for workers in (1, 2, 4):
            name = f"ray, workers of one core: {workers}"
            engines[name] = by_workers(home / "in", home / name, workers)
        manifests = listed(home)
    single, seconds = rates[1, 1], "{:.0f} s".format
    training = [[n, k, rate, rate / single, rate / single / (n * k)] for (n, k), rate in rates.items()]
    archives = [[engine, rate, rate / engines["local"]] for engine, rate in engines.items()]
    columns = {"processes": str, "threads each": str, "samples a second": one, "over one": two, "efficiency": two}
    publish(
        "scale",
        [
            ("Training: the small network, 96 px, 16 pictures a step", columns, training),
            (
                f"An archive of {given.pictures} JPEGs of one megapixel",
                {"engine": str, "pictures a second": one, "over local": two},
                archives,
            ),
            (
                "A manifest",
                {"rows": "{:,}".format, "written": seconds, "size": mib, "read": seconds, "memory": mib},
                [manifests],
            ),
        ],
    )


if __name__ == "__main__":
    main()
