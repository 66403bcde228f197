"""Pictures of pictures and of numbers: labelled grids, contact sheets, charts; all as Pillow images."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN, _TITLE = 4, 18
_BASELINES = ("gray", "mean")
STYLE: Any = {
    "figure.dpi": 110,
    "font.size": 12,  # 18 px: still read when the chart is shown at half its width
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "axes.axisbelow": True,
    "lines.linewidth": 2,
    "legend.frameon": False,
}
"""Of every chart, in matplotlib's names."""
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555")
"""Told apart by the colour-blind too (Okabe, Ito 2008)."""
_ARROW = {"arrowstyle": "-", "color": COLORS[-1]}
AXES = {
    "valid_loss": "loss of the held-out photos",
    "below_gray": "ab error below gray, %",
    "below_mean": "ab error below mean, %",
    "de2000": "mean CIEDE2000",
    "auc_rebalanced": "near the true colour, %",
    "colorfulness": "colourfulness",
    "bleeding": "bleeding, over truth's",
    "score": "score",
}
"""Name of a number -> what its axis says, with the unit."""


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


def stacked(*charts: Image.Image) -> Image.Image:
    """Charts one below the other."""
    sheet = Image.new("RGB", (max(chart.width for chart in charts), sum(chart.height for chart in charts)), "white")
    top = 0
    for chart in charts:
        sheet.paste(chart.convert("RGB"), (0, top))
        top += chart.height
    return _few_colors(sheet)


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
        axis.set(title=AXES.get(name, name), xlabel="step")
    return _drawn(figure)


def lines(charts: dict[str, dict[str, Sequence[float]]], xlabel: str, end: float | None = None) -> Image.Image:
    """One chart for each title: several numbers, by name, over the count of their values, or evenly up to ``end``."""
    figure, axes = _canvas(len(charts), width=6.0)
    for axis, (title, numbers) in zip(axes, charts.items(), strict=True):
        for number, (name, values) in enumerate(numbers.items()):
            places = np.arange(len(values)) if end is None else (np.arange(len(values)) + 0.5) * end / len(values)
            axis.plot(places, values, color=COLORS[number % len(COLORS)])
            height = 0.97 - number * min(0.12, 0.9 / len(numbers))
            axis.text(1.02, height, name, transform=axis.transAxes, va="top", color=COLORS[number % len(COLORS)])
        axis.set(title=title, xlabel=xlabel)
    return _drawn(figure)


def over_ab(charts: dict[str, np.ndarray], limit: float) -> Image.Image:
    """Charts of a number for every class ``(levels, levels)``, a upwards and b to the right, from -limit to limit."""
    figure, axes = _canvas(len(charts))
    for axis, (title, values) in zip(axes, charts.items(), strict=True):
        shown = axis.imshow(values, origin="lower", extent=(-limit, limit, -limit, limit))
        axis.set(title=title, xlabel="b*, ab units", ylabel="a*, ab units")
        axis.grid(False)
        figure.colorbar(shown, ax=axis)
    return _drawn(figure)


def intervals(charts: dict[str, dict[str, dict[str, float]]], xlabel: str = "") -> Image.Image:
    """One chart for each title: the ``value`` of every row, with its interval, ``low`` to ``high``."""
    figure, axes = _canvas(len(charts))
    first = list(next(iter(charts.values())))
    for axis, (title, rows) in zip(axes, charts.items(), strict=True):
        colors = _colors(rows)
        for row, found in rows.items():
            value, low, high = (found[key] for key in ("value", "low", "high"))
            axis.errorbar([value], [row], xerr=[[value - low], [high - value]], fmt="o", color=colors[row])
        axis.invert_yaxis()
        axis.margins(y=0.15)
        axis.set(title=AXES.get(title, title), xlabel=xlabel)
        leftmost = getattr(axis.get_subplotspec(), "is_first_col", bool)()
        axis.tick_params("y", length=0, labelleft=leftmost or list(rows) != first)
    return _drawn(figure)


def of_metrics(result: dict[str, dict[str, dict[str, float]]], names: Sequence[str]) -> dict[str, dict]:
    """What `intervals` draws of a summary: for each metric the rows that have it."""
    return {name: {row: values[name] for row, values in result.items() if name in values} for name in names}


def _colors(rows: Iterable[str]) -> dict[str, str]:
    """Baselines are gray; the others keep their colours from chart to chart."""
    others = [row for row in rows if row not in _BASELINES]
    return dict.fromkeys(_BASELINES, COLORS[-1]) | dict(zip(others, cycle(COLORS[1:-1]), strict=False))


def histograms(charts: dict[str, Sequence[float]]) -> Image.Image:
    """One chart for each title, which names the number and its unit: how often which number occurs."""
    figure, axes = _canvas(len(charts))
    for axis, (title, values) in zip(axes, charts.items(), strict=True):
        axis.hist(values, bins=30)
        axis.set(xlabel=title, ylabel="pictures")
    return _drawn(figure)


def bars(charts: dict[str, dict[str, int]]) -> Image.Image:
    """One chart for each title: how many of which kind."""
    figure, axes = _canvas(len(charts), width=6.0)
    for axis, (title, counts) in zip(axes, charts.items(), strict=True):
        axis.bar_label(axis.barh(list(counts), list(counts.values())))
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.set(title=title, xlabel="pictures")
        axis.grid(False)
    return _drawn(figure)


def heat(values: np.ndarray, title: str) -> Image.Image:
    """A number for every pixel ``(H, W)``, as brightness with its scale."""
    figure, (axis,) = _canvas(1)
    figure.colorbar(axis.imshow(values, cmap="magma"), ax=axis, label=title)
    axis.set(xticks=[], yticks=[])
    return _drawn(figure)


def reliability(sure: np.ndarray, right: np.ndarray, share: np.ndarray) -> Image.Image:
    """Accuracy against confidence; dots are as large as the share of the predictions that they stand for."""
    figure, (axis,) = _canvas(1)
    end = min(1.0, 1.15 * max(float(sure.max()), float(right.max())))
    axis.plot([0, end], [0, end], "--", color=COLORS[-1])
    axis.annotate(
        "as often right as sure", (0.55 * end, 0.55 * end), (0.42 * end, 0.1 * end), arrowprops=_ARROW, color=COLORS[-1]
    )
    axis.scatter(sure[share > 0], right[share > 0], 600 * share[share > 0] + 5)
    axis.set(xlabel="confidence, share", ylabel="accuracy, share", xlim=(0, end), ylim=(0, end))
    return _drawn(figure)


def _canvas(count: int, width: float = 4.2) -> tuple[Figure, Iterable[Axes]]:
    import matplotlib  # here: training and the demo need no charts
    from cycler import cycler
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**STYLE, "axes.prop_cycle": cycler(color=COLORS)}):
        columns = 2 if count == 4 else count  # four in a row are too wide for a page
        figure = Figure((width * columns, 3.4 * (count // columns)), layout="constrained")
        return figure, figure.subplots(count // columns, columns, squeeze=False).flat


def _drawn(figure: Figure) -> Image.Image:
    """The chart, in as few colours as it needs: a quarter of the bytes."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return _few_colors(Image.open(buffer, formats=("PNG",)).convert("RGB"))


def _few_colors(chart: Image.Image) -> Image.Image:
    return chart.quantize(48, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
