"""Colouring pictures: the network sees a small gray copy, its chroma is laid over the untouched luminance."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from colorify import pictures
from colorify.codec import Bits, softmax
from colorify.color import delinearize, gray_to_luma, light_to_luma, linearize, rgb_to_luma
from colorify.models import onnx, released
from colorify.models.running import cores
from colorify.pictures import MAX_MEGAPIXELS, Picture
from colorify.space import Space

if TYPE_CHECKING:
    import torch

    from colorify.hints import Hint, Spreading
    from colorify.models.checkpoint import Checkpoint
    from colorify.models.onnx import OnnxModel

Source = Image.Image | str | Path | np.ndarray

_STRIP = 1 << 17  # pixels that one thread works on at a time: small enough for its caches
_PRODUCT = 1 << 15  # entries of a matrix product by BLAS: its own threads, which larger ones wake, go on spinning
_ABOVE_ZERO, _BELOW_ONE = (1e-7,) * 3, (1 - 1e-6,) * 3  # linear light, or coded
_SMALLER = 0.8  # sides of the second copy that the network sees, as a share of those of the first
_LONGEST = 8  # the network's picture is at most this many times longer than wide
DEFAULT_SIZE = 128


class Colorizer:
    """Colours gray pictures with one model; luminance, size, depth and metadata stay (see the README's promises)."""

    def __init__(self, model: Checkpoint | OnnxModel, device: str = "auto", callers: int = 1):
        """A model on a device: ``auto`` (the GPU where there is one), ``cpu`` or ``cuda``.

        ``callers`` is the number of threads that are going to use it at the same time.
        """
        self.model, self.device, self.callers = model, device, callers
        self.predict = model.predictor(device, callers)
        self.codec, self.method, self.training = model.codec, model.method, model.training
        self.size = model.training.get("size", DEFAULT_SIZE)

    @classmethod
    def load(cls, name: str | Path = "highres", device: str = "auto", callers: int = 1) -> Colorizer:
        """The model ``highres``, ``lowres``, or that of a path, a checkpoint or an ONNX file.

        On the CPU a checkpoint with its ONNX file beside it runs by that, where OpenVINO is installed: the same
        network, sooner. `CheckpointError` says why a model cannot be used.
        """
        path = released.find(name)
        if path.suffix == ".onnx":
            return cls(onnx.load(path), device, callers)
        if _is_cpu(device) and (twin := onnx.twin(path)):
            return cls(twin, "cpu", callers)
        from colorify.models import checkpoint

        return cls(checkpoint.load(path), device, callers)

    @cached_property
    def network(self) -> torch.nn.Module:
        """The torch module, in evaluation mode: L* ``(B, 1, H, W)`` in 0..100 -> ``(B, outputs, H/2, W/2)``."""
        return self.model.build().to(find_device(self.device))

    @property
    def digest(self) -> str:
        """What tells this model from any other."""
        return self.model.digest

    def __call__(self, image: Source, **knobs: float | None) -> Image.Image | np.ndarray:
        """Colour one picture: a Pillow image or path gives a Pillow image (8 bit), an array gives an array of its type.

        The knobs are those of `colorize`. Raises `PictureError` on what is no picture: wrong shape or type, values
        outside 0..1, unreadable files.
        """
        return self.batch([image], **knobs)[0]

    def batch(self, images: Sequence[Source], **knobs: float | None) -> list[Image.Image | np.ndarray]:
        """Colour several pictures; those of one shape go through the network together."""
        colored = self.colorize([_picture(image) for image in images], **knobs)
        return [_given(image, result) for image, result in zip(images, colored, strict=True)]

    def colorize(
        self,
        sources: Sequence[Picture],
        size: int | None = None,
        saturation: float = 1.0,
        blur: float = 0.0,
        temperature: float | None = None,
        hints: Sequence[Hint] = (),
        tta: bool = True,
    ) -> list[Picture]:
        """`batch` for pictures as files hold them: any depth, metadata carried over.

        ``size`` is the short side, in pixels, of the copy that the network sees; None takes the model's own, chosen
        by measurement. ``saturation`` multiplies the predicted chroma (1 leaves it); ``blur`` is the sigma, in pixels
        of the picture, of a Gaussian over the chroma alone; ``temperature`` is that of a classifier's annealed mean
        (1 the mean, 0 the mode). ``hints`` are places ``(x, y)``, in pixels of the upright picture, that are to have
        the colours ``(a, b)``, whatever the saturation: ``[(x, y, (a, b)), ...]``; see `colorify.hints`. ``tta``: see
        `output`.
        """
        check_knobs(size, saturation, blur)
        lumas = [small_luma(source, size or self.size) for source in sources]
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, luma in enumerate(lumas):
            groups.setdefault(luma.shape, []).append(number)
        chroma: dict[int, np.ndarray] = {}
        for numbers in groups.values():
            seen = np.stack([lumas[number] for number in numbers])
            chroma |= zip(numbers, self.chroma(seen, temperature, tta), strict=True)
        results = []
        for number, source in enumerate(sources):
            ab = chroma[number] * saturation
            if len(hints):
                ab = hinted(ab, spreading(lumas[number], chroma[number]), hints, upright_size(source))
            results.append(apply_chroma(source, adjust(ab, source, blur), threads=self.callers == 1))
        return results

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
        return (answer + _resized(other, answer.shape[-2:], cv2.INTER_CUBIC)) / 2

    def chroma(self, luma: np.ndarray, temperature: float | None = None, tta: bool = True) -> np.ndarray:
        """The ab ``(B, H/2, W/2, 2)`` that `output` stands for."""
        return np.moveaxis(self.codec.decode(self.output(luma, tta), temperature), 1, -1)

    def uncertainty(self, image: Source, size: int | None = None) -> np.ndarray:
        """Entropy of the distribution over colours, in bits, ``(H, W)`` float32; classification models only."""
        source, logits = self._logits(image, size)
        shares = softmax(logits)
        bits = -(shares * np.log2(shares.clip(min=1e-12))).sum(0)
        return cv2.resize(in_file_order(bits, source), source.size, interpolation=cv2.INTER_LINEAR)

    def samples(
        self, image: Source, k: int, size: int | None = None, seed: int = 0, variety: float = 0.5
    ) -> list[Image.Image | np.ndarray]:
        """``k`` different plausible results, as `__call__` gives them; classification models only.

        Each draws one Gumbel number a class, the same for the whole picture, and adds it to the logits: pixels of one
        thing choose the same colour (Gumbel 1954). ``variety`` scales the numbers: 0 gives the plain result, 1 draws
        as unlikely colours as the network believes in, purple faces among them.
        """
        source, logits = self._logits(image, size)
        chosen = (np.moveaxis(self.codec.decode(each), 0, -1) for each in diverse(logits, k, seed, variety))
        return [_given(image, apply_chroma(source, adjust(ab, source, 0.0))) for ab in chosen]

    def _logits(self, image: Source, size: int | None) -> tuple[Picture, np.ndarray]:
        if not isinstance(self.codec, Bits):
            raise ValueError(f"a {self.method} model has no distribution over colours: load a classification model")
        source = _picture(image)
        return source, self.output(small_luma(source, size or self.size)[None])[0]


def find_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is the GPU where there is one."""
    from colorify.models import checkpoint

    return checkpoint.find_device(name)


def _is_cpu(device: str) -> bool:
    """Whether a device is the CPU; torch is asked only where there may be another."""
    drivers = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # Nvidia's, that of Windows for its Linux, AMD's
    if device == "auto" and os.name == "posix" and not any(map(os.path.exists, drivers)):
        return True
    return device == "cpu" or find_device(device).type == "cpu"


def diverse(logits: np.ndarray, k: int, seed: int = 0, variety: float = 0.5) -> Iterator[np.ndarray]:
    """``k`` times the logits ``(classes, h, w)`` of a classifier with the numbers added that `samples` speaks of."""
    generator = np.random.default_rng(seed)
    for _ in range(k):
        yield logits + np.float32(variety) * generator.gumbel(size=(len(logits), 1, 1)).astype(np.float32)


def _given(image: Source, result: Picture) -> Image.Image | np.ndarray:
    """A result in the kind that the image was given in."""
    return pictures.to_array(result) if isinstance(image, np.ndarray) else pictures.to_pil(result)


def _picture(image: Source) -> Picture:
    if isinstance(image, np.ndarray):
        return pictures.from_array(image)
    if isinstance(image, Image.Image):
        return pictures.from_pil(image)
    if isinstance(image, (str, Path)):
        return pictures.read(Path(image), MAX_MEGAPIXELS)
    raise pictures.PictureError(f"a {type(image).__name__}: expected a Pillow image, a path, or a numpy array")


def check_knobs(size: int | None, saturation: float, blur: float) -> None:
    """`ValueError` for a knob out of its range, with the range."""
    if size is not None and not 16 <= size <= 4096:
        raise ValueError(f"size {size}: expected 16 to 4096 pixels")
    if not 0 <= saturation <= 10:
        raise ValueError(f"saturation {saturation}: expected 0 (gray) to 10; 1 leaves the model's colours")
    if not 0 <= blur <= 1000:
        raise ValueError(f"blur {blur}: expected 0 to 1000 pixels")


def small_luma(source: Picture, size: int) -> np.ndarray:
    """What the network sees: upright L* ``(h, w)``, short side ``size``, aspect kept, h and w even."""
    pixels, space = pictures.turn(source.pixels, source.orientation), pictures.space_of(source.metadata)
    if space:
        pixels = space.seen(pixels)
    elif pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = (pixels * 255 + 0.5).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    small = image.resize(small_size(image.size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return _luma_reader(np.dtype(np.uint8))(np.asarray(small))


def autocontrast(luma: np.ndarray) -> np.ndarray:
    """L* ``(B, H, W)`` as if no picture had faded: percentiles 1 and 99 of each are at 5 and 95, or farther apart.

    Contrast rises by half at most, and pictures that have enough of it stay as they are.
    """
    low, high = np.percentile(luma, (1, 99), axis=(1, 2), keepdims=True)
    darkest, lightest = np.minimum(low, 5), np.maximum(high, 95)
    gain = np.minimum(1.5, (lightest - darkest) / np.maximum(high - low, 1e-3))
    middle, reach = (low + high) / 2, gain * (high - low) / 2
    moved = middle.clip(darkest + reach, lightest - reach)  # as near to where it was as may be
    return (gain * (luma - middle) + moved).clip(0, 100).astype(np.float32)


def smaller(luma: np.ndarray) -> np.ndarray:
    """L* ``(B, H, W)`` -> the copy ``(B, h, w)`` that the network sees besides: smaller, mirrored, h and w even."""
    height, width = (max(2, round(length * _SMALLER / 2) * 2) for length in luma.shape[1:])
    return _resized(luma[..., ::-1], (height, width), cv2.INTER_AREA)


def _resized(planes: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    """Planes ``(..., H, W)`` at another size ``(h, w)``."""
    each = np.ascontiguousarray(planes.reshape(-1, *planes.shape[-2:]))
    resized = [cv2.resize(one, size[::-1], interpolation=interpolation) for one in each]
    return np.stack(resized).reshape(*planes.shape[:-2], *size)


def small_size(full: tuple[int, int], size: int) -> tuple[int, int]:
    """Width and height, even, with the short side ``size`` and the aspect of ``full``; eight to one at most."""
    scale = min(size / min(full), size * _LONGEST / max(full))
    width, height = (max(2, round(length * scale / 2) * 2) for length in full)
    return width, height


def in_file_order(planes: np.ndarray, source: Picture) -> np.ndarray:
    """Upright planes ``(h, w[, n])`` as the file of ``source`` lies."""
    return np.ascontiguousarray(pictures.turn_back(planes, source.orientation))


def upright_size(source: Picture) -> tuple[int, int]:
    """Width and height as it is looked at."""
    return source.size if source.orientation < 5 else source.size[::-1]


def spreading(luma: np.ndarray, ab: np.ndarray) -> Spreading:
    """How hints spread over a picture of L* ``(h, w)`` and predicted ab, which may be smaller."""
    from colorify.hints import Spreading

    return Spreading(luma, cv2.resize(np.ascontiguousarray(ab), luma.shape[::-1], interpolation=cv2.INTER_CUBIC))


def hinted(ab: np.ndarray, spreading: Spreading, hints: Sequence[Hint], size: tuple[int, int]) -> np.ndarray:
    """The ab ``(h, w, 2)`` with hints, of a picture of this ``size``, spread over it; `HintError` for one outside."""
    from colorify.hints import check

    checked = check(hints, size)
    if len(ab) < spreading.shape[0]:
        ab = cv2.resize(np.ascontiguousarray(ab), spreading.shape[::-1], interpolation=cv2.INTER_CUBIC)
    places = [((hint.x + 0.5) / size[0], (hint.y + 0.5) / size[1]) for hint in checked]
    return ab + spreading.change(ab, places, [hint.ab for hint in checked])


def adjust(ab: np.ndarray, source: Picture, blur: float) -> np.ndarray:
    """Predicted ab ``(h, w, 2)`` in the order of the file, blurred."""
    ab = in_file_order(ab, source)
    sigma = min(blur * len(ab) / source.size[1], 2.0 * max(ab.shape))  # beyond that all is one colour
    return cv2.GaussianBlur(ab, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) if sigma > 0 else ab


def apply_chroma(
    source: Picture, ab: np.ndarray, report: Callable[[float], None] = lambda share: None, threads: bool = True
) -> Picture:
    """Lay ab ``(h, w, 2)``, upsampled bicubic, over the luminance of ``source``, strip by strip in bounded memory.

    ``report`` hears which share of it is done; ``threads``: on all cores.
    """
    width, height = source.size
    if width > max(_STRIP, height):  # one row would be too much at once: work on the picture lying on its side
        turned = apply_chroma(replace(source, pixels=source.pixels.swapaxes(0, 1)), ab.swapaxes(0, 1), report, threads)
        return pictures.colored(source, turned.pixels.swapaxes(0, 1))
    out = np.empty((height, width, 3), source.pixels.dtype)
    wide = cv2.resize(np.ascontiguousarray(ab, np.float32), (width, len(ab)), interpolation=cv2.INTER_CUBIC)
    taps, weights = _bicubic(len(ab), height)
    space = pictures.space_of(source.metadata)
    luma_of, coded = _luma_reader(out.dtype, space), _writer(out.dtype, space)
    few = max(1, min(_PRODUCT // (2 * width), 3 * height // len(ab)))

    def paint(strip: slice) -> int:
        between = [_between(wide, taps[rows], weights[rows]) for rows in _slices(strip.start, strip.stop, few)]
        out[strip] = coded(cv2.merge((luma_of(source.pixels[strip]), np.concatenate(between))))
        return strip.stop

    strips = _slices(0, height, max(1, _STRIP // width))
    for done in _workers().map(paint, strips) if threads and len(strips) > 1 else map(paint, strips):
        report(done / height)
    return pictures.colored(source, out)


def _slices(start: int, stop: int, step: int) -> list[slice]:
    return [slice(first, min(first + step, stop)) for first in range(start, stop, step)]


@cache
def _workers() -> ThreadPoolExecutor:
    """A thread for each core: OpenCV and numpy let others work meanwhile."""
    return ThreadPoolExecutor(cores(), "colorify")


def _bicubic(length: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """How ``length`` rows become ``target`` as OpenCV resizes them (Keys 1981, a = -0.75).

    Returns the four rows that each new one is made of, and their weights, both ``(target, 4)``.
    """
    position = (np.arange(target) + 0.5) * (length / target) - 0.5
    base, neighbours = np.floor(position)[:, None], np.arange(-1, 3)
    x = np.abs(position[:, None] - base - neighbours)
    near, far = ((1.25 * x - 2.25) * x) * x + 1, ((-0.75 * x + 3.75) * x - 6) * x + 3
    taps = (base.astype(int) + neighbours).clip(0, length - 1)
    return taps, np.where(x <= 1, near, far).astype(np.float32)


def _between(wide: np.ndarray, taps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A few new rows ``(rows, W, 2)`` from ``wide (h, W, 2)``, by `_bicubic`."""
    first, last = taps[0, 0], taps[-1, -1]
    mix = np.zeros((len(taps), last - first + 1), np.float32)
    np.add.at(mix, (np.arange(len(taps))[:, None], taps - first), weights)  # at the borders rows count twice
    return (mix @ wide[first : last + 1].reshape(len(mix.T), -1)).reshape(len(taps), -1, 2)


def _luma_reader(dtype: np.dtype, space: Space | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from stored pixels ``(H, W[, 3])`` to L* ``(H, W)`` float32; integers are looked up."""
    return space.luma if space else _srgb_reader(dtype)


@cache
def _srgb_reader(dtype: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
    if dtype not in (np.uint8, np.uint16):

        def compute(strip: np.ndarray) -> np.ndarray:
            strip = strip.astype(np.float32)
            return gray_to_luma(strip) if strip.ndim == 2 else rgb_to_luma(strip)[..., 0]

        return compute
    top = np.iinfo(dtype).max
    luma, light = (function(np.arange(top + 1) / top).astype(np.float32) for function in (gray_to_luma, linearize))

    def read(strip: np.ndarray) -> np.ndarray:
        if strip.ndim == 2:
            return luma.take(strip)
        red, green, blue = strip[..., 0], strip[..., 1], strip[..., 2]
        if np.array_equal(red, green) and np.array_equal(green, blue):
            return luma.take(green)
        if dtype == np.uint8:  # OpenCV is four times as fast, and 0.004 off
            return cv2.cvtColor(light.take(strip), cv2.COLOR_LRGB2LAB)[..., 0]
        return light_to_luma(light.take(strip))[..., 0]

    return read


def _writer(dtype: np.dtype, space: Space | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from Lab ``(H, W, 3)`` float32 to pixels; colours outside the gamut keep L* and hue."""
    return partial(space.coded, dtype=dtype) if space else _srgb_writer(dtype)


@cache
def _srgb_writer(dtype: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
    """That of sRGB.

    OpenCV's constants are those of `colorify.color` to four digits, its sRGB curve a spline, 0.006 L* off at most:
    good for 8 bit alone.
    """
    if dtype == np.uint8:
        return lambda lab: cv2.convertScaleAbs(_shown(lab, cv2.COLOR_LAB2RGB), alpha=255)
    top = 65535 if dtype == np.uint16 else None
    if top is None:
        return lambda lab: delinearize(_shown(lab, cv2.COLOR_LAB2LRGB)).astype(dtype)
    return lambda lab: (delinearize(_shown(lab, cv2.COLOR_LAB2LRGB)) * top + 0.5).astype(dtype)


def _shown(lab: np.ndarray, code: int) -> np.ndarray:
    """Lab ``(H, W, 3)`` as RGB, by OpenCV, which clamps to 0..1: what touches an end is made less colourful."""
    rgb = cv2.cvtColor(lab, code)
    outside = np.flatnonzero(cv2.inRange(rgb, _ABOVE_ZERO, _BELOW_ONE) == 0)
    if len(outside):
        inside = _shrink_chroma(lab.reshape(-1, 3)[outside])
        rgb.reshape(-1, 3)[outside] = cv2.cvtColor(inside[None], code)[0]
    return rgb


def _shrink_chroma(lab: np.ndarray) -> np.ndarray:
    """The most colourful Lab ``(N, 3)`` inside the gamut with the same L* and hue, chroma to 1/1024."""
    share, width, trial = np.zeros((len(lab), 1), np.float32), 1.0, lab.copy()
    for _ in range(10):
        width /= 2
        trial[:, 1:] = lab[:, 1:] * (share + width)
        light = cv2.cvtColor(trial[None], cv2.COLOR_LAB2LRGB)
        share += cv2.inRange(light, _ABOVE_ZERO, _BELOW_ONE)[0, :, None] * np.float32(width / 255)
    trial[:, 1:] = lab[:, 1:] * share
    return trial
