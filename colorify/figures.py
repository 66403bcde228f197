"""Pictures of pictures and of numbers: labelled grids, contact sheets, charts; all as Pillow images."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN, _TITLE = 4, 18


def grid(columns: dict[str, Sequence[Image.Image]]) -> Image.Image:
    """One column for each title, one row for each picture."""
    rows = list(zip(*columns.values(), strict=True))
    widths = [max(picture.width for picture in column) for column in columns.values()]
    heights = [max(picture.height for picture in row) for row in rows]
    size = (sum(widths) + _MARGIN * (len(widths) + 1), sum(heights) + _MARGIN * (len(heights) + 1) + _TITLE)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    left = _MARGIN
    for number, (title, width) in enumerate(zip(columns, widths, strict=True)):
        draw.text((left, _MARGIN / 2), title, "black", font)
        top = _TITLE + _MARGIN
        for row, height in zip(rows, heights, strict=True):
            sheet.paste(row[number].convert("RGB"), (left, top))
            top += height + _MARGIN
        left += width + _MARGIN
    return sheet


def side_by_side(*pictures: Image.Image) -> Image.Image:
    """Pictures of one height in a row."""
    row = Image.new(pictures[0].mode, (sum(p.width for p in pictures), pictures[0].height))
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width
    return row


def contact_sheet(pictures: Iterable[Image.Image], columns: int = 8, side: int = 96) -> Image.Image:
    """Squares of ``side`` pixels, ``columns`` in a row."""
    squares = [ImageOps.fit(picture.convert("RGB"), (side, side)) for picture in pictures]
    rows = -(-len(squares) // columns)
    sheet = Image.new("RGB", (min(columns, len(squares)) * side, rows * side), "white")
    for number, square in enumerate(squares):
        sheet.paste(square, (number % columns * side, number // columns * side))
    return sheet


def time_lapse(grids: Sequence[Path], out: Path, seconds: float = 0.4) -> Path:
    """The progressive grids of a training as one animated WebP; the last is held."""
    frames = [Image.open(path, formats=("PNG",)).convert("RGB") for path in grids]
    durations = [int(seconds * 1000)] * (len(frames) - 1) + [3000]
    out.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(out, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=80)
    return out


def history(rows: Sequence[dict], names: Sequence[str]) -> Image.Image:
    """One chart for each name of the validation history, against the step."""
    figure, axes = _canvas(len(names))
    for axis, name in zip(axes, names, strict=True):
        axis.plot([row["step"] for row in rows], [row[name] for row in rows], marker="o")
        axis.set(title=name, xlabel="step")
    return _drawn(figure)


def lines(charts: dict[str, dict[str, Sequence[float]]], xlabel: str) -> Image.Image:
    """One chart for each title: several numbers, by name, over the count of their values."""
    figure, axes = _canvas(len(charts))
    for axis, (title, numbers) in zip(axes, charts.items(), strict=True):
        for name, values in numbers.items():
            axis.plot(values, label=name)
        axis.set(title=title, xlabel=xlabel)
        axis.legend()
    return _drawn(figure)


def over_ab(charts: dict[str, np.ndarray], limit: float) -> Image.Image:
    """Charts of a number for every class ``(levels, levels)``, a upwards and b to the right, from -limit to limit."""
    figure, axes = _canvas(len(charts))
    for axis, (title, values) in zip(axes, charts.items(), strict=True):
        shown = axis.imshow(values, origin="lower", extent=(-limit, limit, -limit, limit))
        axis.set(title=title, xlabel="b*", ylabel="a*")
        figure.colorbar(shown, ax=axis)
    return _drawn(figure)


def intervals(result: dict[str, dict[str, dict[str, float]]], names: Sequence[str]) -> Image.Image:
    """One chart for each metric: the ``value`` of every row that has it, with its interval, ``low`` to ``high``."""
    figure, axes = _canvas(len(names))
    for axis, name in zip(axes, names, strict=True):
        found = {row: values[name] for row, values in result.items() if name in values}
        value, low, high = (np.array([v[key] for v in found.values()]) for key in ("value", "low", "high"))
        axis.errorbar(value, list(found), xerr=(value - low, high - value), fmt="o", capsize=4)
        axis.invert_yaxis()
        axis.set(title=name)
    return _drawn(figure)


def histograms(charts: dict[str, Sequence[float]]) -> Image.Image:
    """One chart for each title: how often which number occurs."""
    figure, axes = _canvas(len(charts))
    for axis, (title, values) in zip(axes, charts.items(), strict=True):
        axis.hist(values, bins=30)
        axis.set(title=title, ylabel="pictures")
    return _drawn(figure)


def bars(charts: dict[str, dict[str, int]]) -> Image.Image:
    """One chart for each title: how many of which kind."""
    figure, axes = _canvas(len(charts), width=7.0)
    for axis, (title, counts) in zip(axes, charts.items(), strict=True):
        axis.bar_label(axis.barh(list(counts), list(counts.values())))
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.set(title=title)
    return _drawn(figure)


def heat(values: np.ndarray, title: str) -> Image.Image:
    """A number for every pixel ``(H, W)``, as brightness with its scale."""
    figure, (axis,) = _canvas(1)
    figure.colorbar(axis.imshow(values, cmap="magma"), ax=axis)
    axis.set(title=title, xticks=[], yticks=[])
    return _drawn(figure)


def reliability(sure: np.ndarray, right: np.ndarray, share: np.ndarray) -> Image.Image:
    """Accuracy against confidence; dots are as large as the share of the predictions that they stand for."""
    figure, (axis,) = _canvas(1)
    axis.plot([0, 1], [0, 1], "--", color="gray")
    axis.scatter(sure[share > 0], right[share > 0], 600 * share[share > 0] + 5)
    axis.set(title="reliability", xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    return _drawn(figure)


def _canvas(count: int, width: float = 4.5) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # here: training and the demo need no charts

    figure = Figure((width * count, 3.6), dpi=80, layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _drawn(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Image.open(buffer, formats=("PNG",))
