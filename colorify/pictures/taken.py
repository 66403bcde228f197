"""Pictures of whatever a Python program has them in: paths, bytes, open files, images, arrays, tensors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from colorify.pictures.picture import Picture, PictureError, from_array
from colorify.pictures.read import MAX_MEGAPIXELS, decode, from_pil, read

if TYPE_CHECKING:
    import torch
    from typing_extensions import TypeIs

    Source = Image.Image | str | Path | bytes | BinaryIO | np.ndarray | torch.Tensor
    """A picture; tensors have their channels first, ``(H, W)`` or ``(1|3|4, H, W)``, as those of torchvision."""
    Result = Image.Image | np.ndarray | torch.Tensor
    """What a picture is given back as: images for paths, bytes and files, else the kind that it came as."""


def is_tensor(image: object) -> TypeIs[torch.Tensor]:
    """Whether it is one of torch's, which is never imported for the question."""
    return "torch" in sys.modules and isinstance(image, sys.modules["torch"].Tensor)


def taken(image: object) -> Picture:
    """The picture of a `Source`; `PictureError` for what is none."""
    if is_tensor(image):
        pixels = image.detach().cpu().numpy()
        colored = pixels.ndim == 3 and len(pixels) > 1
        image = np.moveaxis(pixels, 0, -1) if colored else pixels.reshape(pixels.shape[-2:])
    if isinstance(image, np.ndarray):
        return from_array(image)
    if hasattr(image, "read"):
        image = image.read()
    if isinstance(image, (bytes, bytearray, memoryview)):
        return decode(bytes(image), "the bytes given", MAX_MEGAPIXELS)
    if isinstance(image, Image.Image):
        return from_pil(image)
    if isinstance(image, (str, Path)):
        return read(Path(image), MAX_MEGAPIXELS)
    raise PictureError(f"a {type(image).__name__}: expected an image, a path, bytes, an array, a tensor")
