"""Many pictures as few files: tar shards as webdataset has them, with a manifest beside them as their index."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

from colorify.data import manifest
from colorify.data.manifest import MANIFEST, DataError, Entry, Item
from colorify.files import atomic

_TOLD = ("page", "alt", "caption", "license")


def shard(
    source: Path, out: Path, size: int = 256 << 20, progress: Callable[[int], None] = lambda done: None
) -> tuple[int, int]:
    """Pack the pictures of ``source`` (a harvest, a folder, shards) into ``out``, about ``size`` bytes a shard.

    Every picture keeps its bytes; what is known of it lies beside it as JSON, and in ``out/manifest.parquet``, which
    `colorify train --data` and `collect dataset` take for the pictures. Returns how many pictures and shards. Shards
    have their names when they are whole, the manifest comes last: after a kill the same call begins anew.
    """
    out = Path(out)
    if (out / MANIFEST).exists():
        raise DataError(f"{out / MANIFEST}: exists already: choose another -o")
    out.mkdir(parents=True, exist_ok=True)
    writer = _Writer(out, size)
    with (
        atomic(out / MANIFEST, Path(MANIFEST).suffix) as draft,
        closing(writer.packed(manifest.items(source), progress)) as entries,
    ):
        manifest.write(entries, draft)
        if not writer.pictures:
            raise DataError(f"{source}: no pictures to pack")
    return writer.pictures, writer.shards


class _Writer:
    """Fills one shard after the other."""

    def __init__(self, out: Path, size: int):
        self.out, self.size = out, size
        self.pictures = self.shards = 0

    def packed(self, items: Iterator[Item], progress: Callable[[int], None]) -> Generator[Entry]:
        """Write each picture, and give its entry with its new place."""
        for first in items:
            name = f"shard-{self.shards:06d}.tar"
            with atomic(self.out / name) as draft, tarfile.open(draft, "w") as tar:
                for item in chain([first], items):
                    entry = self._packed(item, tar)
                    yield replace(entry, path=f"{name}/{entry.path}")
                    progress(self.pictures)
                    if tar.offset >= self.size:
                        break
            self.shards += 1

    def _packed(self, item: Item, tar: tarfile.TarFile) -> Entry:
        """Its entry with the name inside the shard."""
        content, entry = item.read(), item.entry
        key, suffix = f"{self.pictures:09d}", Path(entry.path).suffix.lower()
        _add(tar, f"{key}{suffix}", content)
        told = {name: getattr(entry, name) for name in _TOLD if getattr(entry, name)}
        if told:
            _add(tar, f"{key}.json", json.dumps(told, ensure_ascii=False).encode())
        self.pictures += 1
        return replace(entry, path=f"{key}{suffix}")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # no owner, no time: equal pictures make equal shards
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
