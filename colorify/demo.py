"""The demonstration: free sample pictures turned gray, coloured, and put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps

from colorify import figures, metrics
from colorify.color import luma_to_gray, rgb_to_lab, rgb_to_luma, to_planes
from colorify.data import degradation, samples
from colorify.inference import Colorizer


def demo(colorizer: Colorizer, folder: Path, width: int = 150) -> list[Path]:
    """Write gray | colour of every sample, the worst, and a strip of all; returns the paths, the strip's last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = {name: (gray, colorizer(gray)) for name, gray in grays().items()}
    paths = []
    for name, pair in pairs.items():
        paths.append(folder / f"{name}.png")
        figures.side_by_side(*(picture.convert("RGB") for picture in pair)).save(paths[-1])
    paths.append(folder / "failures.jpg")
    failures(colorizer, width).save(paths[-1], quality=90)
    strip: dict[str, Sequence[Image.Image]] = {
        name: [ImageOps.fit(picture, (width, width)) for picture in pair] for name, pair in pairs.items()
    }
    paths.append(folder / "strip.jpg")
    figures.grid(strip).save(paths[-1], quality=90)
    return paths


def failures(colorizer: Colorizer, width: int = 150, count: int = 3) -> Image.Image:
    """The samples that are coloured worst: truth above, answer below, with the mean CIEDE2000 between them."""
    found = {}
    for name, truth in samples.color():
        colored = colorizer(truth)
        error = float(metrics.de2000(*(rgb_to_lab(_rgb(picture)) for picture in (colored, truth))))
        found[f"{name}: {error:.1f}"] = error, [ImageOps.fit(picture, (width, width)) for picture in (truth, colored)]
    worst = sorted(found, key=lambda name: -found[name][0])[:count]
    return figures.grid({name: found[name][1] for name in worst})


def grays() -> dict[str, Image.Image]:
    """The samples as gray pictures, then `camera`, a genuine one, as it is and aged."""
    found = {name: _to_image(_luma(picture)) for name, picture in samples.color()}
    for name, picture in samples.gray():
        aged = degradation.degrade(_luma(picture)[None], 1.0, torch.Generator().manual_seed(1))[0]
        found |= {name: picture, f"{name}-aged": _to_image(aged)}
    return found


def _luma(picture: Image.Image) -> torch.Tensor:
    return rgb_to_luma(_rgb(picture))


def _rgb(picture: Image.Image) -> torch.Tensor:
    return to_planes(picture.convert("RGB"))


def _to_image(luma: torch.Tensor) -> Image.Image:
    return Image.fromarray((luma_to_gray(luma[0]) * 255).round().byte().numpy())
