"""Parts of the cache: the pictures of one shard, manifest or folder, decoded once into one file of bytes.

A part is named after what it was made of, so that adding, moving or renewing one shard decodes that shard alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorify.data import manifest
from colorify.data.manifest import DataError, Entry, Item
from colorify.files import atomic_folder, relative

_PIXELS, _SHAPES, _ENTRIES = "pixels.u8", "shapes.npy", "entries.csv"
_ENDS = 1 << 16  # bytes of a shard's head and tail that count for its name


@dataclass(frozen=True)
class Sizes:
    """How pictures are kept."""

    side: int  # short side, pixels; smaller ones are never enlarged
    min_side: int  # smaller pictures are refused


@dataclass(frozen=True)
class Part:
    """The pictures of one shard, manifest or folder, in its order."""

    entries: list[Entry]  # all of them, refused ones too
    pixels: Tensor  # (sum of height * width, 3) uint8 of those of use, end to end
    shapes: np.ndarray  # (N, 3) int64 of those of use: number of the entry, width, height


def parts(source: Path, sizes: Sizes, folder: Path, progress: Callable[[str], None]) -> Iterator[Part]:
    """The parts of a source, decoded into ``folder`` at the first call and mapped at later ones."""
    for root, files in _groups(Path(source)):
        home = folder / _key(root, files, sizes)
        if not home.exists():
            _build(root, files, sizes, home, progress)
        yield _open(home, root)


def _groups(source: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The files of a source by part, each with the folder that its pictures' paths are relative to."""
    loose = []
    for path in manifest.files(source):
        if path.suffix.lower() in manifest.SUFFIXES:
            loose.append(path)
        else:
            yield path.parent, [path]
    if loose:
        yield source if source.is_dir() else source.parent, loose


def _key(root: Path, files: list[Path], sizes: Sizes) -> str:
    """A name that changes when a file changes, and stays when all of them move."""
    stats = [(relative(p, root), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return hashlib.sha256(json.dumps([repr(sizes), stats, _ends(files)]).encode()).hexdigest()[:16]


def _ends(files: list[Path]) -> str:
    """A hash of both ends of a single file: shards of two sets may share name, size and time."""
    if len(files) > 1:
        return ""
    with open(files[0], "rb") as file:
        head = file.read(_ENDS)
        file.seek(max(0, os.fstat(file.fileno()).st_size - _ENDS))
        return hashlib.sha256(head + file.read(_ENDS)).hexdigest()


def _build(root: Path, files: list[Path], sizes: Sizes, home: Path, progress: Callable[[str], None]) -> None:
    """Decode every picture into the folder ``home``."""
    entries: list[manifest.Entry] = []
    shapes = []
    with atomic_folder(home) as draft:
        with open(draft / _PIXELS, "wb") as out:
            for entry, pixels in _examined(files, sizes):
                if pixels is not None:
                    out.write(pixels.tobytes())
                    shapes.append((len(entries), *pixels.shape[1::-1]))
                entries.append(replace(entry, path=relative(entry.path, root)))
                if len(entries) % 1000 == 0:
                    progress(f"{len(entries):,} pictures read, {len(shapes):,} of use")
        np.save(draft / _SHAPES, np.array(shapes, np.int64).reshape(-1, 3))
        manifest.write(entries, draft / _ENTRIES)


def _examined(files: list[Path], sizes: Sizes) -> Iterator[tuple[Entry, np.ndarray | None]]:
    """Rows and pixels in the order of the files; memory stays bounded."""

    def work(item: Item) -> tuple[Entry, np.ndarray | None]:
        entry, picture = manifest.examine(item, sizes.min_side)
        return entry, None if picture is None else np.asarray(shrink(picture, sizes.side))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = (item for path in files for item in manifest.items(path))
        while items := list(islice(waiting, 256)):
            yield from pool.map(work, items)


def shrink(picture: Image.Image, side: int) -> Image.Image:
    """Short side to ``side`` (never enlarged), long side at most three times that, centred."""
    scale = min(1.0, side / min(picture.size))
    width, height = (max(1, round(length * scale)) for length in picture.size)
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    left, top = max(0, width - 3 * height) // 2, max(0, height - 3 * width) // 2
    return picture.crop((left, top, width - left, height - top))


def _open(home: Path, root: Path) -> Part:
    try:
        entries = [replace(e, path=os.path.normpath(root / e.path)) for e in manifest.read(home / _ENTRIES)]
        shapes = np.load(home / _SHAPES)
        total = int(shapes[:, 1:].prod(1).sum())
        whole = (home / _PIXELS).stat().st_size == total * 3
    except (OSError, ValueError, EOFError, DataError):
        whole = False
    if not whole:
        raise DataError(f"{home}: the decoded pictures there are damaged: delete the folder, it is made anew")
    pixels = torch.from_file(str(home / _PIXELS), size=total * 3, dtype=torch.uint8) if total else torch.empty(0)
    return Part(entries, pixels.view(-1, 3), shapes)
