"""Colouring pictures: the network sees a small gray copy, its chroma is laid over the untouched luminance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from colorify import pictures
from colorify.codec import Bits
from colorify.color import (
    delinearize,
    gray_to_luma,
    lab_to_light,
    light_to_luma,
    linearize,
    outside_gamut,
    rgb_to_luma,
    shrink_chroma,
)
from colorify.models import checkpoint, released
from colorify.models.checkpoint import Checkpoint
from colorify.pictures import MAX_MEGAPIXELS, Picture

if TYPE_CHECKING:
    from colorify.hints import Hint, Spreading

Source = Image.Image | str | Path | np.ndarray

_STRIP = 1 << 17  # pixels worked on at once: small enough for the processor's caches
_LONGEST = 8  # the network's picture is at most this many times longer than wide
DEFAULT_SIZE = 128


def find_device(name: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}") from None


class Colorizer:
    """Colours gray pictures with one model; luminance, size, depth and metadata stay (see the README's promises)."""

    def __init__(self, model: Checkpoint, device: str = "auto"):
        """A model on a device: ``auto`` (the GPU where there is one), ``cpu`` or ``cuda``."""
        self.device = find_device(device)
        self.network = model.build().to(self.device, memory_format=torch.channels_last)
        self.codec, self.method, self.training = model.codec, model.method, model.training
        self.size = model.training.get("size", DEFAULT_SIZE)

    @classmethod
    def load(cls, name: str | Path = "highres", device: str = "auto") -> Colorizer:
        """The model ``highres``, ``lowres``, or that of a checkpoint's path; `CheckpointError` says why not."""
        return cls(checkpoint.load(released.find(name)), device)

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
        flip: bool = True,
    ) -> list[Picture]:
        """`batch` for pictures as files hold them: any depth, metadata carried over.

        ``size`` is the short side, in pixels, of the copy that the network sees; None takes the model's own, chosen
        by measurement. ``saturation`` multiplies the predicted chroma (1 leaves it); ``blur`` is the sigma, in pixels
        of the picture, of a Gaussian over the chroma alone; ``temperature`` is that of a classifier's annealed mean
        (1 the mean, 0 the mode). ``hints`` are places ``(x, y)``, in pixels of the upright picture, that are to have
        the colours ``(a, b)``, whatever the saturation: ``[(x, y, (a, b)), ...]``; see `colorify.hints`. ``flip``: see
        `output`.
        """
        check_knobs(size, saturation, blur)
        lumas = [small_luma(source, size or self.size) for source in sources]
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, luma in enumerate(lumas):
            groups.setdefault(tuple(luma.shape), []).append(number)
        chroma: dict[int, Tensor] = {}
        for numbers in groups.values():
            seen = torch.stack([lumas[number] for number in numbers])
            chroma |= zip(numbers, self.chroma(seen, temperature, flip), strict=True)
        results = []
        for number, source in enumerate(sources):
            ab = chroma[number] * saturation
            if len(hints):
                ab = hinted(ab, spreading(lumas[number], chroma[number]), hints, upright_size(source))
            results.append(apply_chroma(source, adjust(ab, source, blur)))
        return results

    @torch.inference_mode()
    def output(self, luma: Tensor, flip: bool = True) -> Tensor:
        """What the head predicts for L* ``(B, 1, H, W)`` in 0..100, H and W even: ``(B, outputs, H/2, W/2)``.

        ``flip``: the mean with what it predicts for the mirrored picture, for twice the time.
        """
        luma = luma.to(self.device, memory_format=torch.channels_last)
        out = self.network(luma).float()
        return (out + self.network(luma.flip(-1)).float().flip(-1)) / 2 if flip else out

    @torch.inference_mode()
    def chroma(self, luma: Tensor, temperature: float | None = None, flip: bool = True) -> Tensor:
        """The ab ``(B, 2, H/2, W/2)`` that `output` stands for, on the CPU."""
        return self.codec.decode(self.output(luma, flip), temperature).cpu()

    def uncertainty(self, image: Source, size: int | None = None) -> np.ndarray:
        """Entropy of the distribution over colours, in bits, ``(H, W)`` float32; classification models only."""
        source, logits = self._logits(image, size)
        shares = logits.softmax(0)
        bits = -(shares * shares.clamp(min=1e-12).log2()).sum(0, keepdim=True)
        planes = in_file_order(bits, source)[None]
        return F.interpolate(planes, source.size[::-1], mode="bilinear", align_corners=False)[0, 0].numpy()

    def samples(
        self, image: Source, k: int, size: int | None = None, seed: int = 0, variety: float = 0.5
    ) -> list[Image.Image | np.ndarray]:
        """``k`` different plausible results, as `__call__` gives them; classification models only.

        Each draws one Gumbel number a class, the same for the whole picture, and adds it to the logits: pixels of one
        thing choose the same colour (Gumbel 1954). ``variety`` scales the numbers: 0 gives the plain result, 1 draws
        as unlikely colours as the network believes in, purple faces among them.
        """
        source, logits = self._logits(image, size)
        chosen = map(self.codec.decode, diverse(logits, k, seed, variety))
        return [_given(image, apply_chroma(source, adjust(ab, source, 0.0))) for ab in chosen]

    def _logits(self, image: Source, size: int | None) -> tuple[Picture, Tensor]:
        if not isinstance(self.codec, Bits):
            raise ValueError(f"a {self.method} model has no distribution over colours: load a classification model")
        source = _picture(image)
        return source, self.output(small_luma(source, size or self.size)[None])[0].cpu()


def diverse(logits: Tensor, k: int, seed: int = 0, variety: float = 0.5) -> Iterator[Tensor]:
    """``k`` times the logits ``(classes, h, w)`` of a classifier with the numbers added that `samples` speaks of."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(k):
        uniform = torch.rand(len(logits), 1, 1, generator=generator).clamp(1e-9, 1 - 1e-7)
        yield logits - variety * (-uniform.log()).log()


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


def small_luma(source: Picture, size: int) -> Tensor:
    """What the network sees: upright L* ``(1, h, w)``, short side ``size``, aspect kept, h and w even."""
    pixels = pictures.turn(source.pixels, source.orientation)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = (pixels * 255 + 0.5).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    small = image.resize(small_size(image.size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return _luma_of_floats(torch.from_numpy(np.asarray(small, np.float32) / 255))


def small_size(full: tuple[int, int], size: int) -> tuple[int, int]:
    """Width and height, even, with the short side ``size`` and the aspect of ``full``; eight to one at most."""
    scale = min(size / min(full), size * _LONGEST / max(full))
    width, height = (max(2, round(length * scale / 2) * 2) for length in full)
    return width, height


def in_file_order(planes: Tensor, source: Picture) -> Tensor:
    """Upright planes ``(C, h, w)`` as the file of ``source`` lies."""
    turned = pictures.turn_back(planes.movedim(0, -1).numpy(), source.orientation)
    return torch.from_numpy(np.ascontiguousarray(turned)).movedim(-1, 0)


def upright_size(source: Picture) -> tuple[int, int]:
    """Width and height as it is looked at."""
    return source.size if source.orientation < 5 else source.size[::-1]


def spreading(luma: Tensor, ab: Tensor) -> Spreading:
    """How hints spread over a picture of L* ``(1, h, w)`` and predicted ab ``(2, ...)``, which may be smaller."""
    from colorify.hints import Spreading

    wide = F.interpolate(ab[None], luma.shape[-2:], mode="bicubic", align_corners=False)[0]
    return Spreading(luma[0].numpy(), wide.movedim(0, -1).numpy())


def hinted(ab: Tensor, spreading: Spreading, hints: Sequence[Hint], size: tuple[int, int]) -> Tensor:
    """The ab ``(2, h, w)`` with hints, of a picture of this ``size``, spread over it; `HintError` for one outside."""
    from colorify.hints import check

    checked = check(hints, size)
    if ab.shape[1] < spreading.shape[0]:
        ab = F.interpolate(ab[None], spreading.shape, mode="bicubic", align_corners=False)[0]
    places = [((hint.x + 0.5) / size[0], (hint.y + 0.5) / size[1]) for hint in checked]
    change = spreading.change(ab.movedim(0, -1).numpy(), places, [hint.ab for hint in checked])
    return ab + torch.from_numpy(change).movedim(-1, 0)


def adjust(ab: Tensor, source: Picture, blur: float) -> Tensor:
    """Predicted ab ``(2, h, w)`` in the order of the file, blurred."""
    ab = in_file_order(ab, source)
    sigma = min(blur * ab.shape[1] / source.size[1], 2.0 * max(ab.shape))  # beyond that all is one colour
    if sigma > 0:
        radius = int(sigma * 3) + 1
        offset = torch.arange(-radius, radius + 1)
        kernel = torch.exp(-0.5 * (offset / sigma) ** 2)
        kernel = (kernel / kernel.sum()).expand(2, 1, 1, -1)
        padded = F.pad(ab[None], (radius,) * 4, mode="replicate")
        ab = F.conv2d(F.conv2d(padded, kernel, groups=2), kernel.mT, groups=2)[0]
    return ab


def apply_chroma(source: Picture, ab: Tensor, report: Callable[[float], None] = lambda share: None) -> Picture:
    """Lay ab ``(2, h, w)``, upsampled bicubic, over the luminance of ``source``, strip by strip in bounded memory.

    ``report`` hears which share of it is done.
    """
    width, height = source.size
    if width > max(_STRIP, height):  # one row would be too much at once: work on the picture lying on its side
        turned = apply_chroma(replace(source, pixels=source.pixels.swapaxes(0, 1)), ab.mT, report)
        return pictures.colored(source, turned.pixels.swapaxes(0, 1))
    out = np.empty((height, width, 3), source.pixels.dtype)
    late = _Late(out)
    wide = F.interpolate(ab[None], (ab.shape[1], width), mode="bicubic", align_corners=False)[0]  # (2, h, W)
    luma_of, coded = _luma_reader(source.pixels.dtype), _light_writer(source.pixels.dtype)
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        rows = slice(top, min(top + step, height))
        first, weights = _bicubic(ab.shape[1], height, rows)
        strip = weights @ wide[:, first : first + weights.shape[1]]  # (2, rows, W)
        lab = torch.cat((luma_of(source.pixels[rows]), strip))
        light = lab_to_light(lab)
        outside = outside_gamut(light)
        out[rows] = coded(light.clamp_(0, 1))
        late.add(lab, outside, top * width)
        report(rows.stop / height)
    late.finish()
    return pictures.colored(source, out)


class _Late:
    """Pixels outside the gamut, gathered over many strips: the search for their chroma costs by the call."""

    def __init__(self, out: np.ndarray):
        self.out, self.coded = out.reshape(-1, 3), _light_writer(out.dtype)
        self.lab: list[Tensor] = []
        self.place: list[Tensor] = []

    def add(self, lab: Tensor, outside: Tensor, start: int) -> None:
        """Note the pixels of a strip Lab ``(3, H, W)`` that begins at pixel ``start``."""
        place = outside.flatten().nonzero()[:, 0]
        self.lab.append(lab.flatten(1).index_select(1, place))
        self.place.append(place + start)
        if sum(map(len, self.place)) > _STRIP // 4:
            self.finish()

    def finish(self) -> None:
        """Write what was noted."""
        if not self.place:
            return
        lab = shrink_chroma(torch.cat(self.lab, 1))[..., None]
        self.out[torch.cat(self.place).numpy()] = self.coded(lab_to_light(lab).clamp_(0, 1))[:, 0]
        self.lab, self.place = [], []


def _bicubic(length: int, target: int, rows: slice) -> tuple[int, Tensor]:
    """Some rows of the matrix that resizes ``length`` to ``target`` as `F.interpolate` does (Keys 1981, a = -0.75).

    Returns the first column that is not zero, and the weights ``(rows, columns)`` from there on.
    """
    position = (torch.arange(rows.start, rows.stop, dtype=torch.float64) + 0.5) * (length / target) - 0.5
    base = position.floor()
    distance = (position - base)[:, None] - torch.arange(-1, 3)  # of the four neighbours
    x = distance.abs()
    near, far = ((1.25 * x - 2.25) * x) * x + 1, ((-0.75 * x + 3.75) * x - 6) * x + 3
    taps = (base.long()[:, None] + torch.arange(-1, 3)).clamp(0, length - 1)
    first = int(taps.min())
    weights = torch.zeros(len(position), int(taps.max()) - first + 1, dtype=torch.float64)
    return first, weights.scatter_add_(1, taps - first, torch.where(x <= 1, near, far)).float()


@cache
def _luma_reader(dtype: np.dtype) -> Callable[[np.ndarray], Tensor]:
    """A function from stored pixels ``(H, W[, 3])`` to L* ``(1, H, W)``; integers are looked up."""
    if dtype not in (np.uint8, np.uint16):
        return lambda strip: _luma_of_floats(torch.from_numpy(strip.astype(np.float32)))
    top = np.iinfo(dtype).max
    coded = torch.arange(top + 1, dtype=torch.float64) / top
    luma, light = gray_to_luma(coded).float().numpy(), linearize(coded).float().numpy()

    def read(strip: np.ndarray) -> Tensor:
        if strip.ndim == 2:
            return torch.from_numpy(luma[strip])[None]
        red, green, blue = strip[..., 0], strip[..., 1], strip[..., 2]
        if np.array_equal(red, green) and np.array_equal(green, blue):
            return torch.from_numpy(luma[green])[None]
        return light_to_luma(torch.from_numpy(light[strip]).movedim(-1, 0))

    return read


def _luma_of_floats(strip: Tensor) -> Tensor:
    return gray_to_luma(strip)[None] if strip.ndim == 2 else rgb_to_luma(strip.movedim(-1, 0))


@cache
def _light_writer(dtype: np.dtype) -> Callable[[Tensor], np.ndarray]:
    """A function from linear RGB 0..1 ``(3, H, W)`` to coded pixels ``(H, W, 3)``, rounded; 8 bit is looked up."""
    if dtype == np.uint8:
        light = torch.arange(1 << 16, dtype=torch.float64) / 65535  # 0.05 of a level at its darkest
        table = (delinearize(light) * 255).round().byte().numpy()
        return lambda strip: table.take((strip * 65535).add_(0.5).numpy().astype(np.uint16)).transpose(1, 2, 0)
    if dtype == np.uint16:
        return lambda strip: (delinearize(strip).movedim(0, -1).numpy() * 65535).round().astype(np.uint16)
    return lambda strip: delinearize(strip).movedim(0, -1).numpy().astype(dtype)
