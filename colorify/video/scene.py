"""Films whose colours and motion are known, made of still pictures: what steadiness is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from colorify.color import delinearize, linearize, luma_to_gray, rgb_to_lab, rgb_to_luma
from colorify.video.flow import warp
from colorify.video.formats import samples

Window = tuple[float, float, float]
"""What a camera shows: its centre, x and y, and its width, in shares of the picture's width and height."""


@dataclass(frozen=True)
class Scene:
    """Frames, and where each pixel goes."""

    rgb: np.ndarray  # (T, H, W, 3) sRGB, 0..1
    on: np.ndarray  # (T - 1, H, W, 2) pixels, x and y: from a frame to the next
    seen: np.ndarray  # (T - 1, H, W): whether it is in sight there

    @property
    def lab(self) -> np.ndarray:
        """Lab ``(T, H, W, 3)``."""
        return rgb_to_lab(self.rgb)

    def resized(self, width: int, height: int) -> Scene:
        """The same, smaller."""
        scale = np.array((width / self.rgb.shape[2], height / self.rgb.shape[1]), np.float32)
        rgb, on = (_shrunk(frames, width, height) for frames in (self.rgb, self.on))
        return Scene(rgb, on * scale, _shrunk(self.seen.astype(np.float32), width, height) > 0.99)

    def cut(self, following: Scene) -> Scene:
        """This scene, then another."""
        height, width = self.rgb.shape[1:3]
        on = np.concatenate((self.on, np.zeros((1, height, width, 2), np.float32), following.on))
        seen = np.concatenate((self.seen, np.zeros((1, height, width), bool), following.seen))
        return Scene(np.concatenate((self.rgb, following.rgb)), on, seen)

    def lit(self, at: int, light: float) -> Scene:
        """The scene in another light from the frame ``at`` on, so many times brighter."""
        rgb = self.rgb.copy()
        rgb[at:] = delinearize((linearize(rgb[at:]) * light).clip(0, 1))
        return Scene(rgb, self.on, self.seen)


@dataclass(frozen=True)
class SceneConfig:
    """The film that steadiness is measured on."""

    height: int = 180
    frames: int = 32  # of each of its scenes
    grain: float = 0.02


def camera(picture: Image.Image, begin: Window, end: Window, frames: int, size: tuple[int, int]) -> Scene:
    """A camera of ``size``, width and height, that moves and zooms evenly over a picture."""
    texture: np.ndarray = np.asarray(picture.convert("RGB"), np.float32) / 255
    share = min(begin[2], end[2])
    scale = max(size[0] / (share * picture.width), 1e-3)  # the narrowest window is one pixel a pixel
    if scale < 1:
        texture = cv2.resize(texture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    windows = np.linspace(begin, end, frames) * (texture.shape[1], texture.shape[0], texture.shape[1])
    middle = (np.array(size) - 1) / 2
    grid = np.stack(np.meshgrid(*map(np.arange, size)), -1) - middle  # (H, W, 2), from the middle of the view
    places = [grid * window[2] / size[0] + window[:2] for window in windows]
    rgb = [_sampled(texture, place) for place in places]
    ways = [(place - later[:2]) * size[0] / later[2] - grid for place, later in zip(places, windows[1:], strict=False)]
    on = np.stack(ways).astype(np.float32) if frames > 1 else np.zeros((0, *grid.shape), np.float32)
    return Scene(np.stack(rgb), on, _inside(on))


def crossed(scene: Scene, picture: Image.Image, begin: tuple[float, float], end: tuple[float, float]) -> Scene:
    """A disc cut out of a picture crosses the scene, its centre from ``begin`` to ``end``, in shares of the view."""
    frames, height, width = scene.rgb.shape[:3]
    radius = 0.3 * height
    side = round(2 * radius)
    texture = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BOX), np.float32) / 255
    centres = np.linspace(begin, end, frames) * (width, height)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    rgb, on, covered = scene.rgb.copy(), scene.on.copy(), []
    for number, centre in enumerate(centres):
        disc = np.hypot(*np.moveaxis(grid - centre, -1, 0)) < radius
        rgb[number][disc] = _sampled(texture, grid - centre + (side - 1) / 2)[disc]
        covered.append(disc)
    seen = scene.seen.copy()
    for number, (disc, later) in enumerate(pairwise(covered)):
        behind = warp(later.astype(np.float32), on[number]) > 0  # where the background goes under the disc
        on[number][disc] = centres[number + 1] - centres[number]
        seen[number] = np.where(disc, _inside(on[number]), scene.seen[number] & ~behind)
    return Scene(rgb, on, seen)


def showreel(pictures: Sequence[Image.Image], size: tuple[int, int], frames: int) -> Scene:
    """A pan, a cut, a zoom, a cut, and something that crosses, of three pictures; ``frames`` of each."""
    one, two, three = pictures
    pan = camera(one, (0.35, 0.45, 0.5), (0.65, 0.55, 0.5), frames, size)
    zoom = camera(two, (0.5, 0.5, 0.9), (0.5, 0.5, 0.5), frames, size)
    still = camera(three, (0.5, 0.5, 0.8), (0.5, 0.5, 0.8), frames, size)
    return pan.cut(zoom).cut(crossed(still, one, (-0.2, 0.6), (1.2, 0.4)))


def write_gray(scene: Scene, path: Path, rate: int = 25, grain: float = 0.0) -> Path:
    """The luminance of a scene as a lossless film; ``grain`` is the deviation of noise on its samples, 0..1."""
    noise = np.random.default_rng(0)
    height, width = scene.rgb.shape[1:3]
    shown = luma_to_gray(rgb_to_luma(scene.rgb)[..., 0])  # (T, H, W)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in shown:
            frame = VideoFrame(width, height, "yuv420p")
            for plane in frame.planes[1:]:
                samples(plane, 8)[:] = 128
            grainy = (picture + noise.normal(0, grain, picture.shape)).clip(0, 1)
            samples(frame.planes[0], 8)[:] = np.rint(16 + 219 * grainy)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _sampled(texture: np.ndarray, place: np.ndarray) -> np.ndarray:
    x, y = np.moveaxis(place.astype(np.float32), -1, 0)
    return cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _shrunk(frames: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames])


def _inside(on: np.ndarray) -> np.ndarray:
    """Whether a motion ``(..., H, W, 2)`` stays in the picture."""
    height, width = on.shape[-3:-1]
    x, y = on[..., 0] + np.arange(width), on[..., 1] + np.arange(height)[:, None]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
