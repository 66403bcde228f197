"""The pictures to learn from: decoding is paid once, batches are cut on the training device."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from colorify import params
from colorify.data import manifest
from colorify.data.decoded import Part, Sizes, parts
from colorify.data.manifest import DataError, Entry
from colorify.files import atomic, relative


@dataclass(frozen=True)
class DataConfig:
    """Which pictures to learn from, and how they are kept."""

    sources: tuple[str, ...] = ()  # pictures, folders, tar shards, manifests; empty: what the stage `collect` gathered
    valid: tuple[str, ...] = ()  # kept for validation as a whole; empty: a share of the sources, by hash
    valid_share: float = 0.1
    side: int = 144  # short side in the cache, pixels
    min_side: int = 96  # smaller pictures are refused


@dataclass(frozen=True)
class Pictures:
    """One split: RGB rows of all pictures, in one array of bytes for each part of the cache."""

    entries: list[Entry]
    pixels: tuple[Tensor, ...]  # each (sum of height * width, 3) uint8
    part: Tensor  # (N,) int64: which of them holds a picture
    start: Tensor  # (N,) int64: its first row there
    width: Tensor  # (N,) int64
    height: Tensor  # (N,) int64

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Image.Image:
        width, height = int(self.width[index]), int(self.height[index])
        return Image.fromarray(self._rows(index).cpu().numpy().reshape(height, width, 3))

    @property
    def device(self) -> torch.device:
        """Where batches are cut."""
        return self.start.device

    @property
    def longest(self) -> int:
        """The longest short side of all, in pixels."""
        return int(torch.minimum(self.width, self.height).max()) if len(self) else 0

    def rows(self, index: Tensor, at: Tensor) -> Tensor:
        """RGB ``(B, ..., 3)`` uint8 of the rows ``at (B, ...)``, counted in each of the pictures ``index (B,)``."""
        at = at + self.start[index].view(-1, *(1,) * (at.ndim - 1))
        if len(self.pixels) == 1:
            return self.pixels[0].index_select(0, at.flatten()).view(*at.shape, 3)
        found, part = torch.empty(*at.shape, 3, dtype=torch.uint8), self.part[index]
        for number in part.unique().tolist():
            chosen = part == number
            found[chosen] = self.pixels[number][at[chosen]]
        return found

    def to(self, device: torch.device | str) -> Pictures:
        """The same on ``device``; elsewhere than where they are, `joined`."""
        if torch.device(device).type == self.device.type:
            return self
        joined = self.joined()
        places = {name: getattr(joined, name).to(device) for name in ("part", "start", "width", "height")}
        return replace(joined, pixels=(joined.pixels[0].to(device),), **places)

    def joined(self) -> Pictures:
        """The same with the pixels of these pictures alone, as one array in memory."""
        area = self.width * self.height
        pixels = torch.cat([self._rows(index) for index in range(len(self))])
        return replace(self, pixels=(pixels,), part=torch.zeros_like(self.part), start=area.cumsum(0) - area)

    def _rows(self, index: int) -> Tensor:
        start, area = int(self.start[index]), int(self.width[index] * self.height[index])
        return self.pixels[int(self.part[index])][start : start + area]


def collected(profile: str | None = None, file: Path | None = None) -> Path:
    """The folder where the stage `collect` of a profile keeps its pictures and their manifest."""
    return params.root(file) / "data" / "collected" / (profile or params.profile(file))


def prepare(config: DataConfig, folder: Path, progress: Callable[[str], None] = print) -> tuple[Pictures, Pictures]:
    """The train and the valid pictures; those that no earlier call has decoded into ``folder`` are decoded now.

    Duplicates are refused, those of validation pictures too. All rows, with the reasons of the refused ones, are
    written to ``manifest.csv`` in a folder of the config's own.
    """
    found = list(_found(config, Path(folder) / "decoded", progress))
    entries, train, valid = _assigned(config, found)
    listed = Path(folder) / _key(entries) / manifest.MANIFEST_CSV
    if not listed.exists():
        listed.parent.mkdir(parents=True, exist_ok=True)
        with atomic(listed) as draft:
            manifest.write(entries, draft)
        counts = f"{len(train):,} to train on, {len(valid):,} to validate by"
        progress(f"{len(entries):,} pictures, {counts}: {relative(listed, Path.cwd())}")
    for split, name in ((train, "train on"), (valid, "validate by")):
        if not split:
            raise DataError(f"{', '.join(config.sources)}: no usable pictures to {name}; see why in {listed}")
    return train, valid


def _found(config: DataConfig, folder: Path, progress: Callable[[str], None]) -> Iterator[tuple[str, Part]]:
    """Every part, with the split that all of it belongs to, if any; validation comes first."""
    whole = "train" if config.valid else ""  # empty: as the manifest says, or by hash
    for split, sources in (("valid", config.valid), (whole, config.sources)):
        for source in sources:
            for part in parts(Path(source), Sizes(config.side, config.min_side), folder, progress):
                yield split, part


def _assigned(config: DataConfig, found: list[tuple[str, Part]]) -> tuple[list[Entry], Pictures, Pictures]:
    """All rows with their splits, and the pictures of both splits."""
    entries: list[Entry] = []
    chosen: dict[str, list] = {"train": [], "valid": []}
    seen: set[str] = set()
    for number, (whole, part) in enumerate(found):
        rows, start = list(part.entries), 0
        for at, width, height in part.shapes.tolist():
            entry = rows[at]
            if entry.sha256 in seen:
                rows[at] = replace(entry, split="", refused="duplicate")
            else:
                seen.add(entry.sha256)
                split = whole or entry.split or manifest.split_of(entry.sha256, config.valid_share)
                rows[at] = replace(entry, split=split)
                chosen[split].append((rows[at], number, start, width, height))
            start += width * height
        entries += rows
    if not chosen["valid"] and len(chosen["train"]) > 1 and config.valid_share > 0 and not config.valid:
        _lend(entries, chosen)
    pixels = tuple(part.pixels for _, part in found)
    return entries, _pictures(chosen["train"], pixels), _pictures(chosen["valid"], pixels)


def _lend(entries: list[Entry], chosen: dict[str, list]) -> None:
    """Of a few pictures none may be for validation by its hash: then the one with the smallest is."""
    first = min(chosen["train"], key=lambda row: row[0].sha256)
    lent = replace(first[0], split="valid")
    entries[entries.index(first[0])] = lent
    chosen["train"].remove(first)
    chosen["valid"] = [(lent, *first[1:])]


def _pictures(chosen: list[tuple], pixels: tuple[Tensor, ...]) -> Pictures:
    entries = [row[0] for row in chosen]
    places = torch.tensor([row[1:] for row in chosen], dtype=torch.int64).reshape(-1, 4)
    return Pictures(entries, pixels, *(column.contiguous() for column in places.unbind(1)))


def _key(entries: list[Entry]) -> str:
    """A name for what was found."""
    rows = [(entry.path, entry.sha256, entry.split, entry.refused) for entry in entries]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
