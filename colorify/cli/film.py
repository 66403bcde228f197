"""The command for films."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

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
    console,
    emit,
    knobbed,
    load,
    plainly,
    read_credentials,
    read_knobs,
    say,
    with_options,
)

if TYPE_CHECKING:
    from colorify.inference import Colorizer, Mix
    from colorify.video import film

PIPE = "-"


@with_options("films", FILM)
@knobbed(without={"tta"})
def video(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A film, pictures f%06d.png or their folder, or -.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A .mkv, .mp4, .mov, .webm, .mxf or .gif; f%06d.png; - is y4m.")
    ] = None,
    model: Model = "highres",
    blend: Blended = None,
    keyframes: Annotated[Path | None, typer.Option(help="Folder of frames coloured by you: 120.png, 4.8s.png.")] = None,
    hints: Annotated[
        Path | None, typer.Option(help="CSV of frame,x,y,color, or time: each holds for its shot.")
    ] = None,
    shots: Annotated[Path | None, typer.Option(help="CSV of the shots and their settings; written if missing.")] = None,
    rate: Annotated[str, typer.Option(help="Frames a second of pictures that come in: 24, 30000/1001.")] = "25",
    export_keyframes: Annotated[Path | None, typer.Option(help="Write frames to correct there, and stop.")] = None,
    preview: Annotated[Path | None, typer.Option(help="Write a picture of six moments there, and stop.")] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Gray and colour in a row.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")] = False,
    sign_key: SignKey = None,
    sign_certificate: SignCertificate = None,
    json: Json = False,
    device: Device = "auto",
    *,
    films: Values,
    knobs: Values,
) -> None:
    """Colour a film: its luma, timing, sound and subtitles stay as they are, its colours hold still.

    Ctrl-C stops; the same command goes on.
    """
    if sum(place is not None for place in (out, export_keyframes, preview)) != 1 and (out or not shots):
        raise typer.BadParameter("name one of --out, --preview and --export-keyframes, or --shots alone")
    if json and str(out) == PIPE:
        raise typer.BadParameter("the standard output takes the film: name another -o for --json")
    if sign_key and (out is None or str(out) == PIPE or "%" in out.name):
        raise typer.BadParameter("--sign-key signs a film: name a .mp4, .mov or .gif as --out")
    facts = {"source": source, "target": out or preview or export_keyframes or shots} if json else None
    with plainly(facts), _as_film(source, out, rate) as source:
        from colorify.video import film, job, pace, sequence, stills
        from colorify.video import shots as tables

        options = film.FilmOptions(
            knobs=read_knobs(knobs, hints),
            side_by_side=side_by_side,
            keyframes=keyframes,
            shots=shots,
            overwrite=overwrite,
            credentials=read_credentials(sign_key, sign_certificate),
            **films,
        )
        if shots and not (out or export_keyframes or preview):
            tables.ensure(source, options)
            count = len(tables.read(shots))
            _done(facts, f"{shots}: {count:,} shots", shots=count)
            return
        if out and (out == sequence.PIPE or sequence.is_numbered(out)):
            _frame_by_frame(source, out, load(model, device, job.THREADS, blend), options, facts)
            return
        if out:
            for note in job.check(source, out, options):
                say(note)
        colorizer = load(model, device, job.THREADS, blend)
        if preview:
            stills.preview(source, colorizer, options).save(preview)
            _done(facts, str(preview))
        elif export_keyframes:
            paths = stills.export_keyframes(source, export_keyframes, colorizer, options)
            _done(facts, "\n".join(map(str, paths)), keyframes=paths)
        elif out:
            if paced := pace.note(source, colorizer, options):
                say(f"{source}: {paced}")
            _told(source, out, _film(source, out, colorizer, options), facts)


def _done(facts: Values | None, text: str, reason: str = "", **more: object) -> None:
    """Say what was made, as a sentence, or with facts as JSON."""
    if facts is None:
        print(text)
    else:
        emit(**facts, state="done", reason=reason, **more)


def _told(source: Path, out: Path, done: film.FilmProgress, facts: Values | None) -> None:
    """Say what became of a film; status 1 for one that is damaged."""
    faults = done.faults()
    saved = f", which saved about {done.saved:,.0f} s" if done.saved >= 1 else ""
    text = f"{out}: {done.frames:,} frames; the network looked at {done.looked:,}{saved}"
    _done(facts, text, "; ".join(faults), frames=done.frames, looked=done.looked)
    for fault in faults if facts is None else ():
        say(f"{source}: {fault}")
    if done.damaged or done.lacks:
        raise typer.Exit(1)


@contextmanager
def _as_film(source: Path, out: Path | None, rate: str) -> Iterator[Path]:
    """A film of its own that stands for numbered pictures, or for what comes through a pipe; else the source itself."""
    from colorify.files import hidden
    from colorify.video import sequence

    if source != sequence.PIPE and not sequence.is_numbered(source) and not source.is_dir():
        yield source
        return
    beside = out if out and out != sequence.PIPE and not sequence.is_numbered(out) else None
    with TemporaryDirectory() as folder:
        piped = source == sequence.PIPE
        held = Path(folder, "in.y4m" if piped else "in.mov") if beside is None else hidden(beside, ".in.mov")
        if piped:
            sequence.receive(sys.stdin.buffer, held)
        elif not sequence.is_gathered(source, held):  # a stop has left it, and the same command goes on
            sequence.gather(source, held, _fraction(rate))
        yield held
        held.unlink()


def _fraction(rate: str) -> Fraction:
    try:
        found = Fraction(rate)
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if not 0 < found <= 1000:
        raise ValueError(f"--rate {rate}: expected frames a second, such as 24 or 30000/1001")
    return found


def _frame_by_frame(
    source: Path, out: Path, colorizer: Colorizer | Mix, options: film.FilmOptions, said: Values | None
) -> None:
    """Color a film into pictures, or into a pipe; sound is left out."""
    from colorify.pictures import provenance
    from colorify.video import facts, library, marks, sequence

    chroma = options.chroma or (None if out == sequence.PIPE else "444")  # pictures have it whole
    asked = replace(options, codec="ffv1", quality="lossless", chroma=chroma)
    frames, knobs = library.frames(source, colorizer, asked), options.knobs
    mark = marks.marker(out.suffix, colorizer.signature, knobs.told()) if knobs.provenance else None
    if out == sequence.PIPE:
        if knobs.provenance:
            say(provenance.unsaid("y4m"))
        sequence.send(frames, sys.stdout.buffer, facts.of(source).rate)
    else:
        count = sum(1 for _ in sequence.write(frames, out, options.overwrite, mark))
        _done(said, f"{out}: {count:,} frames", frames=count)


def _film(source: Path, out: Path, colorizer: Colorizer | Mix, options: film.FilmOptions) -> film.FilmProgress:
    """Colour a film, with a bar on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from colorify.video import film

    speed = TextColumn("frames, {task.fields[fps]:.1f} a second, left:")
    columns = (BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("", total=None, fps=0.0)

        def report(now: film.FilmProgress) -> None:
            bar.update(task, completed=now.frames, total=now.total or None, fps=bar.tasks[task].speed or 0.0)

        return film.colorize(source, out, colorizer, options, report)
