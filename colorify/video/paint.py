"""One frame of a film at a time: what the network is to see of it, and how colours are laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from PIL import Image

from colorify.color import rgb_to_lab
from colorify.constant_luma import places
from colorify.inference import Colorizer, Mix
from colorify.knobs import Knobs
from colorify.masks import Mask
from colorify.network_input import small_size
from colorify.video import fields, light, planes
from colorify.video.facts import blank
from colorify.video.formats import coding_of, samples
from colorify.video.planes import Coding


@dataclass(frozen=True)
class Look:
    """How the colours are to be."""

    knobs: Knobs = field(default_factory=Knobs)
    side_by_side: bool = False  # gray and colour in a row


class Painter:
    """A model and the look that is asked of it; `ValueError` for knobs that films have not."""

    def __init__(
        self,
        colorizer: Colorizer | Mix | None,
        look: Look,
        turns: int = 0,
        top_first: bool | None = None,
        wanted: Coding | None = None,
    ):
        """``turns``: quarter turns, counter-clockwise, that bring the film upright; which field is first, if any.

        Frames are written as ``wanted``, or as they are coded themselves.
        """
        if look.knobs.badge:
            raise ValueError("a badge is for single pictures: it would change the luma of the film")
        self.colorizer, self.look, self.turns, self.top_first = colorizer, look, turns, top_first
        self.wanted = wanted
        self._shared: tuple[Mask, tuple[int, int], np.ndarray] | None = None
        self.knobs = replace(look.knobs, tta=False)

    @property
    def model(self) -> Colorizer | Mix:
        """Who colors; `ValueError` for a painter that only looks."""
        if self.colorizer is None:
            raise ValueError("a painter without a model has no colors")
        return self.colorizer

    def small(self, frame: VideoFrame) -> np.ndarray:
        """L* ``(h, w)`` of a frame, of its first field if it has any, as it lies, as small as the network sees it."""
        return self.moments(frame)[0]

    def moments(self, frame: VideoFrame) -> list[np.ndarray]:
        """L* ``(h, w)`` of each field of a frame in their order, or of all of it, as small as the network sees it."""
        coding = coding_of(frame)
        luma = samples(frame.planes[0], coding.depth)
        size = small_size((frame.width, frame.height), self.knobs.size or self.model.size)
        return [planes.lightness(planes.smaller(whole, size), coding) for whole, _ in self._pictures(luma)]

    def _pictures(self, luma: np.ndarray) -> list[tuple[np.ndarray, slice]]:
        return fields.pictures(luma, self.top_first)

    def predict(self, luma: np.ndarray) -> np.ndarray:
        """L* ``(h, w)`` -> ab ``(h, w, 2)``; the network sees the picture upright."""
        ab = self.model.chroma(np.rot90(luma, self.turns)[None], self.knobs)[0]
        as_it_lies = np.ascontiguousarray(np.rot90(ab, -self.turns))
        return cv2.resize(as_it_lies, luma.shape[::-1], interpolation=cv2.INTER_CUBIC)

    def lay(
        self,
        frame: VideoFrame,
        moments: Sequence[np.ndarray],
        context: VideoCodecContext,
        mask: Mask | None = None,
    ) -> VideoFrame:
        """A frame of ``context`` with the luma samples of ``frame`` and the colors ``ab (h, w, 2)`` of each moment.

        ``mask``, upright: how much of them there is beside those of ``frame`` itself.
        """
        coding = coding_of(frame)
        wanted = self.wanted or coding
        luma, width = samples(frame.planes[0], coding.depth), frame.width
        colored = blank(context, frame, wanted)
        out = [samples(plane, wanted.depth) for plane in colored.planes]
        out[0][:, -width:] = planes.recoded(luma, coding, wanted)
        if self.look.side_by_side:
            out[0][:, :width] = out[0][:, -width:]
            for plane in out[1:]:
                plane[:] = 2 ** (wanted.depth - 1)
        shape = (out[1].shape[0], out[1].shape[1] // (1 + self.look.side_by_side))
        own = self._own_chroma(frame, wanted, shape) if mask else None
        for (whole, lines), ab in zip(self._pictures(luma), moments, strict=True):
            chroma: Iterable[np.ndarray] = self._chroma((whole, coding), ab, wanted, shape, lines)
            if mask and own is not None:
                chroma = _shared(own[:, lines], np.stack(list(chroma)), self._share(mask, shape)[lines])
            for plane, values in zip(out[1:], chroma, strict=True):
                plane[lines, -values.shape[1] :] = values
        return colored

    def _chroma(
        self, given: tuple[np.ndarray, Coding], ab: np.ndarray, wanted: Coding, shape: tuple[int, int], lines: slice
    ) -> Sequence[np.ndarray]:
        """The lines of both chroma planes of this shape that show the colors ``ab (h, w, 2)`` over a luma."""
        luma, coding = given
        if self.knobs.blur:
            ab = cv2.GaussianBlur(ab, (0, 0), self.knobs.blur * min(ab.shape[:2]) / min(luma.shape))
        wide = planes.spread(places(ab), shape, luma.shape[1])[lines]
        return planes.chroma(planes.sited(luma, shape)[lines], wide, coding, wanted)

    def _own_chroma(self, frame: VideoFrame, wanted: Coding, shape: tuple[int, int]) -> np.ndarray:
        """The samples of Cb and Cr ``(2, H, W)`` that a frame has itself: none is gray."""
        coding = coding_of(frame)
        if len(frame.planes) < 3:
            return np.full((2, *shape), 2 ** (wanted.depth - 1))
        given = (planes.recoded(samples(plane, coding.depth), coding, wanted, True) for plane in frame.planes[1:3])
        return np.stack([cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA) for plane in given])

    def _share(self, mask: Mask, shape: tuple[int, int]) -> np.ndarray:
        """A mask as ``(h, w)`` float32 in 0..1, as the film lies; that of the last frame is kept."""
        if self._shared is None or self._shared[:2] != (mask, shape):
            upright = mask.sized(shape if self.turns % 2 == 0 else shape[::-1])
            self._shared = (mask, shape, np.ascontiguousarray(np.rot90(upright, -self.turns)))
        return self._shared[2]

    def keep(self, frame: VideoFrame, context: VideoCodecContext) -> VideoFrame:
        """A frame of ``context`` with the luma and the colors of ``frame``."""
        coding = coding_of(frame)
        wanted = self.wanted or coding
        kept, sides = blank(context, frame, wanted), 1 + self.look.side_by_side
        for number, (given, plane) in enumerate(zip(frame.planes, kept.planes, strict=True)):
            whole = planes.recoded(samples(given, coding.depth), coding, wanted, number > 0)
            for lines in (slice(None),) if self.top_first is None else (slice(0, None, 2), slice(1, None, 2)):
                there, values = samples(plane, wanted.depth)[lines], whole[lines]
                shape = (there.shape[1] // sides, there.shape[0])
                there[:] = np.tile(cv2.resize(values, shape, interpolation=cv2.INTER_AREA), sides)
        return kept

    def own(self, frame: VideoFrame) -> np.ndarray:
        """The ab ``(h, w, 2)`` that a frame has itself, of the shape of `small`."""
        size = small_size((frame.width, frame.height), self.knobs.size or self.model.size)
        small = cv2.resize(np.asarray(picture(frame)), size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(rgb_to_lab(small.astype(np.float32) / 255)[..., 1:])

    def gray_and_color(self, frame: VideoFrame, mask: Mask | None = None) -> tuple[Image.Image, Image.Image]:
        """A frame before and after, colored for itself as far as a mask says, as upright pictures."""
        depth = coding_of(frame).depth
        whole = VideoCodecContext.create("rawvideo", "w")
        whole.width, whole.height = frame.width, frame.height
        whole.pix_fmt = "yuv444p" if depth == 8 else f"yuv444p{depth}le"
        ab, count = self.knobs.applied(self.predict(self.small(frame))), 1 if self.top_first is None else 2
        gray, color = (
            picture(self.lay(frame, [ab * share] * count, whole, mask if share else None)) for share in (0, 1)
        )
        return gray.rotate(90 * self.turns, expand=True), color.rotate(90 * self.turns, expand=True)


def _shared(own: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Samples beside others of the same shape and kind, which have this share ``(H, W)``, 0..1."""
    return np.rint(own + (other.astype(np.float32) - own) * share).astype(other.dtype)


def picture(frame: VideoFrame) -> Image.Image:
    """A frame as a usual display shows it: as it lies, 8 bits, sRGB."""
    coding = coding_of(frame)
    if (coding.transfer, coding.primaries) == ("sdr", "bt709"):
        return frame.to_image()
    # swscale knows neither transfer nor primaries: it gives the coded RGB
    rgb = frame.to_ndarray(format="rgb48le").astype(np.float32) / 65535
    return Image.fromarray(np.rint(light.shown(rgb, coding.transfer, coding.primaries) * 255).astype(np.uint8))


def is_colored(frame: VideoFrame, was: bool) -> bool:
    """Whether a frame has colours of its own: more than noise, a tint or a tone; in doubt it is as the last one.

    By the spread of its chroma across the line of its main tone, in 8-bit levels.
    """
    if len(frame.planes) < 3:
        return False
    depth = coding_of(frame).depth
    chroma = np.stack([samples(plane, depth).ravel()[::7] for plane in frame.planes[1:3]]) / 2.0 ** (depth - 8)
    across = float(np.sqrt(max(np.linalg.eigvalsh(np.cov(chroma))[0], 0)))
    return across > (1.0 if was else 2.0)
