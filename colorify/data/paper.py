"""Paper among the photos: blank and printed pages, and margins and captions around pictures, all without colour."""

from __future__ import annotations

import torch
from torch import Tensor

BLANK, PRINTED = 0.12, 0.55  # of the pages: up to here nothing, up to there print, from there a photo with a margin
_CELLS = 128  # lines of a page, words and letters of a line, at most


def lay(rgb: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Make paper of about ``share`` of the pictures ``(B, 3, H, W)``, RGB in 0..1; ``generator`` is of the processor.

    Which ones is drawn on the host, so that a GPU need not be waited for.
    """
    if not share:
        return rgb
    chosen = (torch.rand(len(rgb), generator=generator) < share).nonzero()[:, 0]
    if not len(chosen):
        return rgb
    page, box = _pages(len(chosen), rgb.shape[-2], rgb.shape[-1], generator)
    chosen, page, box = chosen.to(rgb.device), page.to(rgb), box.to(rgb.device)
    laid = rgb.clone()
    laid[chosen] = torch.where(box, rgb[chosen], page)
    return laid


def _pages(count: int, height: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Grays in 0..1 and where a photo lies on them, both ``(count, 1, height, width)``."""

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    y, x = torch.arange(height)[:, None] / height, torch.arange(width) / width  # (H, 1), (W,)
    kind, dark = between(0, 1), between(0, 1) < 0.15
    paper, ink = between(0.7, 1.0), between(0.0, 0.45)
    paper, ink = torch.where(dark, 1 - paper, paper), torch.where(dark, 1 - ink, ink)
    shade = between(-0.1, 0.1) * (x - 0.5) + between(-0.1, 0.1) * (y - 0.5)

    pitch, begin = between(0.03, 0.12), between(-0.1, 0.2)  # of the lines; where the first one begins
    line = ((y - begin) / pitch).floor()
    inked = ((y - begin) / pitch - line < between(0.4, 0.7)) & (line >= 0)
    number = line.long().clamp(0, _CELLS - 1).expand(-1, -1, width)
    slant = x.expand(count, height, width)
    word = _cells(slant / (pitch * between(1.5, 4.0)), number, generator) > 0.2
    letter = _cells(slant / (pitch * between(0.25, 0.5)), number, generator)
    left, right = between(0.0, 0.2), between(0.75, 1.0)
    printed = inked & word & (x > left) & (x < right) & (kind > BLANK)
    gray = torch.lerp(paper + shade, ink, printed * letter).clamp(0, 1)

    sides = [between(-0.15, 0.25) for _ in range(4)]  # below zero: no margin on this side
    inside = (x > sides[0]) & (x < 1 - sides[1]) & (y > sides[2]) & (y < 1 - sides[3])
    photo = inside & (kind > PRINTED)
    return gray[:, None], photo[:, None]


def _cells(position: Tensor, line: Tensor, generator: torch.Generator) -> Tensor:
    """A random number for each cell of each line, looked up for pixels; all ``(count, H, W)``."""
    random = torch.rand(len(position), _CELLS * _CELLS, generator=generator)
    cell = line * _CELLS + position.long().clamp(0, _CELLS - 1)
    return random.gather(1, cell.flatten(1)).view(position.shape)
