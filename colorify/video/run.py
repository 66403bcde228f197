"""A film on its way: frames wait here until their colors are steady, and corrected."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, takewhile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from colorify.inference import Colorizer, Mix
from colorify.video import fields, formats, keyframes, media
from colorify.video.corrections import Ahead, Corrections
from colorify.video.facts import Target
from colorify.video.formats import VideoError
from colorify.video.job import FilmOptions, FilmProgress, stretch
from colorify.video.keyframes import Keyframes
from colorify.video.memory import Memory
from colorify.video.moving import Masks
from colorify.video.paint import Painter, is_colored
from colorify.video.shots import Cast
from colorify.video.steady import Steady

AHEAD = 8  # frames decoded before they are asked for
_GAP = 1.6  # frames from one to the next that are too many
UNEVEN = 0.05
"""Share of the frames after which some are missing, beyond which their times vary on purpose."""
State = Mapping[str, Any]  # arrays, and what becomes one


@dataclass(frozen=True)
class Waiting:
    """A frame whose colors are to come."""

    frame: VideoFrame
    kept: bool  # it keeps its own colors
    painter: Painter  # that of its shot


class Run:
    """One film: its frames with their colors, in their order, once; from the beginning or from a `state`."""

    def __init__(
        self,
        film: InputContainer,
        target: Target,
        colorizer: Colorizer | Mix,
        options: FilmOptions,
        margin: float = 0.0,
        folder: Path | None = None,
    ):
        """``margin``: seconds before and after that are looked at; ``folder``: for what waits on disk."""
        self.film, self.target, self.options, self.folder = film, target, options, folder
        self.facts = target.facts
        self.fields = 1 if target.top_first is None else 2  # moments of a frame, each with colors of its own
        self.cast = Cast(options.shots, colorizer, options, 1 / float(self.facts.rate))
        self.memory = Memory(colorizer.matcher(), options.memory, self.facts.turns) if options.memory else None
        self.shot, self.painters = -1, dict[int, Painter]()
        self.painter, self.steady = self._painter(-1), self._steady(-1)
        self.masks = Masks(options.knobs.mask, self.facts.rate)
        self.mark = fields.Mark(target.top_first, self.facts.aspect)
        self.keyframes = self._keyframes()
        self.corrections: Corrections | None = None
        self.damage = media.Damage()
        self.wanted = stretch(options, self.facts)
        wider = replace(options, start=max(0.0, options.start - margin), end=options.end and options.end + margin)
        self.seen = stretch(wider, self.facts)
        length, end = media.duration(film) or 0.0, options.end or math.inf
        self.total = max(0, round((min(length, end) - options.start) * self.facts.rate))
        self.waiting: deque[Waiting] = deque()
        self.taken = self.written = self.looked = 0
        self.watched, self.spent = 0, 0.0  # frames that the network saw in this run, and the seconds that it took
        self.in_color = False
        self.last: int | None = None  # time stamp
        self.gaps = self.missing = 0  # places where frames are missing, and how many
        self.size: tuple[int, int, int] | None = None

    def _keyframes(self) -> Keyframes | None:
        length = media.duration(self.film)
        hints = keyframes.checked(self.options.knobs.hints, self.facts, length)
        if self.options.keyframes is None and not hints:
            return None
        found = Keyframes(self.options.keyframes, 1 / float(self.facts.rate), length, hints, self.facts.upright)
        if self.options.start and found.numbers:
            raise VideoError(
                f"{found.numbers[0][1]}: with a start, name keyframes and hints by time, such as 12.480s.png"
            )
        return found

    def _painter(self, number: int) -> Painter:
        """Who paints a shot."""
        if number not in self.painters:
            look, model = self.cast.options_of(number), self.cast.model_of(number)
            self.painters[number] = Painter(model, look, self.facts.turns, self.target.top_first, self.target.coding)
        return self.painters[number]

    def _steady(self, number: int) -> Steady:
        asked = self.cast.options_of(number)
        if self.memory:
            self.memory.references = asked.knobs.references
        rate = float(self.facts.rate) * self.fields
        return Steady(self._predict, asked.steady, asked.every * self.fields, self.memory, rate)

    def _time(self, frame: VideoFrame) -> float:
        """Seconds from where the film begins."""
        return float(frame.pts * self.facts.base - self.facts.origin)

    def _corrections(self, begin: tuple[int | None, int]) -> Corrections:
        """What the keyframes ask for, from the frame of this time stamp and number on."""
        return Corrections(self._again(begin[0]), self.keyframes, self.folder, begin[1])

    def _again(self, start: int | None) -> Ahead:
        """The frames from a time stamp on, read a second time."""
        with media.opened(Path(media.name(self.film))) as film:
            for frame in self._read(film, start, media.Damage()):
                time = self._time(frame)
                number = self.cast.number(time)
                yield frame, time, number, self._painter(number)

    def _first(self) -> tuple[int | None, int]:
        """Where `_again` begins: at the first frame to write, or at the last keyframe before it."""
        start = self.wanted[0]
        if start is None:
            return None, 0
        key = self.keyframes.before(float(start * self.facts.base - self.facts.origin))
        return start if key is None else math.ceil((Fraction(key) + self.facts.origin) / self.facts.base), 0

    def colored(self, state: State | None = None) -> Generator[tuple[Waiting, tuple[np.ndarray, ...]]]:
        """The frames that have not left before ``state``, with the ab ``(h, w, 2)`` of their moments."""
        with ThreadPoolExecutor(1, "decode") as decoding:
            try:
                yield from self._within(self._colored(_ahead(self._restored(state), decoding)))
            finally:
                if self.corrections:
                    self.corrections.close()

    def _frames(self, start: int | None, seek: media.Seek = "trusted") -> Iterator[VideoFrame]:
        """The frames from a time stamp on, deinterlaced if asked for."""
        end = self.seen[1]
        reached = self._read(self.film, start, self.damage, seek)
        return takewhile(lambda frame: end is None or frame.pts < end, reached)

    def _read(
        self, film: InputContainer, start: int | None, damage: media.Damage, seek: media.Seek = "trusted"
    ) -> Iterator[VideoFrame]:
        reached = media.reached(film, start, damage, seek)
        if self.target.deinterlace:
            reached = fields.deinterlaced(reached, self.facts.top_first, self.facts.flagged)
        yield from (frame for frame in reached if start is None or frame.pts >= start)

    def _restored(self, state: State | None) -> Iterator[VideoFrame]:
        """The frames that the filter has not seen; those that it has, but that have not left, wait again.

        They must be the same: a seek may end elsewhere.
        """
        if self.keyframes:
            self.corrections = self._corrections(tuple(state["ahead"].tolist()) if state else self._first())
        if state is None:
            return self._frames(self.seen[0])
        self._enter(self.cast.number(float(int(state["next"]) * self.facts.base - self.facts.origin)))
        self.steady.restore(state)
        if self.memory:
            self.memory.restore(state)
        self.written, self.looked, self.in_color = int(state["written"]), int(state["looked"]), bool(state["colored"])
        self.size, self.damage.places = tuple(state["size"]), set(state["damaged"].tolist())
        self.taken = self.written
        if not self.steady.frames:
            return iter(())
        for seek in ("trusted", "never"):
            decoded = self._frames(int(state["next"]), seek)
            found = list(islice(decoded, len(self.steady.frames) // self.fields))
            known = (moment.luma for moment in self.steady.frames[:: self.fields])
            if all(np.array_equal(self.painter.small(frame), luma) for frame, luma in zip(found, known, strict=False)):
                for frame in found:
                    self._wait(frame)
                self.gaps, self.missing = state["gaps"].tolist()
                return decoded
        raise VideoError(f"{media.name(self.film)}: gives other frames than before")

    def state(self) -> State:
        """All that a run must know to go on after the frames that have left, as arrays; only where it is `whole`."""
        waits = self.waiting[0] if self.waiting else None
        return (
            (self.memory.state() if self.memory else {})
            | self.steady.state()
            | {
                "written": self.written,
                "looked": self.looked,
                "colored": bool(waits and waits.kept),
                "size": self.size,
                "ahead": np.array(self.corrections.place if self.corrections else (), np.int64),
                "next": waits.frame.pts if waits else 0,
                "gaps": (self.gaps, self.missing),
                "damaged": np.array(sorted(self.damage.places), np.int64),
            }
        )

    @property
    def whole(self) -> bool:
        """Whether it may be broken off here: not within the frames that leave together."""
        return len(self.waiting) * self.fields == len(self.steady.frames)

    def _colored(self, decoded: Iterator[VideoFrame]) -> Iterator[tuple[np.ndarray, ...]]:
        """The ab of the frames in `waiting`, one after the other; of each of its fields."""
        moments = self._moments(decoded)
        return zip(*[moments] * self.fields, strict=True)

    def _moments(self, decoded: Iterator[VideoFrame]) -> Iterator[np.ndarray]:
        for frame in decoded:
            self._wait(frame)
            if (number := self.cast.number(self._time(frame))) != self.shot:
                yield from self.steady.flush()
                self._enter(number)
            own = self.painter.own(frame) if self.in_color else None
            for luma in self.painter.moments(frame):
                yield from self.steady.add(luma, own)
        yield from self.steady.flush()

    def _enter(self, number: int) -> None:
        """The next frames are of this shot."""
        if number != self.shot:
            self.shot, self.painter, self.steady = number, self._painter(number), self._steady(number)

    def _within(self, colored: Iterator[tuple[np.ndarray, ...]]) -> Iterator[tuple[Waiting, tuple[np.ndarray, ...]]]:
        """The frames to write, and the ab ``(h, w, 2)`` of their moments; not those of the margin."""
        start, end = self.wanted
        for ab in colored:
            one = self.waiting.popleft()
            if (start is None or one.frame.pts >= start) and (end is None or one.frame.pts < end):
                asked = tuple(one.painter.knobs.applied(moment) for moment in ab)
                self.written += 1
                shown = self.corrections(one.frame, asked) if self.corrections else asked
                if self.memory:
                    self._remember(one, shown[-1])
                yield one, shown

    def _remember(self, one: Waiting, ab: np.ndarray) -> None:
        """A frame that leaves with these colors may be one to remember."""
        key = self.corrections is not None and self.corrections.is_key(one.frame)
        knobs = one.painter.knobs
        if self.memory.due(key) and (key or knobs.saturation):  # gray that is asked for says nothing
            self.memory.add(self.steady.left, knobs.undone(ab), key or one.kept)

    def laid(self, one: Waiting, moments: tuple[np.ndarray, ...], context: VideoCodecContext) -> VideoFrame:
        """A frame of ``context`` with the luma of one that has left, and its colors."""
        paint = one.painter
        mask = self.masks.at(self._time(one.frame))
        laid = paint.keep(one.frame, context) if one.kept else paint.lay(one.frame, moments, context, mask)
        return self.mark(laid, self.fields == 2 and (one.frame.interlaced_frame or not self.facts.flagged))

    def _wait(self, frame: VideoFrame) -> None:
        """Keep a frame until its colours come."""
        time = self._time(frame)
        kind = (frame.width, frame.height, formats.coding_of(frame).depth)
        self.size = self.size or kind
        if kind != self.size:
            texts = ("{} x {}", "{2} bits")[kind[:2] == self.size[:2]]
            raise VideoError(
                f"at {time:.3f} seconds the picture changes its size from {texts.format(*self.size)} to "
                f"{texts.format(*kind)}: color what comes before with --end, what follows with --start"
            )
        self._watch(frame)
        self.in_color = self.options.keep_color and is_colored(frame, self.in_color)
        self.taken += 1
        self.waiting.append(Waiting(frame, self.in_color, self._painter(self.cast.number(time))))

    def _watch(self, frame: VideoFrame) -> None:
        """Count what is damaged, or missing."""
        if frame.is_corrupt:
            self.damage.add_frame(frame)
        steps = 0 if self.last is None else (frame.pts - self.last) * self.facts.base * self.facts.rate
        if steps > _GAP:
            self.gaps, self.missing = self.gaps + 1, self.missing + round(steps) - 1
        self.last = frame.pts

    def _predict(self, luma: np.ndarray) -> np.ndarray:
        begun = perf_counter()
        predicted = self.painter.predict(luma)
        self.spent += perf_counter() - begun
        self.looked, self.watched = self.looked + 1, self.watched + 1
        return predicted

    def progress(self) -> FilmProgress:
        """Where it stands."""
        even = self.gaps <= UNEVEN * self.taken  # else the times of its frames vary on purpose
        saved = (self.taken * self.fields - self.looked) * self.spent / max(1, self.watched)
        missing = self.missing if even else 0
        return FilmProgress(self.written, self.total, self.looked, len(self.damage), missing, saved=max(0.0, saved))


def _ahead(frames: Iterator[VideoFrame], pool: ThreadPoolExecutor) -> Iterator[VideoFrame]:
    """The same frames, decoded in the background."""
    waiting = deque(pool.submit(next, frames, None) for _ in range(AHEAD))
    while (frame := waiting.popleft().result()) is not None:
        waiting.append(pool.submit(next, frames, None))
        yield frame
