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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Literal

from colorify import bulk
from colorify.alone import alone
from colorify.bulk import Job, Options
from colorify.inference import Colorizer
from colorify.models import released
from colorify.video import film, segments
from colorify.video.media import VideoError
from colorify.video.segments import Segment

Engine = Literal["local", "ray"]
Task = Job | Segment

LIST = "colorify.csv"
"""In the output folder: ``source``, ``target`` (from that folder), ``state`` and ``reason``; the last row counts."""

_AT_A_TIME = 32  # pictures of a Ray task, eight rounds of an actor's threads


class ArchiveError(ValueError):
    """Why an archive cannot be coloured at all."""


@dataclass(frozen=True)
class Outcome:
    """What became of a picture; ``before``: it was done by an earlier run."""

    job: Job
    state: Literal["done", "failed", "before"]
    reason: str = ""


def color(
    jobs: Sequence[Job],
    out: Path,
    model: str,
    options: Options,
    engine: Engine = "local",
    device: str = "auto",
    report: Callable[[str], None] = lambda text: None,
) -> Iterator[Outcome]:
    """Colour what the list in the folder ``out`` does not have yet, and write down there what became of it.

    A target that was not there when its picture was planned, and now is, is done, whoever was killed in between. One
    that no list knows is a failure, unless the options say to overwrite. ``report`` is told how far a film is. Raises
    `BusyError` when another run is at work in ``out``.
    """
    with _opened(Path(out)) as (states, note):
        for part in out.rglob(".*.part"):  # what a kill left half-written
            part.unlink()
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
        for job, reason in _colored(left, partial(ENGINES[engine], model, options, device), options, report):
            yield note(Outcome(job, "failed" if reason else "done", reason or ""))


@contextmanager
def _opened(out: Path) -> Iterator[tuple[dict[str, str], Callable]]:
    """The state of each target, and a function that writes a planned job or an outcome down; ours alone."""
    with alone(out), open(out / LIST, "a+", newline="", encoding="utf-8", errors="surrogateescape") as file:
        file.seek(0)
        whole, _, _ = file.read().rpartition("\n")  # behind it is a row that a kill cut off
        file.truncate(len(os.fsencode(whole)) + bool(whole))
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


def _colored(
    jobs: Sequence[Job], engine: Callable, options: Options, report: Callable[[str], None]
) -> Iterator[tuple[Job, str | None]]:
    """The pictures, then the films: each segment is a task, and with the last one the film is put together."""
    pictures = [job for job in jobs if not job.is_film]
    yield from engine(pictures) if pictures else ()
    films: dict[Job, list[Segment]] = {}
    for job in (job for job in jobs if job.is_film):
        try:
            films[job] = segments.plan(job.source, job.target, _look(options))
        except VideoError as error:
            yield job, str(error)
    owner = {segment: job for job, parts in films.items() for segment in parts}
    ended: dict[Job, list[str | None]] = {job: [] for job in films}
    for segment, reason in engine(list(owner)) if owner else ():
        job = owner[segment]
        ended[job].append(reason)
        if len(ended[job]) == len(films[job]):
            yield job, next(filter(None, ended[job]), None) or _finished(films[job], job, _look(options))
        else:
            report(f"{job.source}: {len(ended[job])} of {len(films[job])} segments")


def _finished(parts: Sequence[Segment], job: Job, look: film.Options) -> str | None:
    try:
        segments.finish(parts, job.target, look)
    except VideoError as error:
        return str(error)


def _look(options: Options) -> film.Options:
    same = ("size", "saturation", "blur", "side_by_side", "overwrite")
    return film.Options(**{name: getattr(options, name) for name in same})


def _attempt(
    colorizer: Colorizer, options: Options, task: Task, stopped: Callable[[], bool] = lambda: False
) -> str | None:
    """Colour a picture or a segment, or tell why not."""
    if isinstance(task, Job):
        return bulk.attempt(colorizer, options, task)
    try:
        segments.color(task, colorizer, _look(options), stopped)
    except (ValueError, MemoryError, RuntimeError) as error:  # ours; RuntimeError: torch is out of memory
        return f"{task.source}: {' '.join(str(error).split())[:200] or type(error).__name__}"


def _local(model: str, options: Options, device: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, str | None]]:
    workers = bulk.workers(tasks)
    stop = Event()
    attempt = partial(_attempt, Colorizer.load(model, device, workers), options, stopped=stop.is_set)
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from zip(tasks, bulk.in_order(pool, attempt, tasks, workers), strict=True)
        finally:
            stop.set()  # a segment takes minutes; what it has finished stays


class _Worker:
    """An actor of Ray's: loads the model once, and works on batches of tasks, some side by side.

    Its threads share one copy of the weights, and so the processor's cache: processes of one thread are slower.
    """

    def __init__(self, model: Path, options: Options, device: str, threads: int):
        self.options, self.pool = options, ThreadPoolExecutor(threads)
        self.colorizer = Colorizer.load(model, device, threads)

    def __call__(self, batch: dict[str, Sequence]) -> dict[str, Sequence]:
        """Columns ``number`` and ``task`` -> ``number`` and ``reason``, which is empty for what is done."""
        reasons = self.pool.map(self._attempt, batch["task"])
        return {"number": batch["number"], "reason": [reason or "" for reason in reasons]}

    def _attempt(self, task: Task) -> str | None:
        if isinstance(task, Job) and task.target.exists() and not self.options.overwrite:
            return None  # by an earlier life of this task: targets are written whole, and only new ones come here
        return _attempt(self.colorizer, self.options, task)


def _absolute(task: Task) -> Task:
    """The same, for a process that works in another folder."""
    places = {name: place.absolute() for name, place in vars(task).items() if isinstance(place, Path)}
    return replace(task, **places)


def _by_ray(model: str, options: Options, device: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, str | None]]:
    try:
        import ray
        import ray.data
    except ImportError:
        raise ArchiveError('the engine ray is not installed: pip install "colorify[scale]"') from None
    Colorizer.load(model, "cpu")  # what is wrong with it is said here, not by every actor
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of arguments that we do not lose
    begun_here = not ray.is_initialized()
    ray.init(ignore_reinit_error=True, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    on_gpu = device.startswith("cuda")
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    threads = max(1, min(bulk.TOGETHER, *(int(machine.get("CPU", 1)) for machine in machines)))
    room = sum(machine.get("GPU", 0) if on_gpu else machine.get("CPU", 1) // threads for machine in machines)
    batch = threads if isinstance(tasks[0], Segment) else _AT_A_TIME
    batches = -(-len(tasks) // batch)
    try:
        items = [{"number": number, "task": _absolute(task)} for number, task in enumerate(tasks)]
        rows = ray.data.from_items(items, override_num_blocks=batches)
        colored = rows.map_batches(
            _Worker,
            fn_constructor_args=(released.find(model).absolute(), options, device, threads),
            batch_size=batch,
            compute=ray.data.ActorPoolStrategy(size=max(1, min(batches, int(room)))),
            num_cpus=threads,
            num_gpus=int(on_gpu),
        )
        for row in colored.iter_rows():
            yield tasks[row["number"]], row["reason"] or None
    finally:
        if begun_here:
            ray.shutdown()


ENGINES = {"local": _local, "ray": _by_ray}
