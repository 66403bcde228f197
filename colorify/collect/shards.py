"""Many pictures as few files: tar shards as webdataset has them, with a manifest beside them as their index."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from colorify.data import manifest
from colorify.data.manifest import MANIFEST, DataError, Entry, Item

_TOLD = ("page", "alt", "caption", "licence")


def shard(
    source: Path, out: Path, size: int = 256 << 20, report: Callable[[int], None] = lambda done: None
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
    part, writer = out / f".{os.getpid()}.part-{MANIFEST}", _Writer(out, size)
    try:
        manifest.write(writer.packed(manifest.items(source), report), part)
        if not writer.pictures:
            raise DataError(f"{source}: no pictures to pack")
        os.replace(part, out / MANIFEST)
    finally:
        writer.close()
        with suppress(FileNotFoundError):
            part.unlink()
    return writer.pictures, writer.shards


class _Writer:
    """Fills one shard after the other."""

    def __init__(self, out: Path, size: int):
        self.out, self.size = out, size
        self.pictures = self.shards = 0
        self.tar: tarfile.TarFile | None = None

    def packed(self, items: Iterator[Item], report: Callable[[int], None]) -> Iterator[Entry]:
        """Write each picture, and give its entry with its new place."""
        for item in items:
            content, entry = item.read(), item.entry
            if self.tar is None:
                self.tar = tarfile.open(self._part, "w")  # noqa: SIM115 (`_finish` closes it)
            key, suffix = f"{self.pictures:09d}", Path(entry.path).suffix.lower()
            self._add(f"{key}{suffix}", content)
            told = {name: getattr(entry, name) for name in _TOLD if getattr(entry, name)}
            if told:
                self._add(f"{key}.json", json.dumps(told, ensure_ascii=False).encode())
            self.pictures += 1
            yield replace(entry, path=f"{self._name}/{key}{suffix}")
            report(self.pictures)
            if self.tar.offset >= self.size:
                self._finish()
        if self.tar:
            self._finish()

    @property
    def _name(self) -> str:
        return f"shard-{self.shards:06d}.tar"

    @property
    def _part(self) -> Path:
        return self.out / f".{self._name}.{os.getpid()}.part"

    def _add(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)  # no owner, no time: equal pictures make equal shards
        entry.size = len(content)
        self.tar.addfile(entry, io.BytesIO(content))

    def _finish(self) -> None:
        self.tar.close()
        os.replace(self._part, self.out / self._name)
        self.tar, self.shards = None, self.shards + 1

    def close(self) -> None:
        """Leave no half-written shard."""
        if self.tar:
            self.tar.close()
            self._part.unlink(missing_ok=True)
