"""One frame of a film at a time: what the network is to see of it, and how colours are laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from PIL import Image

from colorify.color import gray_to_luma, rgb_to_lab
from colorify.inference import Colorizer, check_knobs, small_size
from colorify.video import media, planes


@dataclass(frozen=True)
class Look:
    """How the colours are to be."""

    size: int | None = None  # short side that the network sees, px; None: the model's own
    saturation: float = 1.0
    blur: float = 0.0  # sigma of a blur of the chroma alone, px of the film
    side_by_side: bool = False  # gray and colour in a row


class Painter:
    """A model and the look that is asked of it; raises `ValueError` for a knob out of its range."""

    def __init__(self, colorizer: Colorizer, look: Look, turns: int = 0):
        """``turns``: quarter turns, counter-clockwise, that bring the film upright."""
        check_knobs(look.size, look.saturation, look.blur)
        self.colorizer, self.look, self.turns = colorizer, look, turns

    def small(self, frame: VideoFrame) -> np.ndarray:
        """L* ``(h, w)`` of a frame, as it lies, as small as the network sees it."""
        coding = media.coding_of(frame)
        luma = media.samples(frame.planes[0], coding.depth)
        size = small_size((frame.width, frame.height), self.look.size or self.colorizer.size)
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
        return gray_to_luma(planes.gray(small, coding))

    def predict(self, luma: np.ndarray) -> np.ndarray:
        """L* ``(h, w)`` -> ab ``(h, w, 2)``; the network sees the picture upright."""
        ab = self.colorizer.chroma(np.rot90(luma, self.turns)[None], tta=False)[0]
        as_it_lies = np.ascontiguousarray(np.rot90(ab, -self.turns))
        return cv2.resize(as_it_lies, luma.shape[::-1], interpolation=cv2.INTER_CUBIC)

    def lay(self, frame: VideoFrame, ab: np.ndarray, context: VideoCodecContext) -> VideoFrame:
        """A frame of ``context`` with the luma samples of ``frame`` and the colours ``ab (h, w, 2)``."""
        coding = media.coding_of(frame)
        luma, width = media.samples(frame.planes[0], coding.depth), frame.width
        colored = media.blank(context, frame, coding)
        out = [media.samples(plane, coding.depth) for plane in colored.planes]
        shape = (out[1].shape[0], out[1].shape[1] // (1 + self.look.side_by_side))
        if self.look.blur:
            ab = cv2.GaussianBlur(ab, (0, 0), self.look.blur * min(ab.shape[:2]) / min(luma.shape))
        seen = planes.gray(planes.sited(luma, shape), coding)
        wide = planes.sited(ab * self.look.saturation, shape, luma.shape)
        chroma = planes.chroma(seen, wide, coding)
        out[0][:, :width] = out[0][:, -width:] = luma
        for plane, values in zip(out[1:], chroma, strict=True):
            plane[:] = 2 ** (coding.depth - 1)
            plane[:, -values.shape[1] :] = values
        return colored

    def keep(self, frame: VideoFrame, context: VideoCodecContext) -> VideoFrame:
        """A frame of ``context`` with the luma and the colours of ``frame``."""
        depth = media.coding_of(frame).depth
        kept = media.blank(context, frame, media.coding_of(frame))
        sides = 1 + self.look.side_by_side
        for given, plane in zip(frame.planes, kept.planes, strict=True):
            there = media.samples(plane, depth)
            shape = (there.shape[1] // sides, there.shape[0])
            there[:] = np.tile(cv2.resize(media.samples(given, depth), shape, interpolation=cv2.INTER_AREA), sides)
        return kept

    def own(self, frame: VideoFrame) -> np.ndarray:
        """The ab ``(h, w, 2)`` that a frame has itself, of the shape of `small`."""
        size = small_size((frame.width, frame.height), self.look.size or self.colorizer.size)
        small = cv2.resize(frame.to_ndarray(format="rgb24"), size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(rgb_to_lab(small.astype(np.float32) / 255)[..., 1:])

    def gray_and_color(self, frame: VideoFrame) -> tuple[Image.Image, Image.Image]:
        """A frame before and after, coloured for itself, as upright pictures."""
        whole = VideoCodecContext.create("rawvideo", "w")
        whole.width, whole.height = frame.width, frame.height
        whole.pix_fmt = "yuv444p10le" if media.coding_of(frame).depth > 8 else "yuv444p"
        ab = self.predict(self.small(frame))
        gray, color = (self.lay(frame, ab * share, whole).to_image() for share in (0, 1))
        return gray.rotate(90 * self.turns, expand=True), color.rotate(90 * self.turns, expand=True)


def is_colored(frame: VideoFrame, was: bool) -> bool:
    """Whether a frame has colours of its own: more than noise, a tint or a tone; in doubt it is as the last one.

    By the spread of its chroma across the line of its main tone, in 8-bit levels.
    """
    if len(frame.planes) < 3:
        return False
    depth = media.coding_of(frame).depth
    chroma = np.stack([media.samples(plane, depth).ravel()[::7] for plane in frame.planes[1:3]]) / 2.0 ** (depth - 8)
    across = float(np.sqrt(max(np.linalg.eigvalsh(np.cov(chroma))[0], 0)))
    return across > (1.0 if was else 2.0)
