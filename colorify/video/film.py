"""A gray film in, a coloured film out: the luma plane as it was, sound and subtitles copied packet by packet."""

from __future__ import annotations

import errno
import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from itertools import chain, islice, takewhile
from pathlib import Path
from time import perf_counter

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colorify.files import hidden
from colorify.inference import Colorizer
from colorify.lock import lock
from colorify.video import fields, formats, keyframes, media
from colorify.video.facts import Target
from colorify.video.formats import VideoError
from colorify.video.job import Options, Progress, Report, named, plan, stretch, target_of
from colorify.video.join import join
from colorify.video.keyframes import Keyframes
from colorify.video.paint import Painter, is_colored
from colorify.video.parts import Parts
from colorify.video.steady import BLOCK, Steady

PART = 40 * BLOCK  # frames: what a kill may lose
_AHEAD = 8  # frames decoded before they are asked for, and encoded after the network is through with them
_GAP = 1.6  # frames from one to the next that are too many
UNEVEN = 0.05
"""Share of the frames after which some are missing, beyond which their times vary on purpose."""


def colorize(
    source: Path, out: Path, colorizer: Colorizer, options: Options | None = None, report: Report = lambda now: None
) -> Progress:
    """Colour the film ``source`` into ``out``, whose suffix names the container; written beside, then renamed.

    Finished parts wait in a hidden folder beside ``out``: after a stop or a kill the same call goes on, and ends with
    the same film. Raises `VideoError` when there is no film to read or it cannot be written, `BusyError` when another
    run is at it.
    """
    source, out, options = Path(source), Path(out), options or Options()
    planned = plan(source, out, options)
    with named(source, out), lock(folder := hidden(out, ".parts")):
        done, parts = color_parts(source, folder, colorizer, options, report)
        if not done.frames:
            parts.remove()
            raise VideoError(f"{source}: no frame in it could be decoded")
        lost = media.Damage()
        lasts = join(source, parts.paths(), out, planned.content, (options.start, options.end), lost)
        parts.remove()
        return replace(done, damaged=done.damaged + len(lost), lacks=lacking(source, options, lasts))


def lacking(source: Path, options: Options, lasts: float) -> float:
    """Seconds that a film says to have, and has not, if they are too many for a rounding."""
    if options.end is not None:
        return 0.0
    with media.opened(source) as film:
        lacks = (media.whole_duration(film) or 0.0) - options.start - lasts
    return lacks if lacks > 1 else 0.0


def color_parts(
    source: Path,
    folder: Path,
    colorizer: Colorizer,
    options: Options,
    report: Report = lambda now: None,
    margin: float = 0.0,
) -> tuple[Progress, Parts]:
    """The coloured moving picture from ``start`` to ``end`` as parts in a folder; what is there already stays.

    The seconds of ``margin`` before and after are looked at, so that colours go on from there, and not written.
    """
    target = target_of(source, replace(options, start=0.0) if margin else options)  # the same for all segments
    with media.opened(source) as film:
        run = _Run(film, target, colorizer, options, report, margin)
        stat = source.stat()
        knobs = replace(options.knobs, references=())
        job = asdict(replace(options, knobs=knobs, overwrite=False, strict=False, keyframes=None)) | {
            "references": [reference.told for reference in options.knobs.references],
            "bytes": stat.st_size,
            "time": stat.st_mtime_ns,
            "model": colorizer.digest,
            "keyframes": run.keyframes.digest if run.keyframes else None,
        }
        parts = Parts(folder, job)
        return run.color(parts), parts


class _Run:
    """One film on its way: frames wait here until their colours are steady."""

    def __init__(
        self,
        film: InputContainer,
        target: Target,
        colorizer: Colorizer,
        options: Options,
        report: Report,
        margin: float = 0.0,
    ):
        self.film, self.target, self.options, self.report = film, target, options, report
        self.facts = target.facts
        self.fields = 1 if target.top_first is None else 2  # moments of a frame, each with colors of its own
        self.painter = Painter(colorizer, options, self.facts.turns, target.top_first, target.coding)
        self.steady = Steady(self._predict, options.steady, options.every * self.fields)
        self.mark = fields.Mark(target.top_first, self.facts.aspect)
        self.keyframes = self._keyframes()
        self.damage = media.Damage()
        self.wanted = stretch(options, self.facts)
        wider = replace(options, start=max(0.0, options.start - margin), end=options.end and options.end + margin)
        self.seen = stretch(wider, self.facts)
        length, end = media.duration(film) or 0.0, options.end or math.inf
        self.total = max(0, round((min(length, end) - options.start) * self.facts.rate))
        self.waiting: deque[tuple[VideoFrame, bool]] = deque()  # and whether it keeps its own colours
        self.taken = self.written = self.looked = 0
        self.watched, self.spent = 0, 0.0  # frames that the network saw in this run, and the seconds that it took
        self.colored = False
        self.last: int | None = None  # time stamp
        self.gaps = self.missing = 0  # places where frames are missing, and how many
        self.size: tuple[int, int, int] | None = None

    def _keyframes(self) -> Keyframes | None:
        if self.options.keyframes is None:
            return None
        found = Keyframes(self.options.keyframes, 1 / float(self.facts.rate), media.duration(self.film))
        if self.options.start and found.numbers:
            raise VideoError(f"{found.numbers[0][1]}: with a start, name keyframes by time, such as 12.480s.png")
        return found

    def color(self, parts: Parts) -> Progress:
        """Decode, colour and encode what is not in the parts yet."""
        with ThreadPoolExecutor(1, "decode") as decoding, ThreadPoolExecutor(1, "encode") as encoding:
            colored = self._within(self._colored(_ahead(self._restored(parts), decoding)))
            for first in colored:
                self._encode(parts, chain((first,), colored), encoding)
        return self._progress()

    def _frames(self, start: int | None, seek: media.Seek = "trusted") -> Iterator[VideoFrame]:
        """The frames from a time stamp on, deinterlaced if asked for."""
        reached = media.reached(self.film, start, self.damage, seek)
        if self.target.deinterlace:
            reached = fields.deinterlaced(reached, self.facts.top_first, self.facts.flagged)
        end = self.seen[1]
        for frame in takewhile(lambda frame: end is None or frame.pts < end, reached):
            if start is None or frame.pts >= start:
                yield frame

    def _restored(self, parts: Parts) -> Iterator[VideoFrame]:
        """The frames that the filter has not seen; those that it has, but that no part holds, wait again.

        They must be the same: a seek may end elsewhere.
        """
        if (state := parts.state) is None:
            return self._frames(self.seen[0])
        self.steady.restore(state)
        self.written, self.looked, self.colored = int(state["written"]), int(state["looked"]), bool(state["colored"])
        self.size, self.damage.places = tuple(state["size"]), set(state["damaged"].tolist())
        self.taken = self.written
        if not self.steady.frames:
            return iter(())
        for seek in ("trusted", "never"):
            decoded = self._frames(int(parts.state["next"]), seek)
            found = list(islice(decoded, len(self.steady.frames) // self.fields))
            known = (moment.luma for moment in self.steady.frames[:: self.fields])
            if all(np.array_equal(self.painter.small(frame), luma) for frame, luma in zip(found, known, strict=False)):
                for frame in found:
                    self._wait(frame)
                self.gaps, self.missing = state["gaps"].tolist()
                return decoded
        raise VideoError(
            f"{media.name(self.film)}: gives other frames than before: remove {parts.folder} to begin anew"
        )

    def _colored(self, decoded: Iterator[VideoFrame]) -> Iterator[tuple[np.ndarray, ...]]:
        """The ab of the frames in `waiting`, one after the other; of each of its fields."""
        moments = self._moments(decoded)
        return zip(*[moments] * self.fields, strict=True)

    def _moments(self, decoded: Iterator[VideoFrame]) -> Iterator[np.ndarray]:
        for frame in decoded:
            reference = self._wait(frame)
            for luma in self.painter.moments(frame):
                if isinstance(reference, Path):
                    reference = keyframes.ab(reference, luma.shape, self.painter.turns)
                yield from self.steady.add(luma, reference)
        yield from self.steady.flush()

    def _within(self, colored: Iterator[tuple[np.ndarray, ...]]) -> Iterator[tuple[np.ndarray, ...]]:
        """Those of the frames to write; those of the margin leave `waiting`."""
        start, end = self.wanted
        for ab in colored:
            time = self.waiting[0][0].pts
            if (start is None or time >= start) and (end is None or time < end):
                yield ab
            else:
                self.waiting.popleft()

    def _wait(self, frame: VideoFrame) -> Path | np.ndarray | None:
        """Keep a frame until its colours come; gives those that are known: a keyframe's, or its own."""
        time = frame.pts * self.facts.base - self.facts.origin
        kind = (frame.width, frame.height, formats.coding_of(frame).depth)
        self.size = self.size or kind
        if kind != self.size:
            texts = ("{} x {}", "{2} bits")[kind[:2] == self.size[:2]]
            raise VideoError(
                f"at {float(time):.3f} seconds the picture changes its size from {texts.format(*self.size)} to "
                f"{texts.format(*kind)}: color what comes before with --end, what follows with --start"
            )
        self._watch(frame)
        key = self.keyframes.take(self.taken, float(time)) if self.keyframes else None
        self.colored = self.options.keep_color and is_colored(frame, self.colored)
        self.taken += 1
        self.waiting.append((frame, self.colored))
        return self.painter.own(frame) if self.colored and key is None else key

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

    def _encode(self, parts: Parts, colored: Iterator[tuple[np.ndarray, ...]], encoding: ThreadPoolExecutor) -> None:
        """Write the next part, and the state after it."""
        begun, coming = self.written, deque[Future[None]]()
        with av.open(str(parts.next), "w") as out:
            stream = self.target.encoder(out)
            try:
                for moments in colored:
                    coming.append(encoding.submit(self._put, *self.waiting.popleft(), moments, (stream, out)))
                    if len(coming) > _AHEAD:
                        coming.popleft().result()
                    self.written += 1
                    self.report(self._progress())
                    # not within the frames that left together
                    whole = len(self.waiting) * self.fields == len(self.steady.frames)
                    if self.written % PART == 0 and whole:
                        break
            finally:
                wait(coming)
            for future in coming:
                future.result()
            out.mux(stream.encode(None))
        if media.count(parts.next) != self.written - begun:
            raise OSError(errno.EIO, "a part of the film did not reach the disk whole", str(parts.next))
        parts.done(
            self.steady.state()
            | {
                "written": self.written,
                "looked": self.looked,
                "colored": self.waiting[0][1] if self.waiting else False,
                "size": self.size,
                "next": self.waiting[0][0].pts if self.waiting else 0,
                "gaps": (self.gaps, self.missing),
                "damaged": np.array(sorted(self.damage.places), np.int64),
            }
        )

    def _put(
        self, frame: VideoFrame, kept: bool, moments: tuple[np.ndarray, ...], into: tuple[VideoStream, OutputContainer]
    ) -> None:
        stream, out = into
        context = stream.codec_context
        laid = self.painter.keep(frame, context) if kept else self.painter.lay(frame, moments, context)
        marked = self.mark(laid, self.fields == 2 and (frame.interlaced_frame or not self.facts.flagged))
        out.mux(stream.encode(marked))

    def _progress(self) -> Progress:
        even = self.gaps <= UNEVEN * self.taken  # else the times of its frames vary on purpose
        saved = (self.taken * self.fields - self.looked) * self.spent / max(1, self.watched)
        missing = self.missing if even else 0
        return Progress(self.written, self.total, self.looked, len(self.damage), missing, saved=max(0.0, saved))


def _ahead(frames: Iterator[VideoFrame], pool: ThreadPoolExecutor) -> Iterator[VideoFrame]:
    """The same frames, decoded in the background."""
    waiting = deque(pool.submit(next, frames, None) for _ in range(_AHEAD))
    while (frame := waiting.popleft().result()) is not None:
        waiting.append(pool.submit(next, frames, None))
        yield frame
