"""What the studio shows, without any widget: one picture, several models, and only what changed is computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import cv2
import numpy as np
import torch
from PIL import Image, ImageColor

from colorify import metrics, pictures
from colorify.codec import TEMPERATURE, Bits, softmax
from colorify.color import render, rgb_to_lab, to_planes
from colorify.hints import Hint, Spreading
from colorify.inference import (
    Colorizer,
    adjust,
    apply_chroma,
    diverse,
    hinted,
    small_luma,
    spreading,
    upright_size,
)
from colorify.pictures import Picture

SCREEN = 640  # px: longest side of what is shown while it is worked on


@dataclass(frozen=True)
class Knobs:
    """What the sliders say."""

    model: str
    other: str | None = None  # a second model to blend with
    blend: float = 0.0  # its share
    size: int | None = None  # short side that the network sees, px; None: the model's own
    temperature: float = TEMPERATURE  # of a classifier
    saturation: float = 1.0
    blur: float = 0.0  # px of the picture
    hints: tuple[Hint, ...] = ()


class Session:
    """Models and the picture that is worked on."""

    def __init__(self, models: dict[str, Colorizer]):
        self.models = models
        self.ideas: dict[str, np.ndarray] = {}
        self._outputs: dict[tuple[str, int], np.ndarray] = {}
        self._spreading: dict[tuple, Spreading] = {}

    def open(self, source: Picture) -> None:
        """Take another picture."""
        self.source = source
        upright = pictures.to_pil(pictures.upright(replace(source, alpha=None))).convert("RGB")
        upright.thumbnail((SCREEN, SCREEN), Image.Resampling.LANCZOS)
        self.shown = pictures.from_pil(upright)
        self.ideas, self._outputs, self._spreading = {}, {}, {}
        vars(self).pop("truth", None)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return upright_size(self.source)

    def gray(self) -> Image.Image:
        """The picture without colours, as large as it is shown."""
        return pictures.to_pil(apply_chroma(self.shown, np.zeros((1, 1, 2))))

    def preview(self, knobs: Knobs) -> Image.Image:
        """The picture coloured, as large as it is shown."""
        blur = knobs.blur * self.shown.size[1] / self.size[1]
        return pictures.to_pil(apply_chroma(self.shown, adjust(self._ab(knobs), self.shown, blur)))

    def full(self, knobs: Knobs, report: Callable[[float], None] = lambda share: None) -> Picture:
        """The whole picture coloured, in its own depth; ``report`` hears which share of it is done."""
        return apply_chroma(self.source, adjust(self._ab(knobs), self.source, knobs.blur), report)

    def _ab(self, knobs: Knobs) -> np.ndarray:
        ab = self._chroma(knobs.model, knobs)
        if knobs.other and knobs.blend:
            other = self._chroma(knobs.other, knobs)
            if other.shape != ab.shape:
                other = cv2.resize(np.ascontiguousarray(other), ab.shape[1::-1], interpolation=cv2.INTER_CUBIC)
            ab = ab + (other - ab) * knobs.blend
        if not knobs.hints:
            return ab * knobs.saturation
        key = (knobs.model, knobs.other if knobs.blend else None, knobs.blend, knobs.size, knobs.temperature)
        if key not in self._spreading:
            self._spreading = {key: spreading(self._luma(knobs.model, knobs.size), ab)}
        return hinted(ab * knobs.saturation, self._spreading[key], knobs.hints, self.size)

    def model(self, name: str) -> Colorizer:
        """That of this name; that of an idea is the classifier."""
        return self.models[self.classifier if name in self.ideas else name]

    def _luma(self, name: str, size: int | None) -> np.ndarray:
        return small_luma(self.source, size or self.model(name).size)

    def _output(self, name: str, size: int | None) -> np.ndarray:
        if name in self.ideas:
            return self.ideas[name][None]
        key = name, size or self.models[name].size
        if key not in self._outputs:
            self._outputs[key] = self.models[name].output(self._luma(name, size)[None])
        return self._outputs[key]

    def _chroma(self, name: str, knobs: Knobs) -> np.ndarray:
        decoded = self.model(name).codec.decode(self._output(name, knobs.size), knobs.temperature)
        return np.moveaxis(decoded[0], 0, -1)

    @cached_property
    def classifier(self) -> str | None:
        """The model that knows a distribution over colours; nothing: there is none."""
        return next((name for name, model in self.models.items() if isinstance(model.codec, Bits)), None)

    def palette(self, x: float, y: float, count: int = 12) -> list[tuple[str, float]]:
        """Likely colours at a place, in shares of width and height, as ``#rrggbb`` with their shares; one a name."""
        if self.classifier is None:
            return []
        logits = self._output(self.classifier, None)[0]
        _, height, width = logits.shape
        top, left = (max(0, min(int(v * n), n - 1) - 1) for v, n in ((y, height), (x, width)))
        shares = softmax(logits[:, top : top + 3, left : left + 3]).mean((1, 2))
        centers, luma = self.models[self.classifier].codec.centers, self._shown_luma(x, y)
        found: dict[str, tuple[str, float]] = {}
        for number in np.argsort(-shares)[: 4 * count]:
            color = hex_of(luma, centers[number])
            first, sum_of = found.get(name_of(color), (color, 0.0))
            found[name_of(color)] = first, sum_of + float(shares[number])
        return sorted(found.values(), key=lambda entry: -entry[1])[:count]

    def _shown_luma(self, x: float, y: float) -> float:
        height, width = self.shown.pixels.shape[:2]
        pixel = self.shown.pixels[min(int(y * height), height - 1), min(int(x * width), width - 1)]
        return float(rgb_to_lab(np.broadcast_to(pixel, (3,)) / 255)[0])

    def uncertainty(self) -> Image.Image:
        """Where the classifier is unsure, yellow, over the gray picture."""
        from matplotlib import colormaps

        model = self.models[self.classifier]
        bits = model.uncertainty(self.shown.pixels)
        heat = (colormaps["viridis"](bits / np.log2(model.codec.outputs))[..., :3] * 255).astype(np.uint8)
        return Image.blend(self.gray(), Image.fromarray(heat), 0.6)

    def think(self, count: int, seed: int = 0) -> None:
        """Fill `ideas`: so many plausible results of the classifier, each for a knob ``model`` of its name."""
        logits = self._output(self.classifier, None)[0]
        self.ideas = {f"idea {n}": idea for n, idea in enumerate(diverse(logits, count, seed), 1)}
        self._spreading = {}

    @cached_property
    def truth(self) -> torch.Tensor | None:
        """The Lab ``(3, H, W)`` of the picture that was opened, if it is in colour."""
        if self.shown.pixels.ndim == 2:
            return None
        lab = rgb_to_lab(to_planes(self.shown.pixels))
        return lab if lab[1:].abs().mean() > 1 else None

    def scores(self, picture: Image.Image) -> dict[str, float]:
        """How near a preview is to the colours of the picture that was opened; empty if that was gray."""
        if self.truth is None:
            return {}
        rgb = to_planes(picture)
        lab = rgb_to_lab(rgb)
        return {
            "de2000": float(metrics.de2000(lab, self.truth)),
            "below gray, %": float(100 * (1 - metrics.mse_ab(lab, self.truth) / self.truth[1:].square().mean())),
            "colorfulness": float(metrics.colorfulness(rgb)),
        }


def hex_of(luma: float, ab: Sequence[float]) -> str:
    """The colour nearest to these L*, a and b, as ``#rrggbb``."""
    rgb = render(np.array([luma]), np.array(ab, float))
    return "#{:02x}{:02x}{:02x}".format(*(rgb * 255).round().astype(int))


@cache
def _names() -> tuple[list[str], np.ndarray]:
    """The names of CSS, and their Lab ``(names, 3)``."""
    names = list(ImageColor.colormap)
    return names, rgb_to_lab(np.array([ImageColor.getrgb(name) for name in names]) / 255)


def name_of(color: str) -> str:
    """The CSS name of the colour that is nearest to ``#rrggbb``; ValueError if that is none."""
    names, labs = _names()
    off = labs - rgb_to_lab(np.array(ImageColor.getrgb(color)) / 255)
    return names[int((off**2).sum(-1).argmin())]
