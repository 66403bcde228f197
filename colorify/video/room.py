"""Room on the disk: about how much of it a film will take."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from colorify.files import hidden
from colorify.video import media
from colorify.video.facts import Target
from colorify.video.formats import VideoError

if TYPE_CHECKING:
    from colorify.video.job import FilmOptions

_BITS = {
    "high": (0.02, 0.3),
    "small": (0.002, 0.06),
    "lossless": (0.2, 2.0),
}
"""Bits of a pixel at the least, and usually, at 8 bits and 4:2:0, by quality; parts and film lie side by side."""
_FIXED = {("prores", "high"): 3.6, ("prores", "small"): 1.7, ("dnxhr", "high"): 3.6}  # by the codecs' own tables


def needed(source: Path, target: Target, seconds: float) -> tuple[float, float]:
    """Bytes, at the least and usually, of so many seconds and what lies beside them until they are joined."""
    width, height = target.size
    pixels = width * height * seconds * float(target.facts.rate)
    fixed = _FIXED.get((target.codec, target.quality))
    least, usual = (fixed / 3, fixed) if fixed else _BITS[target.quality]
    deep = max(1.0, target.coding.depth / 8) if target.quality == "lossless" else 1.0
    return 2 * pixels * least / 8, 2 * pixels * usual * deep / 8


def notes(source: Path, out: Path, target: Target, options: FilmOptions) -> list[str]:
    """A line if the disk may be too full for a film; `VideoError` if it surely is."""
    with media.opened(source) as film:
        length = media.duration(film) or 0.0
    seconds = max(0.0, min(length, options.end or length) - options.start)
    least, usual = needed(source, target, seconds)
    there = hidden(out, ".parts")
    kept = sum(path.stat().st_size for path in there.glob("*.nut")) if there.exists() else 0
    home = next(folder for folder in out.absolute().parents if folder.exists())
    free = shutil.disk_usage(home).free + kept
    said = f"about {_said(usual)} are needed beside {out}, {_said(free)} are free"
    if free < least:
        raise VideoError(f"{source}: {said}: make room, or color a part with --end")
    return [said] if free < usual else []


def _said(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
