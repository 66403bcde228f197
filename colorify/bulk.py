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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import IO, Any, Literal

from colorify import batch, extras
from colorify.batch import BatchOptions, Ended
from colorify.containers import CONTAINERS
from colorify.files import atomic
from colorify.inference import Colorizer
from colorify.inputs import Job, Passed
from colorify.lock import lock
from colorify.models import released
from colorify.video import film, segments
from colorify.video.job import FITTING
from colorify.video.media import VideoError
from colorify.video.segments import Segment

Engine = Literal["local", "ray"]
Task = Job | Segment

LIST = "colorify.csv"
"""In the output folder: ``source``, ``target`` (from that folder), ``state`` and ``reason``, a row for each file.

While a run is at work it appends, and the last row of a target counts; at its end one is left.
"""

_AT_A_TIME = 32  # pictures of a Ray task, eight rounds of an actor's threads


class ArchiveError(ValueError):
    """Why an archive cannot be coloured at all."""


@dataclass(frozen=True)
class Outcome:
    """What became of a picture; ``before``: it was done by an earlier run; one that is done may have a warning."""

    job: Job
    state: Literal["done", "failed", "before"]
    reason: str = ""
    damaged: bool = False  # it is done, and not all of its source could be read


def color(
    things: Sequence[Job | Passed],
    out: Path,
    model: str,
    options: BatchOptions,
    engine: Engine = "local",
    device: str = "auto",
    progress: Callable[[str], None] = lambda text: None,
) -> Iterator[Outcome]:
    """Colour what the list in the folder ``out`` does not have yet, and write down there what became of it.

    What is passed over is written down, too, and gives no outcome. A target that was not there when its picture was
    planned, and now is, is done, whoever was killed in between. One that no list knows is a failure, unless the options
    say to overwrite. ``progress`` is told how far a film is. Raises `BusyError` when another run is at work in ``out``.
    """
    with _opened(Path(out)) as (states, note):
        for part in (*out.rglob(".*.part"), *out.rglob(".*.[0-9]*.[0-9]*.part.*")):  # what a kill left half-written
            if part.is_file():
                part.unlink()
        left, jobs = [], [thing for thing in things if isinstance(thing, Job)]
        for passed in (thing for thing in things if isinstance(thing, Passed)):
            note(passed)
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
        for job, ended in _colored(left, partial(ENGINES[engine], model, options, device), options, progress):
            yield note(Outcome(job, "failed" if ended.failed else "done", ended.reason, ended.damaged))


_COLUMNS = ("source", "target", "state", "reason")
_TEXT: dict[str, Any] = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}


@contextmanager
def _opened(out: Path) -> Iterator[tuple[dict[str, str], Callable]]:
    """The state of each target, and a function that writes down what is planned, came out, or is passed over."""
    with lock(out):
        try:
            with open(out / LIST, "a+", **_TEXT) as file:
                rows = _rows(file)
                writer = csv.writer(file, lineterminator="\n")
                if not file.tell():
                    writer.writerow(_COLUMNS)

                def note(what: Job | Passed | Outcome) -> Job | Passed | Outcome:
                    if row := _row(what, out):
                        writer.writerow(row)
                        file.flush()
                    return what

                yield {row["target"]: row["state"] for row in rows}, note
        finally:
            with suppress(OSError):  # a full disk: the longer list is as good
                _shorten(out / LIST)


def _row(what: Job | Passed | Outcome, out: Path) -> tuple[str | Path, ...]:
    """Of the list; empty for what is in it already."""
    if isinstance(what, Passed):
        return what.source, "", "failed" if what.failed else "passed over", what.reason
    if isinstance(what, Job):
        return what.source, os.path.relpath(what.target, out), "planned", ""
    target = os.path.relpath(what.job.target, out)
    return () if what.state == "before" else (what.job.source, target, what.state, what.reason)


def _rows(file: IO[str]) -> list[dict[str, str]]:
    """What a list holds; what a kill cut off at its end is cut off for good."""
    file.seek(0)
    whole, _, _ = file.read().rpartition("\n")
    file.truncate(len(os.fsencode(whole)) + bool(whole))
    return [row for row in csv.DictReader(io.StringIO(whole, newline="")) if None not in row.values()]


def _shorten(path: Path) -> None:
    """Leave a row for each target, the last one, and for each file that has none."""
    with open(path, "a+", **_TEXT) as file:
        rows = _rows(file)
    last = {row["target"] or (row["source"],): row for row in rows}
    planned = {row["source"] for row in last.values() if row["target"]}
    kept = [row for row in last.values() if row["target"] or row["source"] not in planned]
    if len(kept) < len(rows):
        with atomic(path) as part, open(part, "w", **_TEXT) as file:
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)


def _colored(
    jobs: Sequence[Job], engine: Callable, options: BatchOptions, progress: Callable[[str], None]
) -> Iterator[tuple[Job, Ended]]:
    """Films that cannot be, the pictures, then the films: with the last of its segments each is put together."""
    films: dict[Job, list[Segment]] = {}
    for job in (job for job in jobs if job.is_film):
        try:
            films[job] = segments.plan(Path(job.source), job.target, _look(options, job.source))
        except (VideoError, OSError) as error:
            yield job, Ended(True, str(error))
    pictures = [job for job in jobs if not job.is_film]
    yield from engine(pictures) if pictures else ()
    owner = {segment: job for job, cut in films.items() for segment in cut}
    parts: dict[Job, list[Ended]] = {job: [] for job in films}
    for segment, ended in engine(list(owner)) if owner else ():
        job = owner[segment]
        parts[job].append(ended)
        if len(parts[job]) == len(films[job]):
            broken = next((part for part in parts[job] if part.failed), None)
            yield job, broken or _finished(films[job], job, _look(options, job.source))
        else:
            progress(f"{job.source}: {len(parts[job])} of {len(films[job])} segments")


def _finished(parts: Sequence[Segment], job: Job, look: film.FilmOptions) -> Ended:
    try:
        told, damaged = segments.finish(parts, job.target, look)
    except VideoError as error:
        return Ended(True, str(error))
    return Ended(False, f"{job.source}: colored; {'; '.join(told)}" if told else "", damaged)


def _look(options: BatchOptions, source: Path | str) -> film.FilmOptions:
    """How a film is coloured; its keyframes lie in a folder of its name, its hints in a file."""
    films = dict(options.films)
    if (home := films.get("keyframes")) is not None:
        films["keyframes"] = folder if (folder := Path(str(home)) / Path(source).name).is_dir() else None
    try:
        knobs = options.hinted(source)
    except ValueError as error:
        raise VideoError(f"{source}: {error}") from None
    return film.FilmOptions(
        knobs, options.side_by_side, overwrite=options.overwrite, credentials=options.credentials, **films
    )


def fitted(job: Job, codec: str | None) -> Job:
    """The same; a film whose container does not hold the codec goes into one that does, with one suffix more."""
    fitting = FITTING.get(codec, CONTAINERS) if codec else CONTAINERS
    if not job.is_film or job.target.suffix.lower() in fitting:
        return job
    return replace(job, target=job.target.with_name(job.target.name + fitting[0]))


def _attempt(
    colorizer: Colorizer, options: BatchOptions, task: Task, stopped: Callable[[], bool] = lambda: False
) -> Ended:
    """Colour a picture or a segment, or tell why not."""
    if isinstance(task, Job):
        return batch.attempt(colorizer, options, task)
    try:
        segments.color(task, colorizer, _look(options, task.source), stopped)
    except (ValueError, MemoryError, RuntimeError) as error:  # ours; RuntimeError: torch is out of memory
        return Ended(True, f"{task.source}: {' '.join(str(error).split())[:200] or type(error).__name__}")
    return Ended()


def _local(model: str, options: BatchOptions, device: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Ended]]:
    workers = batch.workers(tasks)
    stop = Event()
    attempt = partial(_attempt, Colorizer.load(model, device, workers), options, stopped=stop.is_set)
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from zip(tasks, batch.in_order(pool, attempt, tasks, workers), strict=True)
        finally:
            stop.set()  # a segment takes minutes; what it has finished stays


class _Worker:
    """An actor of Ray's: loads the model once, and works on batches of tasks, some side by side.

    Its threads share one copy of the weights, and so the processor's cache: processes of one thread are slower.
    """

    def __init__(self, model: Path, options: BatchOptions, device: str, threads: int):
        self.options, self.pool = options, ThreadPoolExecutor(threads)
        self.colorizer = Colorizer.load(model, device, threads)

    def __call__(self, batch: dict[str, Sequence]) -> dict[str, Sequence]:
        """Columns ``number`` and ``task`` -> ``number``, and the fields of `batch.Ended`."""
        ended = list(self.pool.map(self._attempt, batch["task"]))
        return {"number": batch["number"]} | {name: [getattr(one, name) for one in ended] for name in Ended._fields}

    def _attempt(self, task: Task) -> Ended:
        if isinstance(task, Job) and task.target.exists() and not self.options.overwrite:
            return Ended()  # by an earlier life of this task: targets are written whole, and only new ones come here
        return _attempt(self.colorizer, self.options, task)


def _absolute(task: Task) -> Task:
    """The same, for a process that works in another folder."""
    places: dict[str, Any] = {name: place.absolute() for name, place in vars(task).items() if isinstance(place, Path)}
    return replace(task, **places)


def _by_ray(model: str, options: BatchOptions, device: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Ended]]:
    try:
        import ray
        import ray.data
    except ImportError:
        raise ArchiveError(f"the engine ray is not installed: {extras.cure('scale')}") from None
    Colorizer.load(model, "cpu")  # what is wrong with it is said here, not by every actor
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of arguments that we do not lose
    begun_here = not ray.is_initialized()
    ray.init(ignore_reinit_error=True, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    on_gpu = device.startswith("cuda")
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    threads = max(1, min(batch.TOGETHER, *(int(machine.get("CPU", 1)) for machine in machines)))
    room = sum(machine.get("GPU", 0) if on_gpu else machine.get("CPU", 1) // threads for machine in machines)
    at_once = threads if isinstance(tasks[0], Segment) else _AT_A_TIME
    batches = -(-len(tasks) // at_once)
    try:
        items = [{"number": number, "task": _absolute(task)} for number, task in enumerate(tasks)]
        rows = ray.data.from_items(items, override_num_blocks=batches)
        colored = rows.map_batches(
            _Worker,
            fn_constructor_args=(released.find(model).absolute(), options, device, threads),
            batch_size=at_once,
            compute=ray.data.ActorPoolStrategy(size=max(1, min(batches, int(room)))),
            num_cpus=threads,
            num_gpus=int(on_gpu),
        )
        for row in colored.iter_rows():
            yield tasks[row["number"]], Ended(bool(row["failed"]), row["reason"], bool(row["damaged"]))
    finally:
        if begun_here:
            ray.shutdown()


ENGINES = {"local": _local, "ray": _by_ray}
