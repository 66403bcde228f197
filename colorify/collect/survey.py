"""What was gathered, in numbers and pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PIL import Image

from colorify import metrics
from colorify.color import to_planes
from colorify.data import manifest
from colorify.data.manifest import MANIFEST


@dataclass(frozen=True)
class Survey:
    """Of a manifest: how many pictures there are, and what those of use are like."""

    splits: dict[str, int]  # train, valid
    refused: dict[str, int]  # reason -> how many
    licenses: dict[str, int]  # the most frequent ones; "none named" too
    sides: list[int]  # short sides of those of use, pixels
    colorfulness: list[float]  # of the first of those of use
    thumbnails: list[Image.Image]  # of the same


def survey(folder: Path, limit: int = 1000) -> Survey:
    """Look at a folder that `normalize.normalize` filled, and at the first ``limit`` of its pictures themselves."""
    entries = manifest.read(Path(folder) / MANIFEST)
    used = [entry for entry in entries if not entry.refused]
    seen = (manifest.examine(item, 0, longest=128) for item in islice(manifest.items(folder), limit))
    thumbnails = [picture for _, picture in seen if picture]
    pixels = map(to_planes, thumbnails)
    return Survey(
        Counter(entry.split for entry in used),
        dict(Counter(entry.refused.partition(":")[0] for entry in entries if entry.refused).most_common()),
        dict(Counter(entry.license or "none named" for entry in used).most_common(8)),
        [min(entry.width, entry.height) for entry in used],
        [float(metrics.colorfulness(rgb)) for rgb in pixels],
        thumbnails,
    )
