"""Colours that hold still: a weighted mean of the chroma along the motion of the luma, from both sides in time.

Every pixel carries the mean of the colours that were seen along its path, and a weight that says how much to believe
it; where the motion is not to be trusted, or something new comes into sight, the weight is gone. Two passes: one over
all frames, and one back over each block of frames from a little ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Protocol

import cv2
import numpy as np

from colorify.video.flow import as_bytes, confidence, find_flow, warp
from colorify.video.slow import Slow

MEMORY = 19.0  # weight of the past at most, in frames, at full steadiness
CUT = 0.2  # mean confidence under which a frame is of another scene
_DOUBT, _LIKE = 0.5, 0.75  # mean confidence under which correlation is looked at, too; that of a scene with itself
BLOCK, AHEAD = 8, 14  # frames that are finished at once, and frames looked ahead
_FADES = 0.95  # what a weight from the future counts a frame earlier: the end of what is looked ahead must not show
_UNSEEN = 0.2  # weight under which a pixel counts as not seen by the network
_NEW, _HOLES = 0.3, 0.03  # it is asked when more than this share is unseen: from the past; from both sides
_LOST, _FAST = (
    0.2,
    0.01,
)  # share of the usual weight under which a past is lost; share of the picture that it is asked at
_THICK = 9  # px of what counts as lost at the least
_SPREAD = 6.0  # sigma, px, of the fill of smaller holes
_GAIN, _HASTE = 1.3, 0.1  # a mean is paler than what it is the mean of: it gets back its chroma, up to this factor,
# that goes this share of its way a frame
_BESIDE, _APART = 15, 6.0  # px that count as beside; px that motions differ by there
_BESIDES = (-15, -10, -5, 0, 5, 10, 15)  # px to places where its color may be that of the network
_SOME, _SAME = 0.05, 2.0  # share of doubt that matters; ab units that one color differs by
_FLICKER, _OTHER = 12.0, 3.0  # ab units that answers of the network differ by; beyond them: another color
REFERENCE, _LASTS = 1000.0, 0.95  # weight of a frame that the user coloured; what of it is left a frame later
_HEARD = 100.0  # weight from which on such a frame has its say: answers of the network reach 80

_AGAIN = 16  # frames after which earlier shots are asked again
_HELD = 0.5  # confidence of a step of the motion along which what they said is as good as new

Predict = Callable[[np.ndarray], np.ndarray]
"""L* ``(h, w)`` -> ab ``(h, w, 2)``."""


class Earlier(Protocol):
    """What earlier shots of a film say."""

    def begin(self) -> None:
        """A shot begins: all frames of the one before have left."""

    def change(self, luma: np.ndarray, ab: np.ndarray) -> np.ndarray | None:
        """What to add to the network's ab ``(h, w, 2)`` of a frame with this L* ``(h, w)``, if anything."""


_NOTHING = np.zeros((0, 0, 2), np.float32)


@dataclass
class Frame:
    """A frame in work: its colours, the motion of the one before towards it, and the mean up to it."""

    luma: np.ndarray  # (h, w)
    ab: np.ndarray  # (h, w, 2), zero where the network did not look
    weight: float  # of ab: 0, 1 or `REFERENCE`
    back: np.ndarray  # (h, w, 2) pixels: where each pixel was in the frame before
    sure: np.ndarray  # (h, w) 0..1: how sure that is
    on: np.ndarray  # (h, w, 2) pixels: where each pixel of the frame before went
    sure_on: np.ndarray  # (h, w) 0..1: how sure that is
    mean: np.ndarray  # (h, w, 2)
    total: np.ndarray  # (h, w): weight of the mean


class Steady:
    """Takes frames one after the other and gives their steady colours, some frames later."""

    def __init__(
        self, predict: Predict, steady: float = 1.0, every: int = 1, earlier: Earlier | None = None, rate: float = 25.0
    ):
        """``steady`` from 0 (each frame for itself) to 1; the network looks at every ``every``-th frame.

        ``rate``: frames a second. With what ``earlier`` shots say, all frames of a shot leave before the network looks
        at the next one.
        """
        if not 0 <= steady <= 1 or every < 1:
            raise ValueError(f"steady {steady}, every {every}: expected 0 to 1, and 1 or more")
        self.predict, self.memory, self.every = predict, MEMORY * steady, every
        self.frames: list[Frame] = []
        self.before: Frame | None = None  # the last frame that left
        self.seen = np.zeros(0, np.uint8)  # `as_bytes` of the last frame
        self.since = 0  # frames since the network last looked
        self.earlier, self.left = earlier, None  # the frame that leaves now
        self.lent, self.asked = _NOTHING, _AGAIN  # what earlier shots said, along the motion, and frames since
        self.slow = Slow(rate)
        self.chroma = np.zeros(4)  # of this scene: mean chroma asked for, that of the means, looks; gain of the last

    def add(self, luma: np.ndarray, reference: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """The next frame's L* ``(h, w)``, and its true ab ``(h, w, 2)`` if known; gives the ab of what is done."""
        frame, repeated = self._arrived(luma)
        if self.earlier and not frame.sure_on.any():
            yield from self.flush()
            self.earlier.begin()
            self.lent, self.asked = _NOTHING, _AGAIN
        self._look(frame, reference, repeated)
        self.frames.append(frame)
        if len(self.frames) == BLOCK + AHEAD:
            yield from self._finish(BLOCK)

    def flush(self) -> Iterator[np.ndarray]:
        """The colours of the frames that are left."""
        yield from self._finish(len(self.frames))

    def state(self) -> dict[str, np.ndarray]:
        """All that the filter remembers, as arrays."""
        kept = ([self.before] if self.before else []) + self.frames
        state = {
            f"{number}.{name}": np.asarray(value)
            for number, one in enumerate(kept)
            for name, value in vars(one).items()
        }
        return state | {
            "kept": np.array(len(kept)),
            "left": np.array(bool(self.before)),
            "since": np.array(self.since),
            "lent": self.lent,
            "asked": np.array(self.asked),
            "chroma": self.chroma,
            **self.slow.state(),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state`."""
        kept = []
        for number in range(int(state["kept"])):
            values: dict[str, Any] = {field.name: state[f"{number}.{field.name}"] for field in fields(Frame)}
            kept.append(Frame(**values | {"weight": float(values["weight"])}))
        self.before, self.frames = (kept[0], kept[1:]) if state["left"] else (None, kept)
        self.seen = as_bytes(kept[-1].luma) if kept else self.seen
        self.since, self.chroma = int(state["since"]), state["chroma"]
        self.lent, self.asked = state["lent"], int(state["asked"])
        self.slow.restore(state)

    def _arrived(self, luma: np.ndarray) -> tuple[Frame, bool]:
        """A frame with the mean of what came before it, and whether it only repeats the last."""
        last, seen = self.frames[-1] if self.frames else self.before, as_bytes(luma)
        still, nothing = np.zeros((*luma.shape, 2), np.float32), np.zeros(luma.shape, np.float32)
        repeated = False
        if last is None or last.luma.shape != luma.shape:
            frame = Frame(luma, still, 0.0, still, nothing, still, nothing, still, nothing)
        elif repeated := np.array_equal(seen, self.seen):
            sure, total = nothing + 1, self._remembered(last.total)
            frame = Frame(luma, still, 0.0, still, sure, still, sure, last.mean, total)
        else:
            frame = self._moved(luma, last, seen)
        self.seen = seen
        return frame, repeated

    def _look(self, frame: Frame, reference: np.ndarray | None, repeated: bool) -> None:
        """Let the network see a frame, if it is its turn."""
        self.since += not repeated
        if reference is not None:
            self._color(frame, reference, REFERENCE)
        elif (not repeated and self._is_due(frame)) or _unseen(frame.total) > _NEW:
            self._color(frame, self._answer(frame.luma), 1.0)
            self.since = 0

    def _is_due(self, frame: Frame) -> bool:
        """Whether the network is to see a frame: after half of the time where something moves too fast for the flow."""
        if self.since >= self.every:
            return True
        return self.since >= max(2, self.every / 2) and _lost(frame.total) > _FAST

    def _answer(self, luma: np.ndarray) -> np.ndarray:
        """What the network says of the newest frame, with what earlier shots say."""
        ab = self.predict(luma)
        if self.earlier is None:
            return ab
        if self.asked >= _AGAIN:
            change = self.earlier.change(luma, ab)
            self.lent, self.asked = _NOTHING if change is None else change, 0
        return ab + self.lent if self.lent.size else ab

    def _answer_late(self, luma: np.ndarray) -> np.ndarray:
        """The same of an older frame."""
        ab = self.predict(luma)
        change = self.earlier.change(luma, ab) if self.earlier else None
        return ab if change is None else ab + change

    def _color(self, frame: Frame, ab: np.ndarray, weight: float) -> None:
        frame.ab, frame.weight = ab, weight
        frame.total = frame.total * _agreed(frame.mean, frame, frame.on)
        frame.mean, frame.total = _mixed(frame.mean, frame.total, ab, weight)

    def _moved(self, luma: np.ndarray, last: Frame, seen: np.ndarray) -> Frame:
        back, on, sure, sure_on = _motion(luma, last.luma, (seen, self.seen))
        low = min(sure.mean(), sure_on.mean())
        if low < CUT or (low < _DOUBT and _likeness(luma, last.luma, back) < _LIKE):
            sure, sure_on = np.zeros_like(sure), np.zeros_like(sure_on)
        total = self._remembered(warp(last.total, back)) * sure
        self.asked += 1
        if self.lent.size:
            self.lent = warp(self.lent, back) * np.minimum(sure / _HELD, 1)[..., None]
        return Frame(luma, np.zeros_like(on), 0.0, back, sure, on, sure_on, warp(last.mean, back), total)

    def _remembered(self, total: np.ndarray) -> np.ndarray:
        """What a weight counts a frame later: the network's at most `memory`, a reference's fades."""
        return np.minimum(total, self.memory + np.maximum(total - self.memory, 0) * _LASTS * (self.memory > 0))

    def _finish(self, count: int) -> Iterator[np.ndarray]:
        """Go back from the newest frame; the first ``count`` leave."""
        found = []
        mean = total = np.zeros(0)  # of the frame that comes later
        later: Frame | None = None
        for number, frame in reversed(list(enumerate(self.frames))):
            if later is None or later.on.shape != frame.ab.shape:
                ahead, weight = np.zeros_like(frame.ab), np.zeros_like(frame.luma)
            else:
                ahead, weight = warp(mean, later.on), self._remembered(warp(total, later.on)) * later.sure_on * _FADES
                weight = weight * _agreed(ahead, frame, later.on)
            if number < count:
                if _unseen(frame.total + weight) > _HOLES:
                    self._color(frame, self._answer_late(frame.luma), 1.0)
                found.append((frame, *_mixed(frame.mean, frame.total, ahead, weight)))
            mean, total = _mixed(ahead, weight, frame.ab, frame.weight)
            later = frame
        if count:
            self.before = self.frames[count - 1]
        self.frames = self.frames[count:]
        for frame, mean, total in reversed(found):
            self.left = frame
            ab = self._colorful(frame, _filled(mean, total), total)
            free = frame.sure * (total < _HEARD) * bool(self.memory)
            yield self.slow(frame.luma, ab, frame.back, free)

    def _colorful(self, frame: Frame, mean: np.ndarray, total: np.ndarray) -> np.ndarray:
        """The mean, as colourful as the network's answers in this scene; where a reference has its say, untouched."""
        new = not frame.sure_on.any()
        asked, got, count, gain = (0.0, 0.0, 0.0, 1.0) if new else self.chroma
        if frame.weight == 1:
            count = min(count + 1, self.memory + 1)
            asked, got = asked + (_chroma(frame.ab) - asked) / count, got + (_chroma(mean) - got) / count
        due = np.clip(asked / max(got, 1e-6), 1 / _GAIN, _GAIN) if count else 1.0
        gain = due if new else gain + (due - gain) * _HASTE
        self.chroma = np.array((asked, got, count, gain))
        free = (total < _HEARD).mean()
        return mean * np.float32(1 + free * (gain - 1))


def _motion(
    luma: np.ndarray, last: np.ndarray, seen: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The motion from a frame back to the last, ``seen`` `as_bytes`, and on from that, and how sure both are."""
    here, there = seen
    back, on = find_flow(here, there), find_flow(there, here)
    return back, on, confidence(back, on, luma, last), confidence(on, back, last, luma)


def is_cut(luma: np.ndarray, last: np.ndarray) -> bool:
    """Whether a frame's L* ``(h, w)`` is of another shot than the last one's; not where only the light changes."""
    if luma.shape != last.shape:
        return True
    back, _, sure, sure_on = _motion(luma, last, (as_bytes(luma), as_bytes(last)))
    return bool(min(sure.mean(), sure_on.mean()) < _DOUBT and _likeness(luma, last, back) < _LIKE)


def _likeness(luma: np.ndarray, last: np.ndarray, back: np.ndarray) -> float:
    """Correlation of a frame with the last one, bent to it: flow makes smooth things out of smooth things."""
    bent = warp(last, back)
    return float(np.corrcoef(luma.ravel(), bent.ravel())[0, 1]) if luma.std() > 0 and bent.std() > 0 else 1.0


def _agreed(mean: np.ndarray, frame: Frame, motion: np.ndarray) -> np.ndarray | float:
    """What a mean counts where the network says another color of a frame, beside what moves another way: 0..1.

    Flow takes the edge of a fast limb for background, or the other way round, and is sure of it: then the color that
    the network says is that of the mean a little beside. One that is nowhere around is flicker.
    """
    if frame.weight != 1:
        return 1.0
    kernel = np.ones((_BESIDE, _BESIDE), np.uint8)
    parts = [cv2.morphologyEx(np.ascontiguousarray(motion[..., axis]), cv2.MORPH_GRADIENT, kernel) for axis in (0, 1)]
    apart = np.minimum((parts[0] + parts[1]) / _APART, 1)
    if apart.max() < 0.5:
        return 1.0
    off = np.maximum(np.sqrt(_squared(cv2.blur(frame.ab - mean, (3, 3)))) - _FLICKER, 0)
    doubt = (apart * (1 - np.exp(-((off / _OTHER) ** 2)))).astype(np.float32)
    places = np.nonzero(doubt > _SOME)
    doubt[places] *= np.exp(-((np.maximum(_nearest(mean, frame.ab, places) - _SAME, 0) / _SAME) ** 2))
    return 1 - doubt


def _nearest(mean: np.ndarray, ab: np.ndarray, places: tuple[np.ndarray, ...]) -> np.ndarray:
    """How near the mean comes, a little beside each of some places ``(n,)``, to the ab there, ab units."""
    (rows, columns), (height, width) = places, mean.shape[:2]
    found = np.full(len(rows), np.inf, np.float32)
    for down, right in product(_BESIDES, _BESIDES):
        beside = mean[(rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)]
        found = np.minimum(found, np.sqrt(_squared(beside - ab[places])))
    return found


def _chroma(ab: np.ndarray) -> float:
    return float(np.sqrt(_squared(ab)).mean())


def _unseen(total: np.ndarray) -> float:
    return float((total < _UNSEEN).mean())


def _lost(total: np.ndarray) -> float:
    """Share of the picture whose past is lost, in pieces of some size; not what comes in from the rim."""
    few = (total < _LOST * np.median(total)).astype(np.uint8)
    count, pieces = cv2.connectedComponents(cv2.morphologyEx(few, cv2.MORPH_OPEN, np.ones((_THICK, _THICK), np.uint8)))
    within = np.ones(count, bool)
    within[[0, *pieces[0], *pieces[-1], *pieces[:, 0], *pieces[:, -1]]] = False
    return float(within[pieces].mean())


def _filled(mean: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Where almost nothing is known, the colours from around."""
    trust = np.minimum(total / np.float32(_UNSEEN), 1)
    if trust.min() == 1:
        return mean
    share, size = cv2.merge((trust, trust)), mean.shape[1::-1]
    half = (max(1, size[0] // 2), max(1, size[1] // 2))
    seen = cv2.resize(cv2.merge((mean * share, trust)), half, interpolation=cv2.INTER_AREA)
    a, b, weight = cv2.split(cv2.GaussianBlur(seen, (0, 0), _SPREAD / 2))
    around: np.ndarray = cv2.merge((a, b)) / np.maximum(weight, 1e-6)[..., None]
    around = cv2.resize(around, size, interpolation=cv2.INTER_LINEAR)
    return around + (mean - around) * share


def _mixed(
    mean: np.ndarray, total: np.ndarray, other: np.ndarray, weight: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """The mean of two means ``(h, w, 2)`` with their weights, and the sum of these."""
    both = total + weight
    share = weight / np.maximum(both, np.float32(1e-6))
    return mean + (other - mean) * cv2.merge((share, share)), both


def _squared(field: np.ndarray) -> np.ndarray:
    return field[..., 0] ** 2 + field[..., 1] ** 2
