"""What it saves, and costs, that the network does not run on every frame."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np

from colorify.inference import Colorizer, Mix
from colorify.network_input import small_size
from colorify.video import facts, media
from colorify.video.job import FilmOptions
from colorify.video.paint import Painter


def note(source: Path, colorizer: Colorizer | Mix, options: FilmOptions) -> str | None:
    """A line before the work, or nothing if every frame is seen; one frame is timed for it."""
    if options.every == 1:
        return None
    found = facts.of(source, options.start)
    with media.opened(source) as film:
        length = media.duration(film) or 0.0
    total = round(max(0.0, min(length, options.end or length) - options.start) * found.rate)
    painter = Painter(colorizer, options, found.turns)
    width, height = small_size(found.size, options.knobs.size or colorizer.size)
    return said(total, options.every, _seconds(painter, np.zeros((height, width), np.float32)))


def said(total: int, every: int, look: float) -> str:
    """The line for so many frames, 0 if nobody knows, of which each looked at takes ``look`` seconds."""
    seen = -(-total // every)
    frames = f"about {seen:,} of {total:,} frames" if total else f"one of {every} frames"
    saves = (
        f"up to {(total - seen) * look:,.0f} s" if total else f"up to {(1 - 1 / every) * look * 1000:.0f} ms a frame"
    )
    costs = f"fast things may have a wrong color for up to {every - 1} frames, and colors hold a little less still"
    return f"--every {every}: the network runs on {frames}, sooner where things are new or fast: saves {saves}; {costs}"


def _seconds(painter: Painter, luma: np.ndarray) -> float:
    """How long the network takes for L* ``(h, w)``, once it is warm."""
    painter.predict(luma)
    begun = perf_counter()
    painter.predict(luma)
    return perf_counter() - begun
