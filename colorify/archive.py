"""Whole archives: a list of what is done and what failed, that a restart goes on from; on one machine, or by Ray.

Ray (Moritz et al. 2018) is an optional extra, and imported only by its engine.
"""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TextIO

from colorify import bulk
from colorify.bulk import Job, Options
from colorify.inference import Colorizer
from colorify.models.onnx import cores

Engine = Literal["local", "ray"]

LIST = "colorify.csv"
"""In the output folder: ``source``, ``target`` (from that folder), ``state`` and ``reason``; the last row counts."""

_AT_A_TIME = 4  # pictures of a Ray task: so many start over when a worker dies


class ArchiveError(ValueError):
    """Why an archive cannot be coloured at all."""


@dataclass(frozen=True)
class Outcome:
    """What became of a picture; ``before``: it was done by an earlier run."""

    job: Job
    state: Literal["done", "failed", "before"]
    reason: str = ""


def color(
    jobs: Sequence[Job], out: Path, model: str, options: Options, engine: Engine = "local", device: str = "auto"
) -> Iterator[Outcome]:
    """Colour what the list in the folder ``out`` does not have yet, and write down there what became of it.

    A target that was not there when its picture was planned, and now is, is done, whoever was killed in between. One
    that no list knows is a failure, unless the options say to overwrite. Raises `ArchiveError` when another run is at
    work in ``out``.
    """
    with _opened(Path(out)) as (states, note):
        left = []
        for job in jobs:
            state, exists = states.get(os.path.relpath(job.target, out)), job.target.exists()
            if exists and not options.overwrite:
                known = state in ("done", "planned")
                reason = "" if known else f"{job.target}: exists already (--overwrite replaces it)"
                yield note(Outcome(job, "before" if known else "failed", reason))
            else:
                left.append(job)
        for job in left:
            if not job.target.exists():
                note(job)
        for job, reason in ENGINES[engine](left, model, options, device) if left else ():
            yield note(Outcome(job, "failed" if reason else "done", reason or ""))


@contextmanager
def _opened(out: Path) -> Iterator[tuple[dict[str, str], Callable]]:
    """The state of each target, and a function that writes a planned job or an outcome down; ours alone."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / LIST, "a+", newline="", encoding="utf-8") as file:
        _lock(file, out)
        file.seek(0)
        whole, _, _ = file.read().rpartition("\n")  # behind it is a row that a kill cut off
        file.truncate(len(whole.encode()) + bool(whole))
        writer = csv.writer(file, lineterminator="\n")
        if not whole:
            writer.writerow(("source", "target", "state", "reason"))

        def note(what: Job | Outcome) -> Job | Outcome:
            job, state, reason = (what, "planned", "") if isinstance(what, Job) else (what.job, what.state, what.reason)
            if state != "before":
                writer.writerow((job.source, os.path.relpath(job.target, out), state, reason))
                file.flush()
            return what

        yield {row["target"]: row["state"] for row in csv.DictReader(io.StringIO(whole, newline=""))}, note


def _lock(file: TextIO, out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ArchiveError(f"{out}: another run is at work there: wait for it, or choose another -o") from None


def _local(jobs: Sequence[Job], model: str, options: Options, device: str) -> Iterator[tuple[Job, str | None]]:
    workers = bulk.workers(jobs)
    colorizer = Colorizer.load(model, device, workers)
    with ThreadPoolExecutor(workers) as pool:
        yield from zip(jobs, bulk.in_order(pool, partial(bulk.attempt, colorizer, options), jobs, workers), strict=True)


class _Worker:
    """An actor of Ray's: loads the model once, and colours batches of pictures."""

    def __init__(self, model: str, options: Options, device: str):
        self.colorizer, self.options = Colorizer.load(model, device, callers=cores()), options

    def __call__(self, batch: dict[str, Sequence]) -> dict[str, Sequence]:
        """Columns as `_row` makes them -> the columns ``number`` and ``reason``."""
        rows = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        return {"number": batch["number"], "reason": [self._attempt(_job(row)) or "" for row in rows]}

    def _attempt(self, job: Job) -> str | None:
        if job.target.exists() and not self.options.overwrite:
            return None  # by an earlier life of this task: targets are written whole, and only new ones come here
        return bulk.attempt(self.colorizer, self.options, job)


def _row(number: int, job: Job) -> dict[str, str | int]:
    """A job as plain columns."""
    shard = str(job.shard or "")
    return {"number": number, "source": str(job.source), "target": str(job.target.absolute())} | {
        "shard": shard,
        "offset": job.offset,
        "size": job.size,
    }


def _job(row: dict) -> Job:
    """Undo `_row`."""
    shard = Path(row["shard"]) if row["shard"] else None
    source = row["source"] if shard or "://" in row["source"] else Path(row["source"])
    return Job(source, Path(row["target"]), shard, int(row["offset"]), int(row["size"]))


def _by_ray(jobs: Sequence[Job], model: str, options: Options, device: str) -> Iterator[tuple[Job, str | None]]:
    try:
        import ray
        import ray.data
    except ImportError:
        raise ArchiveError('the engine ray is not installed: pip install "colorify[scale]"') from None
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of arguments that we do not lose
    begun_here = not ray.is_initialized()
    ray.init(ignore_reinit_error=True, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    on_gpu = device.startswith("cuda")
    tasks = -(-len(jobs) // _AT_A_TIME)
    actors = max(1, min(tasks, int(ray.cluster_resources().get("GPU" if on_gpu else "CPU", 1))))
    try:
        rows = ray.data.from_items(list(map(_row, range(len(jobs)), jobs)), override_num_blocks=tasks)
        colored = rows.map_batches(
            _Worker,
            fn_constructor_args=(model, options, device),
            batch_size=_AT_A_TIME,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=1,
            num_gpus=int(on_gpu),
        )
        for row in colored.iter_rows():
            yield jobs[row["number"]], row["reason"] or None
    finally:
        if begun_here:
            ray.shutdown()


ENGINES = {"local": _local, "ray": _by_ray}
