"""The commands for pictures and archives."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, cast

import typer

from colorify.cli.common import (
    FILM,
    Blended,
    Device,
    Json,
    Model,
    SignCertificate,
    SignKey,
    Values,
    emit,
    knobbed,
    load,
    plainly,
    progress,
    read_credentials,
    read_knobs,
    say,
    with_options,
)

if TYPE_CHECKING:
    from colorify.batch import Ended
    from colorify.bulk import Engine
    from colorify.inputs import Job, Passed

PIPE = "-"
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]
KeepColor = Annotated[
    bool, typer.Option("--keep-color", help="Leave alone what is in color; what is tinted by hand keeps its tint.")
]
Layers = Annotated[
    bool, typer.Option("--layers", help="Color as a layer over the gray: pages of a TIFF, or OpenRaster (.ora).")
]
KeepLuma = Annotated[
    bool, typer.Option("--keep-luma", help="Of a JPEG that becomes one: its luma stays to the bit, L* nearly.")
]
SideBySide = Annotated[bool, typer.Option("--side-by-side", help="Write gray and colour in a row.")]
MaxMegapixels = Annotated[float, typer.Option(min=0, help="Refuse larger pictures.")]


@knobbed()
def image(
    inputs: Annotated[list[str], typer.Argument(help="Files, folders (their tree is kept), or quoted globs.")],
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", help="A file for one picture, else a folder; default: INPUT-colorized beside it."),
    ] = None,
    model: Model = "highres",
    blend: Blended = None,
    hints: Annotated[Path | None, typer.Option(help="A CSV file of x,y,color: places that you chose.")] = None,
    side_by_side: SideBySide = False,
    overwrite: Overwrite = False,
    max_megapixels: MaxMegapixels = 200.0,
    keep_times: Annotated[bool, typer.Option("--keep-times", help="Give results the times of their sources.")] = False,
    keep_color: KeepColor = False,
    keep_luma: KeepLuma = False,
    layers: Layers = False,
    sign_key: SignKey = None,
    sign_certificate: SignCertificate = None,
    json: Json = False,
    device: Device = "auto",
    *,
    knobs: Values,
) -> None:
    """Colour pictures: jpg, png, webp, tiff, bmp, avif; heic, jxl and dng by an extra.

    Luminance, size, depth, alpha, pages, profiles and metadata are kept; what a format cannot hold is named. A - as
    INPUT is the standard input, as -o the standard output.
    """
    from colorify import batch
    from colorify.inputs import summary

    if json and (out == PIPE or (PIPE in inputs and out is None)):
        raise typer.BadParameter("the standard output takes the picture: name another -o for --json")
    with plainly(), _piped(inputs, out) as (inputs, out, home):
        options = batch.BatchOptions(
            read_knobs(knobs, hints),
            side_by_side,
            overwrite,
            max_megapixels,
            keep_times,
            keep_color,
            layers,
            keep_luma,
            credentials=read_credentials(sign_key, sign_certificate),
        )
        out, planned, passed = _planned(inputs, out)
        planned = batch.layered(planned) if layers else planned
        jobs, blocked = batch.ready(planned, options)
        passed += blocked
        failures, broken = _told(passed, json), 0
        _warned(batch.unmarked(jobs, options), json)
        if jobs:
            together = batch.workers(jobs)
            colorizer = load(model, device, together, blend)
            for job, ended in batch.outcomes(colorizer, progress(jobs), options, together):
                broken += ended.failed
                _ended(job, ended._replace(reason=ended.reason.replace(f"{home}/", "") if home else ended.reason), json)
        if json or (home and out.startswith(home)):
            pass  # nothing but the objects, or the picture
        elif len(planned) + len(passed) > 1 + len(blocked):
            print(f"{summary({'done': len(jobs) - broken}, failures + broken, passed)}: {out}")
        elif jobs and not broken:
            print(jobs[0].target)
    raise typer.Exit(1 if failures + broken else 0)


def _warned(lines: list[str], json: bool) -> None:
    """Say what is known before the work."""
    for line in lines:
        if json:
            emit(state="warning", reason=line)
        else:
            say(line)


def _ended(job: Job, ended: Ended, json: bool) -> None:
    """Say what became of a picture."""
    if json:
        state = "failed" if ended.failed else "done"
        emit(source=job.source, target=job.target, state=state, reason=ended.reason)
    elif ended.reason:
        say(ended.reason)


@contextmanager
def _piped(inputs: list[str], out: str | None) -> Iterator[tuple[list[str], str | None, str]]:
    """Inputs and output with files of a folder, which comes third, in place of the standard ones.

    What is in the output's goes on there at the end.
    """
    if PIPE not in inputs and out != PIPE:
        yield inputs, out, ""
        return
    if len(inputs) > 1:
        raise ValueError("the standard input and output are for one picture")
    from colorify.pictures.formats import known

    with TemporaryDirectory(prefix="colorify-") as folder:
        source = Path(inputs[0])
        if inputs == [PIPE]:
            content = sys.stdin.buffer.read()
            if (row := known(content)) is None:
                raise ValueError("the standard input is not a picture in a known format")
            source = Path(folder, f"stdin{row.suffixes[0]}")
            source.write_bytes(content)
        target = Path(folder, f"stdout{source.suffix}")
        yield [str(source)], str(target) if out in (PIPE, None) else out, folder
        if out in (PIPE, None) and target.exists():
            sys.stdout.flush()
            sys.stdout.buffer.write(target.read_bytes())
            sys.stdout.buffer.flush()


def _planned(inputs: list[str], out: str | None, films: bool = False) -> tuple[str, list[Job], list[Passed]]:
    """Where to, what is to be done and what is not; an ``out`` that cannot be is wrong usage."""
    from colorify.inputs import UsageError, beside, plan

    try:
        out = out or beside(inputs)
        return out, *plan(inputs, out, films)
    except UsageError as error:
        raise typer.BadParameter(str(error), param_hint="-o") from None


def _told(passed: list[Passed], json: bool = False) -> int:
    """Say what is passed over; returns how many of it are failures."""
    from colorify import inputs

    if json:
        for one in passed:
            emit(source=one.source, target=None, state="failed" if one.failed else "passed over", reason=one.reason)
    else:
        inputs.say(passed, say)
    return sum(one.failed for one in passed)


@with_options("films", FILM)
@knobbed()
def bulk(
    inputs: Annotated[list[str], typer.Argument(help="Folders, tar shards, files, films, globs, or URLs for fsspec.")],
    out: Annotated[str, typer.Option("-o", "--out", help="A folder; the same one goes on.")],
    engine: Annotated[str, typer.Option(help="local: this machine; ray: a cluster, or this machine.")] = "local",
    model: Model = "highres",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew, and replace results that exist.")] = False,
    max_megapixels: MaxMegapixels = 200.0,
    keep_luma: KeepLuma = False,
    layers: Layers = False,
    side_by_side: SideBySide = False,
    keyframes: Annotated[Path | None, typer.Option(help="A folder with one of frames for a film's name.")] = None,
    hints: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder with the hints of some files: photo.jpg.csv."),
    ] = None,
    sign_key: SignKey = None,
    sign_certificate: SignCertificate = None,
    json: Json = False,
    device: Device = "auto",
    *,
    films: Values,
    knobs: Values,
) -> None:
    """Colour an archive of pictures and films: colorify.csv in the output folder lists what is done and what failed.

    After a stop or a kill the same command goes on, and tries again what failed.
    """
    from colorify.batch import BatchOptions, layered, unheard, unmarked, without
    from colorify.bulk import ENGINES, LIST, color, fitted
    from colorify.inputs import summary

    if engine not in ENGINES:
        raise typer.BadParameter(f"{engine!r} is no engine: choose {' or '.join(ENGINES)}")
    if sign_key and engine != "local":
        raise typer.BadParameter("a key does not leave this machine: --sign-key goes with --engine local")
    with plainly():
        _, jobs, passed = _planned(inputs, out, films=True)
        jobs = [fitted(job, films["codec"]) for job in (layered(jobs) if layers else jobs)]
        options = BatchOptions(
            read_knobs(knobs),
            side_by_side,
            overwrite,
            max_megapixels,
            keep_color=bool(films["keep_color"]),
            layers=layers,
            keep_luma=keep_luma,
            hints=hints and hints.absolute(),
            films=films | {"keyframes": keyframes and keyframes.absolute()},
            credentials=read_credentials(sign_key, sign_certificate),
        )
        counts = Counter(failed=_told(passed, json))
        _warned([*unmarked(jobs, options), *without(jobs, options), *unheard(jobs, options)], json)
        bar = progress([None] * len(jobs))
        for outcome in color([*jobs, *passed], Path(out), model, options, cast("Engine", engine), device, say):
            next(bar, None)
            counts[outcome.state] += 1
            counts["damaged"] += outcome.damaged
            if json:
                emit(source=outcome.job.source, target=outcome.job.target, state=outcome.state, reason=outcome.reason)
            elif outcome.reason:
                say(outcome.reason)
        next(bar, None)
        done = {"done": counts["done"], "done before": counts["before"]}
        if not json:
            print(f"{summary(done, counts['failed'], passed)}: {Path(out) / LIST}")
    raise typer.Exit(1 if counts["failed"] or counts["damaged"] else 0)


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")] = Path("reports/demo"), model: Model = "highres"
) -> None:
    """Colour the free sample pictures and write them side by side."""
    from colorify.demo import demo
    from colorify.inference import Colorizer

    with plainly():
        paths = demo(Colorizer.load(model), out)
    print(f"{len(paths)} pictures in {out}: see {paths[-1]} first")
