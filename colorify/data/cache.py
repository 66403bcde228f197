"""Decoded pictures as one array of bytes: decoding is paid once, batches are cut on the training device."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorify import params
from colorify.data import manifest
from colorify.data.manifest import DataError, Entry, Item


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
    """One split of the cache: RGB rows of all pictures, end to end."""

    entries: list[Entry]
    pixels: Tensor  # (sum of height * width, 3) uint8
    start: Tensor  # (N,) int64: first row of each picture
    width: Tensor  # (N,) int64
    height: Tensor  # (N,) int64
    longest: int  # the longest short side of all, in pixels

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Image.Image:
        start, width, height = (int(t[index]) for t in (self.start, self.width, self.height))
        rows = self.pixels[start : start + width * height]
        return Image.fromarray(rows.cpu().numpy().reshape(height, width, 3))

    def to(self, device: torch.device | str) -> Pictures:
        """The same with its pixels on ``device``."""
        moved = {name: getattr(self, name).to(device) for name in ("pixels", "start", "width", "height")}
        return replace(self, **moved)


def collected(profile: str | None = None, file: Path | None = None) -> Path:
    """The folder where the stage `collect` of a profile keeps its pictures and their manifest."""
    return params.root(file) / "data" / "collected" / (profile or params.profile(file))


def prepare(config: DataConfig, folder: Path, report: Callable[[str], None] = print) -> tuple[Pictures, Pictures]:
    """The train and the valid pictures, decoded into ``folder`` at the first call and mapped at later ones."""
    home = Path(folder) / _key(config)
    if not (home / "manifest.csv").exists():
        _build(config, home, report)
    train, valid = _open(home, "train"), _open(home, "valid")
    for split in (train, valid):
        if not split:
            raise DataError(f"{', '.join(config.sources)}: no usable pictures; see why in {home / 'manifest.csv'}")
    return train, valid


def _key(config: DataConfig) -> str:
    """A name that changes when the config, or any file that it names, changes."""
    stats = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for s in _sources(config) for p in manifest.files(s)]
    return hashlib.sha256(json.dumps([repr(config), stats]).encode()).hexdigest()[:16]


def _sources(config: DataConfig) -> list[Path]:
    return [Path(source) for source in (*config.sources, *config.valid)]


def _build(config: DataConfig, home: Path, report: Callable[[str], None]) -> None:
    """Examine every picture, write pixels and manifest beside ``home``, then rename."""
    part = home.with_name(f".{home.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    entries: list[Entry] = []
    shapes: dict[str, list] = {"train": [], "valid": []}
    try:
        with open(part / "train.u8", "wb") as train, open(part / "valid.u8", "wb") as valid:
            out = {"train": train, "valid": valid}
            for entry, pixels in _examined(config):
                entries.append(entry)
                if pixels is not None:
                    out[entry.split].write(pixels.tobytes())
                    shapes[entry.split].append((len(entries) - 1, *pixels.shape[1::-1]))
                if len(entries) % 1000 == 0:
                    report(f"{len(entries):,} pictures read, {sum(map(len, shapes.values())):,} of use")
        for split, rows in shapes.items():
            np.save(part / f"{split}.npy", np.array(rows, np.int64).reshape(-1, 3))
        manifest.write(entries, part / "manifest.csv")
        _rename(part, home)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    seen = os.path.relpath(home / "manifest.csv")
    report(f"{len(entries):,} pictures read, {sum(map(len, shapes.values())):,} of use: {seen}")


def _rename(part: Path, home: Path) -> None:
    """``part`` becomes ``home``, unless another run was quicker with the same pictures."""
    try:
        os.replace(part, home)
    except OSError:
        if not (home / "manifest.csv").exists():
            raise


def _examined(config: DataConfig) -> Iterator[tuple[Entry, np.ndarray | None]]:
    """Rows and pixels in the order of the sources; duplicates are refused, memory stays bounded."""

    def work(job: tuple[str, Item]) -> tuple[Entry, np.ndarray | None]:
        split, item = job
        entry, picture = manifest.examine(item, config.min_side)
        if picture is None:
            return entry, None
        split = split or entry.split or manifest.split_of(entry.sha256, config.valid_share)
        return replace(entry, split=split), np.asarray(_shrink(picture, config.side))

    seen: set[str] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = _jobs(config)
        while jobs := list(islice(waiting, 256)):
            for entry, pixels in pool.map(work, jobs):
                if pixels is not None and entry.sha256 in seen:
                    entry, pixels = replace(entry, split="", refused="duplicate"), None
                seen.add(entry.sha256)
                yield entry, pixels


def _jobs(config: DataConfig) -> Iterator[tuple[str, Item]]:
    whole = "train" if config.valid else ""  # empty: as the manifest says, or by hash
    for split, sources in (("valid", config.valid), (whole, config.sources)):
        for source in sources:
            for item in manifest.items(Path(source)):
                yield split, item


def _shrink(picture: Image.Image, side: int) -> Image.Image:
    """Short side to ``side`` (never enlarged), long side at most three times that, centred."""
    scale = min(1.0, side / min(picture.size))
    width, height = (max(1, round(length * scale)) for length in picture.size)
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    left, top = max(0, width - 3 * height) // 2, max(0, height - 3 * width) // 2
    return picture.crop((left, top, width - left, height - top))


def _open(home: Path, split: str) -> Pictures:
    try:
        entries = manifest.read(home / "manifest.csv")
        row, width, height = torch.from_numpy(np.load(home / f"{split}.npy")).unbind(1)
        area = width * height
        total = int(area.sum())
        whole = (home / f"{split}.u8").stat().st_size == total * 3
    except (OSError, ValueError, EOFError, DataError):
        whole = False
    if not whole:
        raise DataError(f"{home}: the decoded pictures there are damaged: delete the folder, it is made anew")
    longest = int(torch.minimum(width, height).max()) if total else 0
    pixels = torch.from_file(str(home / f"{split}.u8"), size=total * 3, dtype=torch.uint8) if total else torch.empty(0)
    return Pictures([entries[i] for i in row], pixels.view(-1, 3), area.cumsum(0) - area, width, height, longest)
