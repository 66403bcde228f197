"""What the studio shows, without any widget: one picture, several models, and only what changed is computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from PIL import Image, ImageColor

from colorify import batch, pictures
from colorify.answer import Answer, Blend
from colorify.codec import Bits, Channels, softmax
from colorify.color import luma_to_gray, render, rgb_to_lab, to_rgb
from colorify.inference import Colorizer, Mix
from colorify.knobs import Knobs
from colorify.laying import adjust, apply_chroma, luma_reader
from colorify.network_input import dimmed, small_luma, small_size, upright_size
from colorify.pictures import Metadata, Picture

if TYPE_CHECKING:
    from colorify.masks import Mask

SHOWN = 16e6  # pixels at most of what is shown, and the longest side that graphics cards take
LONGEST = 8192
THUMB = 192  # px: longest side of a thumbnail
GRAY, GIVEN, ORIGINAL = "gray", "yours", "original"
"""What may be chosen instead of a model: no colours, those of `Session.give`, and those that the picture came with."""
_NEAR = 12.0  # ab units: colours nearer than that are called near
_UNSURE = (30.0, 75.0)  # ab of where the classifier is unsure: orange
_CODES = (luma_to_gray(np.linspace(0, 100, 4096)) * 255 + 0.5).astype(np.uint8)  # the gray of an L*
_STRIP = 1 << 20  # pixels at a time


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
        self.first = "highres" if "highres" in models else next(iter(models))
        self.ideas: dict[str, int] = {}  # name -> number
        self.given: np.ndarray | None = None  # ab (h, w, 2) that came from outside, see `give`
        self._answers: dict[tuple[str, int, bool, int], Answer] = {}
        self._asked: tuple[tuple, Answer] | None = None  # the last one, which knows how hints spread

    def open(self, source: Picture) -> None:
        """Take another picture."""
        self.source = source
        self.shown = Picture(_fitted(seen(pictures.upright(replace(source, alpha=None)))))  # gray, upright, 8 bit
        self.small = Picture(np.asarray(thumb(Image.fromarray(self.shown.pixels))))
        self.ideas, self._answers, self._asked, self.given = {}, {}, None, None
        for found in ("truth", "own"):
            vars(self).pop(found, None)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return upright_size(self.source)

    def names(self) -> list[str]:
        """All that can be a choice's model: gray, what was given, models, ideas."""
        return [GRAY, *([GIVEN] if self.given is not None else []), *self.models, *self.ideas]

    def ab(self, choice: Choice) -> np.ndarray:
        """The chroma ``(h, w, 2)`` laid over `shown` as far as the mask says; upright, as small as it is known."""
        blur = choice.knobs.blur * min(self.shown.size) / min(self.source.size)
        choice = self._meant(choice)
        return adjust(self.answer(choice).ab(choice.knobs), self.shown, blur)

    def preview(self, choice: Choice) -> Image.Image:
        """The picture coloured, as a thumbnail."""
        return pictures.to_pil(apply_chroma(self.small, self.ab(choice)))

    def full(
        self, choice: Choice, depth: int | None = None, progress: Callable[[float], None] = lambda share: None
    ) -> Picture:
        """The whole picture coloured, in its own depth or 8 or 16 bits; ``progress`` hears which share is done."""
        choice = self._as_told(choice)
        return self.answer(choice).paint(choice.knobs, deeper(self.source, depth), progress)

    def under_luma(self, choice: Choice, gray: Picture) -> tuple[np.ndarray, Metadata]:
        """What colours the luma of the file, as a ``gray`` picture, without a change to it: `Answer.under_luma`."""
        choice, session = self._as_told(choice), self if gray is self.source else self.beside(gray)
        return session.answer(choice).under_luma(choice.knobs)

    def beside(self, picture: Picture) -> Session:
        """Another picture, with the same models, ideas and given colours."""
        other = Session(self.models)
        other.open(picture)
        other.ideas, other.given = self.ideas, self.given
        return other

    def _meant(self, choice: Choice) -> Choice:
        """Gray is the first model without its colours: hints alone, which spread as they do in that one."""
        if choice.model != GRAY:
            return choice
        return Choice(self.first, knobs=replace(choice.knobs, saturation=0.0))

    def plainly(self, choice: Choice) -> Choice:
        """The same choice in what the command line knows: models, and ideas by their number."""
        choice = self._meant(choice)
        if choice.model not in self.ideas:
            return choice
        return replace(choice, model=self._thinker, knobs=replace(choice.knobs, idea=self.ideas[choice.model]))

    def _as_told(self, choice: Choice) -> Choice:
        """The same choice, whose result says of itself what that of the command line says: an idea is a knob there.

        A blend has its idea in one of its models alone.
        """
        return self._meant(choice) if choice.other and choice.blend else self.plainly(choice)

    def answer(self, choice: Choice) -> Answer:
        """What the chosen models say of the picture."""
        choice = self._meant(choice)
        other, knobs = choice.other if choice.blend else None, choice.knobs
        asked = choice.model, other, choice.blend if other else 0, knobs.size, knobs.tta
        if self._asked is None or self._asked[0] != asked:
            answer = self._answer(choice.model, knobs)
            if other:
                answer = Blend(answer, self._answer(other, knobs), choice.blend)
            self._asked = asked, answer
        return self._asked[1]

    def mix(self, choice: Choice) -> Mix:
        """The chosen models as one, for a film; `ValueError` for what is no model."""
        other = choice.other if choice.blend else None
        if choice.model in (GRAY, GIVEN):
            raise ValueError(f"a film takes its colours from a model, not from {choice.model!r}: choose one below it")
        ideas = self.ideas.get(choice.model, 0), self.ideas.get(other or "", 0)
        return Mix(self.model(choice.model), self.model(other) if other else None, choice.blend, ideas)

    def model(self, name: str) -> Colorizer:
        """That of this name; that of an idea is the classifier."""
        return self.models[self._thinker if name in self.ideas else name]

    def classifies(self, name: str | None) -> bool:
        """Whether what has this name is a model that knows a distribution over colours."""
        return name in self.ideas or (name in self.models and isinstance(self.models[name].codec, Bits))

    def depth(self) -> int:
        """Bits of a channel of the picture."""
        return 8 * self.source.pixels.dtype.itemsize

    def give(self, picture: Image.Image) -> None:
        """Take the colours of another version of the picture, to be steered as those of a model."""
        width, height = small_size(self.size, 512)
        small = picture.convert("RGB").resize((width // 2, height // 2), Image.Resampling.BOX)
        self.given = rgb_to_lab(to_rgb(small))[..., 1:]
        self._forget(GIVEN)

    def think(self, count: int) -> None:
        """So many further `ideas`: plausible results of the classifier, each for a choice's model of its name."""
        begun = len(self.ideas) + 1
        self.ideas = self.ideas | {f"idea {n}": n for n in range(begun, begun + count)}

    def _forget(self, name: str) -> None:
        self._answers = {key: answer for key, answer in self._answers.items() if key[0] != name}
        self._asked = None

    def _answer(self, name: str, knobs: Knobs) -> Answer:
        own = self._thinker if name in self.ideas else name
        size = knobs.size or (self.models[own].size if own in self.models else 256)
        key, idea = (own, size, knobs.tta, 0), self.ideas.get(name, 0)
        if key not in self._answers:
            self._answers[key] = self._looked(own, size, knobs.tta)
        if idea and (*key[:3], idea) not in self._answers:
            self._answers[*key[:3], idea] = self._answers[key].think(idea)
        return self._answers[*key[:3], idea]

    def _looked(self, name: str, size: int, tta: bool) -> Answer:
        if name in self.models:
            return self.models[name].look(self.source, size, tta)
        if self.given is None:
            raise ValueError(f"no model here is {name!r}: choose one of {', '.join(self.names())}")
        luma = small_luma(self.source, size)
        ab = cv2.resize(self.given, (luma.shape[1] // 2, luma.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return Answer(
            self.source,
            luma,
            np.moveaxis(ab, -1, 0) / Channels().scale,
            Channels(),
            matcher=self.models[self.first].matcher,
        )

    @cached_property
    def classifier(self) -> str | None:
        """The model that knows a distribution over colours; nothing: there is none."""
        return next((name for name in self.models if self.classifies(name)), None)

    @property
    def _thinker(self) -> str:
        """The `classifier`; `ValueError` where there is none."""
        if self.classifier is None:
            raise ValueError("no model here knows how sure it is: name a classifier, such as lowres")
        return self.classifier

    def palette(self, x: float, y: float, count: int = 12) -> list[tuple[str, float]]:
        """Likely colours at a place, in shares of width and height, as ``#rrggbb`` with their shares; one a name."""
        if self.classifier is None:
            return []
        answer = self._answer(self.classifier, Knobs())
        logits = answer.output
        _, height, width = logits.shape
        top, left = (max(0, min(int(v * n), n - 1) - 1) for v, n in ((y, height), (x, width)))
        probabilities = softmax(logits[:, top : top + 3, left : left + 3]).mean((1, 2))
        codec, luma = cast(Bits, self.models[self.classifier].codec), self._shown_luma(x, y)
        centers = codec.centers * dimmed(answer.luma[None])
        found: dict[str, tuple[str, float]] = {}
        for number in np.argsort(-probabilities)[: 4 * count]:
            color = hex_of(luma, centers[number])
            first, sum_of = found.get(name_of(color), (color, 0.0))
            found[name_of(color)] = first, sum_of + float(probabilities[number])
        return sorted(found.values(), key=lambda entry: -entry[1])[:count]

    def color_at(self, x: float, y: float, ab: Sequence[float]) -> str:
        """The ``#rrggbb`` that this ab has at a place, in shares of width and height."""
        return hex_of(self._shown_luma(x, y), ab)

    def _shown_luma(self, x: float, y: float) -> float:
        height, width = self.shown.pixels.shape
        gray = self.shown.pixels[min(int(y * height), height - 1), min(int(x * width), width - 1)]
        return float(rgb_to_lab(np.full(3, gray) / 255)[0])

    def doubt(self) -> np.ndarray:
        """Where the classifier is unsure, as ab ``(h, w, 2)``: no colour where it is sure, orange where it is not."""
        answer = self._answer(self._thinker, Knobs())
        shares = softmax(answer.output)
        bits = -(shares * np.log2(shares.clip(min=1e-12))).sum(0) / np.log2(answer.codec.outputs)
        return (bits[..., None] * np.array(_UNSURE, np.float32)).astype(np.float32)

    @cached_property
    def truth(self) -> np.ndarray | None:
        """The ab ``(h, w, 2)`` that the picture came with, made small; nothing: it was gray."""
        pixels = pictures.turn(self.source.pixels, self.source.orientation)
        if pixels.ndim == 2:
            return None
        size = small_size(self.size, min(256, *self.size))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
        small, space = small / top, pictures.space_of(self.source.metadata)
        ab = rgb_to_lab(space.as_srgb((small * 255).astype(np.uint8)) / 255 if space else small)[..., 1:]
        return ab.astype(np.float32) if np.abs(ab).mean() > 1 else None

    @cached_property
    def own(self) -> np.ndarray | None:
        """Where the picture has colours of its own, 0..1 ``(h, w)``; nothing: nowhere."""
        return batch.own_color(self.source)

    def sparing(self, knobs: Knobs) -> Knobs:
        """The same knobs, that leave these colours alone."""
        return knobs if self.own is None else batch.around(self.own, knobs, self.source)

    def near(self, ab: np.ndarray, mask: Mask | None = None) -> float | None:
        """The share of the picture with colours near those that it came with; nothing: it was gray."""
        if self.truth is None:
            return None
        off = cv2.resize(ab, self.truth.shape[1::-1], interpolation=cv2.INTER_CUBIC) - self.truth
        if mask:
            off *= mask.sized(self.truth.shape[:2])[..., None]  # beside it the picture's own
        return float((np.hypot(*np.moveaxis(off, -1, 0)) < _NEAR).mean())


def seen(picture: Picture) -> np.ndarray:
    """The 8-bit gray ``(H, W)`` with the L* of an upright picture, in bounded memory."""
    pixels, gray = picture.pixels, np.empty(picture.pixels.shape[:2], np.uint8)
    luma_of, step = luma_reader(pixels.dtype, pictures.space_of(picture.metadata)), max(1, _STRIP // pixels.shape[1])
    for top in range(0, len(gray), step):
        luma = luma_of(np.ascontiguousarray(pixels[top : top + step]))
        gray[top : top + step] = _CODES.take((luma * (4095 / 100) + 0.5).astype(np.intp), mode="clip")
    return gray


def _fitted(gray: np.ndarray) -> np.ndarray:
    """The same ``(H, W)``, made smaller if it is too large to be shown."""
    scale = min(1.0, (SHOWN / gray.size) ** 0.5, LONGEST / max(gray.shape))
    height, width = (max(1, round(length * scale)) for length in gray.shape)
    return gray if scale == 1 else cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)


def thumb(picture: Image.Image) -> Image.Image:
    """A small copy."""
    small = picture.copy()
    small.thumbnail((THUMB, THUMB), Image.Resampling.BOX)
    return small


def deeper(source: Picture, depth: int | None) -> Picture:
    """A picture in 8 or 16 bits a channel; nothing: as it is."""
    if depth is None or depth == 8 * source.pixels.dtype.itemsize:
        return source
    alpha = None if source.alpha is None else _coded(source.alpha, depth)
    return replace(source, pixels=_coded(source.pixels, depth), alpha=alpha)


def _coded(plane: np.ndarray, depth: int) -> np.ndarray:
    top = np.iinfo(plane.dtype).max if plane.dtype.kind == "u" else 1
    return (plane.astype(np.float64) * ((2**depth - 1) / top) + 0.5).astype(f"uint{depth}")


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
    """The name of the colour of CSS that is nearest to ``#rrggbb``, in words; ValueError if that is none."""
    names, labs = _names()
    off = labs - rgb_to_lab(np.array(ImageColor.getrgb(color)[:3]) / 255)
    return spoken(names[int((off**2).sum(-1).argmin())])


_WORDS = """
alice antique blanched blue cadet cornflower dark deep dim dodger fire floral forest ghost goldenrod green hot indian
lavender lawn lemon light lime medium midnight mint misty navajo old olive orange pale papaya peach powder rebecca rosy
royal saddle sandy sea sky slate spring steel violet white yellow
"""


@cache
def spoken(name: str) -> str:
    """A colour of CSS in words: ``darkolivegreen`` is dark olive green."""
    for word in sorted(_WORDS.split(), key=len, reverse=True):
        if name.startswith(word) and len(name) > len(word) + 2:
            return f"{word} {spoken(name[len(word) :])}"
    return name
