"""The demonstration: free sample pictures turned gray, coloured, and put side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from colorify import figures
from colorify.color import luma_to_gray, rgb_to_luma
from colorify.data import film, samples
from colorify.inference import Colorizer


def demo(colorizer: Colorizer, folder: Path, width: int = 150) -> list[Path]:
    """Write gray | colour of every sample, and a strip of all, to ``folder``; returns the paths, the strip's last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = {name: (gray, colorizer(gray)) for name, gray in grays().items()}
    paths = []
    for name, pair in pairs.items():
        paths.append(folder / f"{name}.png")
        figures.side_by_side(*(picture.convert("RGB") for picture in pair)).save(paths[-1])
    strip = {name: [ImageOps.fit(picture, (width, width)) for picture in pair] for name, pair in pairs.items()}
    paths.append(folder / "strip.jpg")
    figures.grid(strip).save(paths[-1], quality=90)
    return paths


def grays() -> dict[str, Image.Image]:
    """The samples as gray pictures, then `camera`, a genuine one, as it is and aged."""
    found = {name: _to_image(_luma(picture)) for name, picture in samples.color()}
    for name, picture in samples.gray():
        aged = film.age(_luma(picture)[None], 1.0, torch.Generator().manual_seed(1))[0]
        found |= {name: picture, f"{name}-aged": _to_image(aged)}
    return found


def _luma(picture: Image.Image) -> torch.Tensor:
    rgb = torch.from_numpy(np.asarray(picture.convert("RGB"), np.float32) / 255)
    return rgb_to_luma(rgb.movedim(-1, 0))


def _to_image(luma: torch.Tensor) -> Image.Image:
    return Image.fromarray((luma_to_gray(luma[0]) * 255).round().byte().numpy())
