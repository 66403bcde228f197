"""What a network said of one picture, and painting it as `Knobs` ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from colorify import pictures
from colorify.codec import Bits, Codec
from colorify.knobs import Knobs
from colorify.laying import adjust, apply_chroma, chroma_planes, in_file_order
from colorify.network_input import dimmed, resized, upright_size
from colorify.pictures import Picture

if TYPE_CHECKING:
    from colorify.hints import Hint, Spreading
    from colorify.masks import Mask
    from colorify.matching import Match, Matcher
    from colorify.references import Reference

_PLAIN = Knobs()


class Answer:
    """What the network said of one picture; it is painted as often as wanted, with other knobs each time."""

    def __init__(
        self,
        picture: Picture,
        luma: np.ndarray,
        output: np.ndarray,
        codec: Codec,
        idea: int = 0,
        matcher: Callable[[], Matcher] | None = None,
    ):
        """A picture, the upright L* ``(h, w)`` that the network saw, and what its head predicted ``(n, h/2, w/2)``.

        ``idea``: that of the knobs, whatever they say; ``matcher`` gives what finds its references.
        """
        self.picture, self.luma, self.output, self.codec, self.own_idea = picture, luma, output, codec, idea
        self.matcher, self.model = matcher, ""  # the name and version of who answers
        self._decoded: dict[tuple, np.ndarray] = {}
        self._matches: dict[tuple, Match] = {}
        self._guided: dict[tuple, np.ndarray] = {}
        self._spreading: dict[tuple, Spreading] = {}

    def think(self, idea: int) -> Answer:
        """The same as another plausible result, by its number; classification models only."""
        other = Answer(self.picture, self.luma, self.output, self.codec, idea, self.matcher)
        other.model = self.model
        return other

    def chroma(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        """The ab ``(h/2, w/2, 2)`` that the prediction stands for, upright."""
        key = self._key(knobs)
        ab = self._decoded.get(key)
        if ab is None:
            idea = self.own_idea or knobs.idea
            ab = decode(self.codec, self.output[None], replace(knobs, idea=idea))[0] * dimmed(self.luma[None])
            self._decoded = {key: ab}
        return ab

    def _key(self, knobs: Knobs) -> tuple:
        return knobs.temperature, knobs.idea, knobs.variety

    def guided(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        """`chroma`, drawn to the references where they match, and to the palette: ``(h/2, w/2, 2)``, upright."""
        key = self._key(knobs), _guides(knobs)
        if key not in self._guided:
            chroma = self.chroma(knobs)
            if knobs.references and knobs.reference_strength:
                from colorify.matching import change

                match = self._match(knobs.references)
                chroma = chroma + change(match, self.luma, chroma, knobs.reference_strength)
            self._guided = {key: drawn(chroma, self.output, self.codec, knobs)}
        return self._guided[key]

    def _match(self, references: tuple[Reference, ...]) -> Match:
        if references not in self._matches:
            if self.matcher is None:
                raise ValueError("this answer has nothing to match references with: give it a matcher")
            for reference in references:
                reference.check(upright_size(self.picture))
            self._matches = {references: self.matcher().match(self.luma, references)}
        return self._matches[references]

    def ab(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        """The ab that the knobs ask for, hints and all: ``(h, w, 2)``, upright; `HintError` for one outside."""
        chroma = self.guided(knobs)
        ab = knobs.applied(chroma)
        if not knobs.hints:
            return ab
        from colorify.hints import Spreading

        key = self._key(knobs), _guides(knobs)
        spreading = self._spreading.get(key)
        if spreading is None:
            spreading = Spreading(self.luma, _enlarged(chroma, self.luma.shape))
            self._spreading = {key: spreading}
        return hinted(ab, spreading, knobs.hints, upright_size(self.picture))

    def paint(
        self,
        knobs: Knobs = _PLAIN,
        onto: Picture | None = None,
        progress: Callable[[float], None] = lambda share: None,
        threads: bool = True,
    ) -> Picture:
        """The picture coloured, or ``onto``, a copy of it of another size; ``progress`` hears which share is done."""
        target = onto or self.picture
        blur = knobs.blur * min(target.size) / min(self.picture.size)
        painted = apply_chroma(
            target, adjust(self.ab(knobs), target, blur), progress, threads, _share(knobs.mask, target)
        )
        painted = pictures.badged(painted) if knobs.badge else painted
        return self._signed(painted, knobs)

    def under_luma(self, knobs: Knobs = _PLAIN, threads: bool = True) -> tuple[np.ndarray, pictures.Metadata]:
        """Cb and Cr ``(2, h, w)`` uint8 that color a gray picture of 8 bits under its luma, and the result's metadata.

        A sample stands for two by two pixels, as the file lies.
        """
        target = self.picture
        ab = adjust(self.ab(knobs), target, knobs.blur)
        planes = chroma_planes(target, ab, threads, _share(knobs.mask, target))
        return planes, self._signed(pictures.colored(target, target.pixels), knobs).metadata

    def _signed(self, painted: Picture, knobs: Knobs) -> Picture:
        return pictures.signed(painted, self.model, knobs.told()) if knobs.provenance else painted


class Blend(Answer):
    """Two answers for one picture, mixed; hints spread as the first would have them."""

    def __init__(self, first: Answer, second: Answer, share: float):
        """``share``, 0..1, is that of the second."""
        super().__init__(first.picture, first.luma, first.output, first.codec, matcher=first.matcher)
        self.first, self.second, self.share = first, second, share
        self.model = f"{first.model} and {second.model}, {share:g} of it"

    def chroma(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        return mixed(self.first.chroma(knobs), self.second.chroma(knobs), self.share)


def decode(codec: Codec, output: np.ndarray, knobs: Knobs = _PLAIN) -> np.ndarray:
    """The ab ``(B, h, w, 2)`` that predictions ``(B, n, h, w)`` stand for.

    An idea draws one Gumbel number a class, the same for the whole picture, and adds it to the logits: pixels of one
    thing choose the same colour (Gumbel 1954). ``variety`` scales the numbers: 0 gives the plain result, 1 draws as
    unlikely colours as the network believes in, purple faces among them.
    """
    if knobs.idea:
        need_classes(codec, codec.name)
        drawn = np.random.default_rng(knobs.idea).gumbel(size=(codec.outputs, 1, 1)).astype(np.float32)
        output = output + np.float32(knobs.variety) * drawn
    return np.moveaxis(codec.decode(output, knobs.temperature), 1, -1)


def drawn(ab: np.ndarray, output: np.ndarray, codec: Codec, knobs: Knobs) -> np.ndarray:
    """The ab ``(h, w, 2)`` drawn to the palette of the knobs, if they have one; ``output`` is the prediction."""
    if not knobs.palette or not knobs.palette_strength:
        return ab
    from colorify import palettes

    return palettes.drawn(ab, knobs.palette, knobs.palette_strength, output, codec)


def _guides(knobs: Knobs) -> tuple:
    return knobs.references, knobs.reference_strength, knobs.palette, knobs.palette_strength


def _share(mask: Mask | None, target: Picture) -> np.ndarray | None:
    """How much color each pixel of a picture gets, as its file lies."""
    if mask is None:
        return None
    size = upright_size(target)
    mask.check(size)
    return in_file_order(mask.sized(size[::-1]), target)


def need_classes(codec: Codec, what: str) -> None:
    """`ValueError` for a codec without classes; ``what`` has it."""
    if not isinstance(codec, Bits):
        raise ValueError(f"a {what} model has no distribution over colours: load a classification model")


def mixed(ab: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Two ab ``(..., h, w, 2)``, the second at its own size, as one; ``share``, 0..1, is that of the second."""
    if other.shape != ab.shape:
        planes = resized(np.moveaxis(other, -1, -3), ab.shape[-3:-1], cv2.INTER_CUBIC)
        other = np.moveaxis(planes, -3, -1)
    return ab + (other - ab) * share


def _enlarged(ab: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(ab), shape[::-1], interpolation=cv2.INTER_CUBIC)


def hinted(ab: np.ndarray, spreading: Spreading, hints: Sequence[Hint], size: tuple[int, int]) -> np.ndarray:
    """The ab ``(h, w, 2)`` with hints, of a picture of this ``size``, spread over it; `HintError` for one outside."""
    from colorify.hints import check

    checked = check(hints, size)
    if len(ab) < spreading.shape[0]:
        ab = _enlarged(ab, spreading.shape)
    change = np.zeros_like(ab)
    for region in dict.fromkeys(hint.region for hint in checked):
        some = [hint for hint in checked if hint.region == region]
        places = [((hint.x + 0.5) / size[0], (hint.y + 0.5) / size[1]) for hint in some]
        part = spreading.change(ab, places, [hint.ab for hint in some])
        change += part if region is None else part * region.sized(part.shape[:2])[..., None]
    return ab + change
