"""What the studio shows, without any widget: one picture, several models, and only what changed is computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
import torch
from PIL import Image, ImageColor

from colorify import metrics, pictures
from colorify.answer import Answer, Blend
from colorify.codec import Bits, softmax
from colorify.color import render, rgb_to_lab, to_planes
from colorify.inference import Colorizer, Mix
from colorify.knobs import Knobs
from colorify.laying import apply_chroma
from colorify.network_input import upright_size
from colorify.pictures import Picture

SCREEN = 640  # px: longest side of what is shown while it is worked on


@dataclass(frozen=True)
class Choice:
    """What the studio asks for: which model, mixed with which other, and the knobs of both."""

    model: str
    other: str | None = None  # a second model to blend with
    blend: float = 0.0  # its share
    knobs: Knobs = field(default_factory=Knobs)


class Session:
    """Models and the picture that is worked on."""

    def __init__(self, models: dict[str, Colorizer]):
        self.models = models
        self.ideas: dict[str, int] = {}  # name -> number
        self._answers: dict[tuple[str, int], Answer] = {}
        self._asked: tuple[tuple, Answer] | None = None  # the last one, which knows how hints spread

    def open(self, source: Picture) -> None:
        """Take another picture."""
        self.source = source
        upright = pictures.to_pil(pictures.upright(replace(source, alpha=None))).convert("RGB")
        upright.thumbnail((SCREEN, SCREEN), Image.Resampling.LANCZOS)
        self.shown = pictures.from_pil(upright)
        self.ideas, self._answers, self._asked = {}, {}, None
        vars(self).pop("truth", None)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return upright_size(self.source)

    def gray(self) -> Image.Image:
        """The picture without colours, as large as it is shown."""
        return pictures.to_pil(apply_chroma(self.shown, np.zeros((1, 1, 2))))

    def preview(self, choice: Choice) -> Image.Image:
        """The picture coloured, as large as it is shown."""
        return pictures.to_pil(self.answer(choice).paint(choice.knobs, self.shown))

    def full(self, choice: Choice, report: Callable[[float], None] = lambda share: None) -> Picture:
        """The whole picture coloured, in its own depth; ``report`` hears which share of it is done."""
        return self.answer(choice).paint(choice.knobs, report=report)

    def answer(self, choice: Choice) -> Answer:
        """What the chosen models say of the picture."""
        other = choice.other if choice.blend else None
        asked = choice.model, other, choice.blend if other else 0, choice.knobs.size
        if self._asked is None or self._asked[0] != asked:
            answer = self._answer(choice.model, choice.knobs.size)
            if other:
                answer = Blend(answer, self._answer(other, choice.knobs.size), choice.blend)
            self._asked = asked, answer
        return self._asked[1]

    def mix(self, choice: Choice) -> Mix:
        """The chosen models as one, for a film."""
        other = choice.other if choice.blend else None
        ideas = tuple(self.ideas.get(name, 0) for name in (choice.model, other))
        return Mix(self.model(choice.model), other and self.model(other), choice.blend, ideas)

    def model(self, name: str) -> Colorizer:
        """That of this name; that of an idea is the classifier."""
        return self.models[self.classifier if name in self.ideas else name]

    def _answer(self, name: str, size: int | None) -> Answer:
        model = self.model(name)
        key = self.classifier if name in self.ideas else name, size or model.size
        if key not in self._answers:
            self._answers[key] = model.look(self.source, size)
        return self._answers[key].think(self.ideas[name]) if name in self.ideas else self._answers[key]

    @cached_property
    def classifier(self) -> str | None:
        """The model that knows a distribution over colours; nothing: there is none."""
        return next((name for name, model in self.models.items() if isinstance(model.codec, Bits)), None)

    def palette(self, x: float, y: float, count: int = 12) -> list[tuple[str, float]]:
        """Likely colours at a place, in shares of width and height, as ``#rrggbb`` with their shares; one a name."""
        if self.classifier is None:
            return []
        logits = self._answer(self.classifier, None).output
        _, height, width = logits.shape
        top, left = (max(0, min(int(v * n), n - 1) - 1) for v, n in ((y, height), (x, width)))
        probabilities = softmax(logits[:, top : top + 3, left : left + 3]).mean((1, 2))
        centers, luma = self.models[self.classifier].codec.centers, self._shown_luma(x, y)
        found: dict[str, tuple[str, float]] = {}
        for number in np.argsort(-probabilities)[: 4 * count]:
            color = hex_of(luma, centers[number])
            first, sum_of = found.get(name_of(color), (color, 0.0))
            found[name_of(color)] = first, sum_of + float(probabilities[number])
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
        self.ideas = {f"idea {n}": seed * count + n for n in range(1, count + 1)}
        self._asked = None

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
            "below gray, %": float(metrics.below(metrics.mse_ab(lab, self.truth), self.truth[1:].square().mean())),
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
