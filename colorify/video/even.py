"""Containers without times of their own, as MXF: one frame after the other, at one of a few rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from colorify.video import media
from colorify.video.formats import VideoError

if TYPE_CHECKING:
    from colorify.video.facts import Facts

RATES = tuple(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60)) + tuple(
    Fraction(1000 * rate, 1001) for rate in (24, 30, 48, 60)
)
"""Frames a second of MXF."""
_NEAR = Fraction(1, 2500)  # of a rate that a container rounds: 24 and 23.976 differ by more
_OFF = Fraction(1, 500)  # seconds that a time may be off: Matroska counts in thousandths


def rate(found: Fraction) -> Fraction | None:
    """The one of `RATES` that is meant; nothing: none is."""
    nearest = min(RATES, key=lambda one: abs(one - found))
    return nearest if abs(nearest - found) <= found * _NEAR else None


def check(source: Path, found: Facts, suffix: str, start: float = 0.0, end: float | None = None) -> list[str]:
    """`VideoError` unless all frames from ``start`` to ``end``, in seconds, come at one of `RATES`; what is lost."""
    step = rate(found.rate)
    told = ", ".join(f"{float(one):.5g}" for one in sorted(RATES))
    if step is None:
        raise VideoError(f"{source}: {float(found.rate):.5g} frames a second, and a {suffix} has {told}: name a .mkv")
    times, heard = _times(source)
    inside = (time - found.origin for time in times)
    times = sorted(time for time in inside if time >= start and (end is None or time < end))
    places = [(time - times[0]) * step for time in times]
    if any(abs(place - round(place)) > _OFF * step for place in places) or _has_gaps(places):
        raise VideoError(f"{source}: its frames do not come evenly, and a {suffix} holds no times: name a .mkv")
    over = heard - found.origin - times[-1] - 1 / step if times and end is None else Fraction(0)
    return [f"{float(over):.2f} seconds of sound after the picture are left out"] if over > 1 / step else []


def _has_gaps(places: list[Fraction]) -> bool:
    return bool(places) and round(places[-1]) + 1 != len(places)


def _times(source: Path) -> tuple[list[Fraction], Fraction]:
    """Seconds of the packets of the moving picture, none where the container does not say all; where sound ends."""
    with media.opened(source) as film:
        stream, heard, found = media.moving(film), Fraction(0), list[int | None]()
        for packet in media.packets(film, [stream, *film.streams.audio], media.Damage()):
            if packet.stream is stream and packet.size:
                found.append(packet.pts)
            elif packet.size and packet.pts is not None:
                heard = max(heard, (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base))
        times = [] if None in found else [Fraction(pts) * media.base(stream) for pts in found if pts is not None]
        return times, heard
