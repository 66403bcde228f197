"""The commands that list, show, measure and release models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from colorify.cli.common import Device, Json, emit, plainly, progress, say


def models(
    table: Annotated[bool, typer.Option("--table", help="Print what they reached.")] = False, json: Json = False
) -> None:
    """List the released models, or, with --table, what they reached on held-out photos."""
    from colorify.models import released

    with plainly():
        if table:
            from colorify.releasing import released_results

            print(released_results())
            return
        for name, path in released.models().items():
            told, megabytes = released.described(path), path.stat().st_size / 1e6
            seen = told.training.get("samples", 0)
            if json:
                emit(name=name, method=told.method, network=told.network, samples=seen, bytes=path.stat().st_size)
                continue
            print(f"{name}: {told.method}, {told.network['encoder']}, {seen:,} samples seen, {megabytes:.0f} MB")


def doctor(json: Json = False) -> None:
    """Say what is installed, what the network will run on, and what is missing for which command."""
    from colorify.doctor import findings

    with plainly():
        if json:
            emit(**findings())
            return
        for name, found in findings().items():
            print(f"{name:>10}: {found}")


def evaluate(
    data: Annotated[Path, typer.Option(help="A folder or tar of colour pictures, held out from training.")],
    model: Annotated[list[str] | None, typer.Option(help="MODEL or NAME=MODEL; default: all released ones.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for metrics.json and table.md.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="Network sizes to compare; default: each model's own.")] = None,
    hints: Annotated[list[int] | None, typer.Option(help="Also with so many true colours told, at random.")] = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option(min=0, max=1, help="Also with classifiers read so: 1 the mean of the likely, 0 the likeliest."),
    ] = None,
    without_tta: Annotated[bool, typer.Option("--without-tta", help="Also without test-time augmentation.")] = False,
    once: Annotated[bool, typer.Option("--once", hidden=True, help="Old name of --without-tta.")] = False,
    side: Annotated[int, typer.Option(help="Short side at which pictures are evaluated, px.")] = 256,
    limit: Annotated[int | None, typer.Option(help="Evaluate only the first so many pictures.")] = None,
    groups: Annotated[Path | None, typer.Option(help="CSV with columns name and group: a table of them too.")] = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Measure models beside gray and the mean colour, with 95 % intervals; all metrics go to metrics.json."""
    from colorify import evaluation, metrics, report
    from colorify.inference import Colorizer
    from colorify.models import released

    with plainly():
        named = [text.rpartition("=") for text in model or released.models()]
        loaded = {name or path: Colorizer.load(path, device) for name, _, path in named}
        found = dict(evaluation.photos(data, side, limit))
        if not found:
            raise ValueError(f"{data}: no colour pictures to evaluate on")
        truths, members = list(found.values()), evaluation.read_groups(groups, found) if groups else None
        bar = progress([None] * len(truths), "evaluating")
        if once:
            say("--once is now --without-tta")
        extra = (size or (None,), hints or (), temperature or (), without_tta or once)
        scores = evaluation.evaluate(loaded, truths, *extra, lambda: next(bar, None))
        result = evaluation.summary(scores)
        tables = {"table": evaluation.as_table(result, metrics.HEADLINES)}
        if members:
            tables["groups"] = evaluation.by_group(scores, members)
        if json:
            for name, row in result.items():
                emit(model=name, pictures=len(truths), side=side, metrics=row)
            return
        print(f"{len(truths)} pictures, short side {side} px; mean and 95 % interval")
        for name, table in tables.items():
            print(f"\n{table}" + (f"\n\n{report.write_table(table, out, name)}" if out else ""))
        if out:
            print(report.write_metrics(result, out))


def release(
    model: Annotated[Path, typer.Argument(help="A trained model.")],
    data: Annotated[Path, typer.Option(help="Held-out colour pictures: the network size is chosen on them.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="For example colorify/weights/highres.safetensors.")],
    size: Annotated[list[int] | None, typer.Option(help="Network sizes to try.")] = None,
    note: Annotated[str, typer.Option(help="Data and hardware, for the model card.")] = "",
    logit_adjustment: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a classifier's class rebalancing to undo (Menon 2021).")
    ] = 0,
    calm: Annotated[float | None, typer.Option(hidden=True, help="Old name of --logit-adjustment.")] = None,
    saturation: Annotated[float, typer.Option(min=0, max=10, help="Multiplies the chroma, for good.")] = 1,
    start: Annotated[Path | None, typer.Option(help="The model that the training started from.")] = None,
    start_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of every weight to take from --start (Wortsman 2022).")
    ] = 0,
    start_before: Annotated[
        Path | None,
        typer.Option(help="--start as it was then: what it has learnt since is added to the model (Ilharco 2023)."),
    ] = None,
) -> None:
    """Store a trained model for release, with its best network size, its metrics and its card."""
    from colorify import evaluation, releasing
    from colorify.models import checkpoint

    if calm is not None:
        say("--calm is now --logit-adjustment")
        logit_adjustment = calm

    with plainly():
        truths, sizes = list(dict(evaluation.photos(data)).values()), size or (96, 112, 128, 144, 160)
        if not truths:
            raise ValueError(f"{data}: no colour pictures to choose the network size on")
        if (start_share or start_before) and not start:
            raise ValueError("--start-share and --start-before go with --start, which is not given")
        changes = releasing.Changes(start, start_before, start_share, logit_adjustment, saturation)
        result = releasing.release(model, out, truths, sizes, note, changes)
        out.with_suffix(".md").write_text(releasing.card(checkpoint.load(out), out.stem), encoding="utf-8")
    print(evaluation.as_table(result))
