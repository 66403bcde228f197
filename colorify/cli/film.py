"""The command for films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorify.cli.common import (
    FILM,
    Device,
    Model,
    Values,
    console,
    knobbed,
    plainly,
    read_knobs,
    say,
    with_options,
)

if TYPE_CHECKING:
    from colorify.inference import Colorizer
    from colorify.video import film


@with_options("films", FILM)
@knobbed(without={"tta"})
def video(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A film.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A .mkv, .mp4 or .mov file.")] = None,
    model: Model = "highres",
    keyframes: Annotated[Path | None, typer.Option(help="Folder of frames coloured by you: 120.png, 4.8s.png.")] = None,
    export_keyframes: Annotated[Path | None, typer.Option(help="Write frames to correct there, and stop.")] = None,
    preview: Annotated[Path | None, typer.Option(help="Write a picture of six moments there, and stop.")] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Gray and colour in a row.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")] = False,
    device: Device = "auto",
    *,
    films: Values,
    knobs: Values,
) -> None:
    """Colour a film: its luma, timing, sound and subtitles stay as they are, its colours hold still.

    Ctrl-C stops; the same command goes on.
    """
    if sum(place is not None for place in (out, export_keyframes, preview)) != 1:
        raise typer.BadParameter("name one of --out, --preview and --export-keyframes")
    with plainly():
        from colorify.inference import Colorizer
        from colorify.video import film, job, stills

        options = film.Options(
            knobs=read_knobs(knobs),
            side_by_side=side_by_side,
            keyframes=keyframes,
            overwrite=overwrite,
            **films,
        )
        if out:
            for note in job.check(source, out, options):
                say(note)
        colorizer = Colorizer.load(model, device)
        if preview:
            stills.preview(source, colorizer, options).save(preview)
            print(preview)
        elif export_keyframes:
            print(*stills.export_keyframes(source, export_keyframes, colorizer, options), sep="\n")
        else:
            done = _film(source, out, colorizer, options)
            saved = f", which saved about {done.saved:,.0f} s" if done.saved >= 1 else ""
            print(f"{out}: {done.frames:,} frames; the network looked at {done.looked:,}{saved}")
            for fault in done.faults():
                say(f"{source}: {fault}")
            if done.damaged or done.lacks:
                raise typer.Exit(1)


def _film(source: Path, out: Path, colorizer: Colorizer, options: film.Options) -> film.Progress:
    """Colour a film, with a bar on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from colorify.video import film

    speed = TextColumn("frames, {task.fields[fps]:.1f} a second, left:")
    columns = (BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("", total=None, fps=0.0)

        def report(now: film.Progress) -> None:
            bar.update(task, completed=now.frames, total=now.total or None, fps=bar.tasks[task].speed or 0.0)

        return film.colorize(source, out, colorizer, options, report)
