"""Colouring pictures, in two steps: what the network says of one (`Answer`), and painting that with `Knobs`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import cv2
import numpy as np
from PIL import Image

from colorify import pictures
from colorify.codec import Bits, Codec, softmax
from colorify.knobs import Knobs
from colorify.laying import adjust, apply_chroma, in_file_order
from colorify.models import onnx, released
from colorify.network_input import autocontrast, resized, small_luma, smaller, upright_size
from colorify.pictures import MAX_MEGAPIXELS, Picture

if TYPE_CHECKING:
    import torch

    from colorify.hints import Hint, Spreading
    from colorify.models.checkpoint import Checkpoint
    from colorify.models.onnx import OnnxModel

    Source = Image.Image | str | Path | bytes | BinaryIO | np.ndarray | torch.Tensor
    """A picture; tensors have their channels first, ``(H, W)`` or ``(1|3|4, H, W)``, as those of torchvision."""

DEFAULT_SIZE = 128
_PLAIN = Knobs()


class Answer:
    """What the network said of one picture; it is painted as often as wanted, with other knobs each time."""

    def __init__(self, picture: Picture, luma: np.ndarray, output: np.ndarray, codec: Codec, idea: int = 0):
        """A picture, the upright L* ``(h, w)`` that the network saw, and what its head predicted ``(n, h/2, w/2)``.

        ``idea``: that of the knobs, whatever they say.
        """
        self.picture, self.luma, self.output, self.codec, self.own_idea = picture, luma, output, codec, idea
        self._decoded: dict[tuple, np.ndarray] = {}
        self._spreading: dict[tuple, Spreading] = {}

    def think(self, idea: int) -> Answer:
        """The same as another plausible result, by its number; classification models only."""
        return Answer(self.picture, self.luma, self.output, self.codec, idea)

    def chroma(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        """The ab ``(h/2, w/2, 2)`` that the prediction stands for, upright."""
        key = self._key(knobs)
        ab = self._decoded.get(key)
        if ab is None:
            idea = self.own_idea or knobs.idea
            ab = decode(self.codec, self.output[None], replace(knobs, idea=idea))[0]
            self._decoded = {key: ab}
        return ab

    def _key(self, knobs: Knobs) -> tuple:
        return knobs.temperature, knobs.idea, knobs.variety

    def ab(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        """The ab that the knobs ask for, hints and all: ``(h, w, 2)``, upright; `HintError` for one outside."""
        chroma = self.chroma(knobs)
        ab = knobs.applied(chroma)
        if not knobs.hints:
            return ab
        from colorify.hints import Spreading

        key = self._key(knobs)
        spreading = self._spreading.get(key)
        if spreading is None:
            spreading = Spreading(self.luma, _enlarged(chroma, self.luma.shape))
            self._spreading = {key: spreading}
        return hinted(ab, spreading, knobs.hints, upright_size(self.picture))

    def paint(
        self,
        knobs: Knobs = _PLAIN,
        onto: Picture | None = None,
        report: Callable[[float], None] = lambda share: None,
        threads: bool = True,
    ) -> Picture:
        """The picture coloured, or ``onto``, a copy of it of another size; ``report`` hears which share is done."""
        target = onto or self.picture
        blur = knobs.blur * min(target.size) / min(self.picture.size)
        return apply_chroma(target, adjust(self.ab(knobs), target, blur), report, threads)


class Blend(Answer):
    """Two answers for one picture, mixed; hints spread as the first would have them."""

    def __init__(self, first: Answer, second: Answer, share: float):
        """``share``, 0..1, is that of the second."""
        super().__init__(first.picture, first.luma, first.output, first.codec)
        self.first, self.second, self.share = first, second, share

    def chroma(self, knobs: Knobs = _PLAIN) -> np.ndarray:
        return mixed(self.first.chroma(knobs), self.second.chroma(knobs), self.share)


class Colorizer:
    """Colours gray pictures with one model; luminance, size, depth and metadata stay (see the README's promises)."""

    def __init__(self, model: Checkpoint | OnnxModel, device: str = "auto", concurrency: int = 1):
        """A model on a device: ``auto`` (the GPU where there is one), ``cpu`` or ``cuda``.

        ``concurrency`` is the number of threads that are going to use it at the same time.
        """
        self.model, self.device, self.concurrency = model, device, concurrency
        self.predict = model.predictor(device, concurrency)
        self.codec, self.method, self.training = model.codec, model.method, model.training
        self.size = model.training.get("size", DEFAULT_SIZE)

    @classmethod
    def load(cls, name: str | Path = "highres", device: str = "auto", concurrency: int = 1) -> Colorizer:
        """The model ``highres``, ``lowres``, or that of a path, a checkpoint or an ONNX file.

        On the CPU a checkpoint with its ONNX file beside it runs by that, where OpenVINO is installed: the same
        network, sooner. `CheckpointError` says why a model cannot be used.
        """
        path = released.find(name)
        if path.suffix == ".onnx":
            return cls(onnx.load(path), device, concurrency)
        if _is_cpu(device) and (model := onnx.beside(path)):
            return cls(model, "cpu", concurrency)
        from colorify.models import checkpoint

        return cls(checkpoint.load(path), device, concurrency)

    @cached_property
    def network(self) -> torch.nn.Module:
        """The torch module, in evaluation mode: L* ``(B, 1, H, W)`` in 0..100 -> ``(B, outputs, H/2, W/2)``."""
        from colorify.models.checkpoint import find_device

        return self.model.build().to(find_device(self.device))

    @property
    def digest(self) -> str:
        """What tells this model from any other."""
        return self.model.digest

    def __call__(self, image: Source, **knobs: object) -> Image.Image | np.ndarray:
        """Colour one picture: an image, path, bytes or open file give a Pillow image of 8 bits, others their like.

        The knobs are the fields of `Knobs`. Raises `PictureError` on what is no picture: wrong shape or type, values
        outside 0..1, unreadable files.
        """
        return self.batch([image], **knobs)[0]

    def batch(self, images: Sequence[Source], **knobs: object) -> list[Image.Image | np.ndarray]:
        """Colour several pictures; those of one shape go through the network together."""
        colored = self.colorize([_picture(image) for image in images], Knobs(**knobs))
        return [_given(image, result) for image, result in zip(images, colored, strict=True)]

    def colorize(self, sources: Sequence[Picture], knobs: Knobs = _PLAIN) -> list[Picture]:
        """`batch` for pictures as files hold them: any depth, metadata carried over."""
        answers = self.looks(sources, knobs.size, knobs.tta)
        return [answer.paint(knobs, threads=self.concurrency == 1) for answer in answers]

    def look(self, picture: Picture, size: int | None = None, tta: bool = True) -> Answer:
        """What the network says of one picture, to be painted with any knobs."""
        return self.looks([picture], size, tta)[0]

    def looks(self, sources: Sequence[Picture], size: int | None = None, tta: bool = True) -> list[Answer]:
        """`look` for several; those of one shape go through the network together."""
        lumas = [small_luma(source, size or self.size) for source in sources]
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, luma in enumerate(lumas):
            groups.setdefault(luma.shape, []).append(number)
        outputs: dict[int, np.ndarray] = {}
        for numbers in groups.values():
            outputs |= zip(numbers, self.output(np.stack([lumas[number] for number in numbers]), tta), strict=True)
        return [Answer(source, lumas[n], outputs[n], self.codec) for n, source in enumerate(sources)]

    def output(self, luma: np.ndarray, tta: bool = True) -> np.ndarray:
        """What the head predicts for L* ``(B, H, W)`` in 0..100, H and W even: ``(B, outputs, H/2, W/2)``.

        The network sees `autocontrast` of it. ``tta`` (test-time augmentation): the mean with what it predicts for
        `smaller`, for 1.6 times the time.
        """
        luma = autocontrast(luma)
        answer = self.predict(luma[:, None])
        if not tta:
            return answer
        other = self.predict(smaller(luma)[:, None])[..., ::-1]
        return (answer + resized(other, answer.shape[-2:], cv2.INTER_CUBIC)) / 2

    def chroma(self, luma: np.ndarray, knobs: Knobs = _PLAIN) -> np.ndarray:
        """The ab ``(B, H/2, W/2, 2)`` that `output` stands for."""
        return decode(self.codec, self.output(luma, knobs.tta), knobs)

    def uncertainty(self, image: Source, size: int | None = None) -> np.ndarray:
        """Entropy of the distribution over colours, in bits, ``(H, W)`` float32; classification models only."""
        answer = self._classified(image, size)
        probabilities = softmax(answer.output)
        bits = -(probabilities * np.log2(probabilities.clip(min=1e-12))).sum(0)
        lying = in_file_order(bits, answer.picture)
        return cv2.resize(lying, answer.picture.size, interpolation=cv2.INTER_LINEAR)

    def samples(
        self, image: Source, k: int, size: int | None = None, seed: int = 0, variety: float = 0.5
    ) -> list[Image.Image | np.ndarray]:
        """``k`` different plausible results, as `__call__` gives them; classification models only.

        They are the ideas ``seed * k + 1`` and following of the knobs, see `decode`; ``variety`` is theirs.
        """
        answer = self._classified(image, size)
        ideas = (Knobs(idea=seed * k + number, variety=variety) for number in range(1, k + 1))
        return [_given(image, answer.paint(knobs)) for knobs in ideas]

    def _classified(self, image: Source, size: int | None) -> Answer:
        _need_classes(self.codec, self.method)
        return self.look(_picture(image), size)


class Mix:
    """Two models as one, each with its own idea, for films: what `colorify.video` asks of a model."""

    def __init__(
        self, first: Colorizer, second: Colorizer | None = None, share: float = 0.0, ideas: tuple[int, int] = (0, 0)
    ):
        self.first, self.second, self.share, self.ideas = first, second, share, ideas
        self.size = first.size
        other = second.digest if second else ""
        self.digest = f"{first.digest} {other} {share} {ideas}" if other or any(ideas) else first.digest

    def chroma(self, luma: np.ndarray, knobs: Knobs = _PLAIN) -> np.ndarray:
        """As `Colorizer.chroma`."""
        ab = self.first.chroma(luma, replace(knobs, idea=self.ideas[0] or knobs.idea))
        if self.second is None:
            return ab
        return mixed(ab, self.second.chroma(luma, replace(knobs, idea=self.ideas[1])), self.share)


def decode(codec: Codec, output: np.ndarray, knobs: Knobs = _PLAIN) -> np.ndarray:
    """The ab ``(B, h, w, 2)`` that predictions ``(B, n, h, w)`` stand for.

    An idea draws one Gumbel number a class, the same for the whole picture, and adds it to the logits: pixels of one
    thing choose the same colour (Gumbel 1954). ``variety`` scales the numbers: 0 gives the plain result, 1 draws as
    unlikely colours as the network believes in, purple faces among them.
    """
    if knobs.idea:
        _need_classes(codec, codec.name)
        drawn = np.random.default_rng(knobs.idea).gumbel(size=(codec.outputs, 1, 1)).astype(np.float32)
        output = output + np.float32(knobs.variety) * drawn
    return np.moveaxis(codec.decode(output, knobs.temperature), 1, -1)


def _need_classes(codec: Codec, what: str) -> None:
    if not isinstance(codec, Bits):
        raise ValueError(f"a {what} model has no distribution over colours: load a classification model")


def mixed(ab: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Two ab ``(..., h, w, 2)``, the second at its own size, as one; ``share``, 0..1, is that of the second."""
    if other.shape != ab.shape:
        planes = resized(np.moveaxis(other, -1, -3), ab.shape[-3:-1], cv2.INTER_CUBIC)
        other = np.moveaxis(planes, -3, -1)
    return ab + (other - ab) * share


def _is_cpu(device: str) -> bool:
    """Whether a device is the CPU; torch is asked only where there may be another."""
    drivers = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # Nvidia's, that of Windows for its Linux, AMD's
    if device == "auto" and os.name == "posix" and not any(map(os.path.exists, drivers)):
        return True
    if device == "cpu":
        return True
    from colorify.models.checkpoint import find_device

    return find_device(device).type == "cpu"


def _given(image: Source, result: Picture) -> Image.Image | np.ndarray | torch.Tensor:
    """A result in the kind that the image was given in."""
    if _is_tensor(image):
        pixels = np.ascontiguousarray(np.moveaxis(pictures.to_array(result), -1, 0))
        return sys.modules["torch"].from_numpy(pixels).to(image.device)
    return pictures.to_array(result) if isinstance(image, np.ndarray) else pictures.to_pil(result)


def _is_tensor(image: Source) -> bool:
    return "torch" in sys.modules and isinstance(image, sys.modules["torch"].Tensor)


def _picture(image: Source) -> Picture:
    if _is_tensor(image):
        pixels = image.detach().cpu().numpy()
        image = (
            np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 and len(pixels) > 1 else pixels.reshape(pixels.shape[-2:])
        )
    if isinstance(image, np.ndarray):
        return pictures.from_array(image)
    if hasattr(image, "read"):
        image = image.read()
    if isinstance(image, (bytes, bytearray, memoryview)):
        return pictures.decode(bytes(image), "the bytes given", MAX_MEGAPIXELS)
    if isinstance(image, Image.Image):
        return pictures.from_pil(image)
    if isinstance(image, (str, Path)):
        return pictures.read(Path(image), MAX_MEGAPIXELS)
    raise pictures.PictureError(f"a {type(image).__name__}: expected an image, a path, bytes, an array, a tensor")


def _enlarged(ab: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(ab), shape[::-1], interpolation=cv2.INTER_CUBIC)


def hinted(ab: np.ndarray, spreading: Spreading, hints: Sequence[Hint], size: tuple[int, int]) -> np.ndarray:
    """The ab ``(h, w, 2)`` with hints, of a picture of this ``size``, spread over it; `HintError` for one outside."""
    from colorify.hints import check

    checked = check(hints, size)
    if len(ab) < spreading.shape[0]:
        ab = _enlarged(ab, spreading.shape)
    places = [((hint.x + 0.5) / size[0], (hint.y + 0.5) / size[1]) for hint in checked]
    return ab + spreading.change(ab, places, [hint.ab for hint in checked])
