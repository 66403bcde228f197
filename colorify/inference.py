"""Colouring pictures, in two steps: what the network says of one (`Answer`), and painting that with `Knobs`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, overload

import cv2
import numpy as np
from PIL import Image

from colorify import pictures
from colorify.answer import Answer, Blend, decode, drawn, mixed, need_classes
from colorify.codec import softmax
from colorify.knobs import Knobs
from colorify.laying import in_file_order
from colorify.models import CheckpointError, onnx, released
from colorify.models.running import BFLOAT16
from colorify.network_input import autocontrast, dimmed, resized, small_luma, smaller
from colorify.pictures import Picture

if TYPE_CHECKING:
    import torch

    from colorify.matching import Matcher
    from colorify.models.checkpoint import Checkpoint
    from colorify.models.onnx import OnnxModel
    from colorify.pictures.taken import Result, Source

DEFAULT_SIZE = 128
_PLAIN = Knobs()
_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd", r"%SystemRoot%\System32\nvcuda.dll")
"""Of GPUs: Nvidia's, that of Windows for its Linux, AMD's, Nvidia's on Windows."""


class Colorizer:
    """Colours gray pictures with one model; luminance, size, depth and metadata stay (see docs/promises.md)."""

    def __init__(self, model: Checkpoint | OnnxModel, device: str = "auto", concurrency: int = 1):
        """A model on a device: ``auto`` (the GPU where there is one), ``cpu``, ``cpu-bf16`` or ``cuda``.

        ``concurrency`` is the number of threads that are going to use it at the same time.
        """
        self.model, self.device, self.concurrency = model, device, concurrency
        self.predict = model.predictor(device, concurrency)
        self.codec, self.method, self.training = model.codec, model.method, model.training
        self.size = model.training.get("size", DEFAULT_SIZE)
        self.name = self.method
        self._matcher: Matcher | None = None
        self._making = threading.Lock()

    @classmethod
    def load(cls, name: str | Path = "highres", device: str = "auto", concurrency: int = 1) -> Colorizer:
        """The model ``highres``, ``lowres``, or that of a path, a checkpoint or an ONNX file.

        On the CPU a checkpoint with its ONNX file beside it runs by that, where OpenVINO is installed: the same
        network, sooner. `CheckpointError` says why a model cannot be used.
        """
        path = released.find(name)
        if path.suffix == ".onnx":
            found = cls(onnx.load(path), device, concurrency)
        elif _is_cpu(device) and (model := onnx.beside(path)):
            found = cls(model, BFLOAT16 if device == BFLOAT16 else "cpu", concurrency)
        elif device == BFLOAT16:
            raise CheckpointError(f"{path}: device {device!r} takes ONNX files: colorify export onnx {path}")
        else:
            from colorify.models import checkpoint

            found = cls(checkpoint.load(path), device, concurrency)
        found.name = path.stem
        return found

    @cached_property
    def network(self) -> torch.nn.Module:
        """The torch module, in evaluation mode: L* ``(B, 1, H, W)`` in 0..100 -> ``(B, outputs, H/2, W/2)``."""
        from colorify.models.checkpoint import find_device

        return self.model.build().to(find_device("cpu" if self.device == BFLOAT16 else self.device))

    @property
    def digest(self) -> str:
        """What tells this model, and what it is computed in, from any other."""
        return self.model.digest + self._precision

    @property
    def _precision(self) -> str:
        return " bfloat16" if self.device == BFLOAT16 else ""

    def matcher(self) -> Matcher:
        """What finds references, with this model's encoder; one for all pictures."""
        from colorify.matching import Matcher

        with self._making:
            self._matcher = self._matcher or Matcher(
                partial(self.model.encoder, self.device, self.concurrency), self.size
            )
        return self._matcher

    @property
    def signature(self) -> str:
        """Name and digest, for the metadata of results."""
        return f"{self.name} {self.digest[:8]}{self._precision}"

    @overload
    def __call__(self, image: np.ndarray, **knobs: Any) -> np.ndarray: ...

    @overload
    def __call__(self, image: torch.Tensor, **knobs: Any) -> torch.Tensor: ...

    @overload
    def __call__(self, image: Image.Image | str | Path | bytes | BinaryIO, **knobs: Any) -> Image.Image: ...

    def __call__(self, image: Source, **knobs: Any) -> Result:
        """Colour one picture: an image, path, bytes or open file give a Pillow image of 8 bits, others their like.

        The knobs are the fields of `Knobs`. Raises `PictureError` on what is no picture: wrong shape or type, values
        outside 0..1, unreadable files.
        """
        return self.batch([image], **knobs)[0]

    def batch(self, images: Sequence[Source], **knobs: Any) -> list[Result]:
        """Colour several pictures; those of one shape go through the network together."""
        colored = self.colorize([pictures.taken(image) for image in images], Knobs(**knobs))
        return [_given(image, result) for image, result in zip(images, colored, strict=True)]

    def colorize(self, sources: Sequence[Picture], knobs: Knobs = _PLAIN) -> list[Picture]:
        """`batch` for pictures as files hold them: any depth, metadata carried over."""
        answers, knobs = self.answers(sources, knobs)
        return [answer.paint(knobs, threads=self.concurrency == 1) for answer in answers]

    def answers(self, sources: Sequence[Picture], knobs: Knobs = _PLAIN) -> tuple[list[Answer], Knobs]:
        """What is painted to color pictures, and the knobs to paint it with."""
        return self.looks(sources, knobs.size, knobs.tta), knobs

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
        answers = [
            Answer(source, lumas[n], outputs[n], self.codec, matcher=self.matcher) for n, source in enumerate(sources)
        ]
        for answer in answers:
            answer.model = self.signature
        return answers

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
        """The ab ``(B, H/2, W/2, 2)`` that `output` stands for, drawn to references and palette."""
        output = self.output(luma, knobs.tta)
        ab = decode(self.codec, output, knobs) * dimmed(luma)[:, None, None, None]
        if knobs.references and knobs.reference_strength:
            ab = np.stack([self._referred(one, seen, knobs) for one, seen in zip(ab, luma, strict=True)])
        return np.stack([drawn(one, said, self.codec, knobs) for one, said in zip(ab, output, strict=True)])

    def _referred(self, ab: np.ndarray, luma: np.ndarray, knobs: Knobs) -> np.ndarray:
        """The ab ``(h, w, 2)`` drawn to the references, as `Answer.guided`."""
        from colorify.matching import change

        for reference in knobs.references:
            reference.check(luma.shape[::-1])
        match = self.matcher().match(luma, knobs.references)
        return ab + change(match, luma, ab, knobs.reference_strength)

    def uncertainty(self, image: Source, size: int | None = None) -> np.ndarray:
        """Entropy of the distribution over colours, in bits, ``(H, W)`` float32; classification models only."""
        answer = self._classified(image, size)
        probabilities = softmax(answer.output)
        bits = -(probabilities * np.log2(probabilities.clip(min=1e-12))).sum(0)
        lying = in_file_order(bits, answer.picture)
        return cv2.resize(lying, answer.picture.size, interpolation=cv2.INTER_LINEAR)

    def samples(
        self, image: Source, k: int, size: int | None = None, seed: int = 0, variety: float = 0.5
    ) -> list[Result]:
        """``k`` different plausible results, as `__call__` gives them; classification models only.

        They are the ideas ``seed * k + 1`` and following of the knobs, see `decode`; ``variety`` is theirs.
        """
        answer = self._classified(image, size)
        ideas = (Knobs(idea=seed * k + number, variety=variety) for number in range(1, k + 1))
        return [_given(image, answer.paint(knobs)) for knobs in ideas]

    def _classified(self, image: Source, size: int | None) -> Answer:
        need_classes(self.codec, self.method)
        return self.look(pictures.taken(image), size)


class Mix:
    """Two models as one, each with its own idea: what the command line and `colorify.video` ask of a model."""

    def __init__(
        self, first: Colorizer, second: Colorizer | None = None, share: float = 0.0, ideas: tuple[int, int] = (0, 0)
    ):
        self.first, self.second, self.share, self.ideas = first, second, share, ideas
        self.size = first.size
        other = second.digest if second else ""
        self.digest = f"{first.digest} {other} {share} {ideas}" if other or any(ideas) else first.digest

    @property
    def signature(self) -> str:
        """Names and digests, for the metadata of results."""
        other = f" and {self.second.signature}, {self.share:g} of it" if self.second else ""
        return f"{self.first.signature}{other}"

    def chroma(self, luma: np.ndarray, knobs: Knobs = _PLAIN) -> np.ndarray:
        """As `Colorizer.chroma`."""
        ab = self.first.chroma(luma, replace(knobs, idea=self.ideas[0] or knobs.idea))
        if self.second is None:
            return ab
        return mixed(ab, self.second.chroma(luma, replace(knobs, idea=self.ideas[1])), self.share)

    @property
    def concurrency(self) -> int:
        """That of the first."""
        return self.first.concurrency

    def matcher(self) -> Matcher:
        """That of the first."""
        return self.first.matcher()

    def colorize(self, sources: Sequence[Picture], knobs: Knobs = _PLAIN) -> list[Picture]:
        """As `Colorizer.colorize`."""
        answers, knobs = self.answers(sources, knobs)
        return [answer.paint(knobs, threads=self.concurrency == 1) for answer in answers]

    def answers(self, sources: Sequence[Picture], knobs: Knobs = _PLAIN) -> tuple[list[Answer], Knobs]:
        """As `Colorizer.answers`."""
        answers = self.first.looks(sources, knobs.size, knobs.tta)
        if self.second is not None:
            others = self.second.looks(sources, knobs.size, knobs.tta)
            ideas = self.ideas[0] or knobs.idea, self.ideas[1]
            pairs = zip(answers, others, strict=True)
            blends: list[Answer] = [Blend(one.think(ideas[0]), two.think(ideas[1]), self.share) for one, two in pairs]
            return blends, replace(knobs, idea=0)
        return answers, replace(knobs, idea=self.ideas[0]) if self.ideas[0] else knobs


def _is_cpu(device: str) -> bool:
    """Whether a device is the CPU; torch is asked only where there may be another."""
    if device in ("cpu", BFLOAT16):
        return True
    if device == "auto" and not (any(Path(os.path.expandvars(d)).exists() for d in _DRIVERS) and find_spec("torch")):
        return True
    from colorify.models.checkpoint import find_device

    return find_device(device).type == "cpu"


def _given(image: Source, result: Picture) -> Result:
    """A result in the kind that the image was given in."""
    if pictures.is_tensor(image):
        pixels = np.ascontiguousarray(np.moveaxis(pictures.to_array(result), -1, 0))
        return sys.modules["torch"].from_numpy(pixels).to(image.device)
    return pictures.to_array(result) if isinstance(image, np.ndarray) else pictures.to_pil(result)
