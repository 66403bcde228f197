"""Pictures as they come -> pictures to learn from: what is of no use is refused by name, what is large is shrunk.

Nothing of the user's is touched: shrunk copies and the manifest lie in a folder of their own.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from colorify.data import kinds, manifest
from colorify.data.manifest import MANIFEST, Entry, Item
from colorify.files import atomic, relative, write_beside

SHRUNK = "shrunk"
FEW_COLORS = 10
"""In drawings, logos and charts fewer colours than this hold 70 % of the pixels.

Of 39,065 photographs none had fewer than 17, be it a parachute in a blue sky: grain and shading make them many.
"""
NEAR = 6
"""Bits of 64 by which the perceptual hashes of two versions of a picture differ at most.

Of 300 photographs all were found again at half the size and a JPEG quality of 40 to 60, and 90 % with 2 % cut off each
side; among 39,065 photographs from public collections 38 pairs were this near, and looked it.
"""
_WINDOW = 256  # pictures in flight


@dataclass(frozen=True)
class NormalConfig:
    """What is kept, and at which size."""

    min_side: int = 200  # of the short side, pixels
    longest: int = 1024  # of the long side, pixels; larger pictures are shrunk
    valid_share: float = 0.1  # of the pictures, chosen by their hash


Progress = Callable[[int], None]
"""Is told how many pictures are done."""


def normalize(
    items: Iterable[Item], out: Path, config: NormalConfig | None = None, progress: Progress = lambda done: None
) -> dict[str, int]:
    """Examine ``items``, write ``out/manifest.parquet``, and copies of those that must be shrunk beside it.

    Returns how many are ``used``, and how many were refused for each reason. The same call goes on after a kill and
    looks only at what is new. An item that is refused already is listed with its reason; one that has a split keeps it.
    """
    out, config = Path(out), config or NormalConfig()
    out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()

    def rows() -> Iterator[Entry]:
        duplicates = Duplicates()
        for done, entry in enumerate(_examined(items, out, config), 1):
            if not entry.refused:
                entry = replace(entry, refused=duplicates.reason(entry))
            split = "" if entry.refused else entry.split or manifest.split_of(entry.sha256, config.valid_share)
            counts[entry.refused.partition(":")[0] or "used"] += 1
            yield replace(entry, split=split)
            progress(done)

    try:
        with atomic(out / MANIFEST, Path(MANIFEST).suffix) as draft:
            manifest.write(rows(), draft)
    except sqlite3.Error as error:
        raise OSError(f"{out}: what was examined cannot be noted: {error}; the same command goes on") from None
    return dict(counts.most_common())


class Duplicates:
    """The pictures so far, by content and by perceptual hash; 8 bytes a picture for the latter."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}  # SHA-256 -> path
        self._paths: list[str] = []
        self._hashes = np.empty(1024, np.uint64)

    def reason(self, entry: Entry) -> str:
        """Why a picture is refused, or nothing: then it is remembered."""
        if entry.sha256 in self._known:
            return f"duplicate: {self._known[entry.sha256]}"
        count, own = len(self._paths), np.uint64(int(entry.phash, 16))
        near = np.flatnonzero(np.bitwise_count(self._hashes[:count] ^ own) <= NEAR)
        if near.size:
            return f"near duplicate: {self._paths[near[0]]}"
        if count == self._hashes.size:
            self._hashes = np.resize(self._hashes, 2 * count)
        self._hashes[count] = own
        self._paths.append(entry.path)
        self._known[entry.sha256] = entry.path
        return ""


def _examined(items: Iterable[Item], out: Path, config: NormalConfig) -> Iterator[Entry]:
    """The rows in the order of ``items``; those that an earlier call examined come from its notes."""
    waiting = iter(items)
    with closing(_Notes(out / "examined.sqlite", config)) as notes, ThreadPoolExecutor(os.cpu_count()) as pool:
        while window := list(islice(waiting, _WINDOW)):
            known = [notes.get(item) for item in window]
            new = [item for item, entry in zip(window, known, strict=True) if entry is None]
            fresh = list(pool.map(lambda item: _examine(item, out, config), new))
            notes.put(zip(new, fresh, strict=True))
            rest = iter(fresh)
            yield from (entry or next(rest) for entry in known)


def _examine(item: Item, out: Path, config: NormalConfig) -> Entry:
    """The row of one picture, its path relative to ``out``; its shrunk copy is written if it needs one."""
    if item.entry.refused:
        return item.entry
    entry, picture = manifest.examine(item, config.min_side, config.longest, no_use)
    entry = replace(entry, path=relative(entry.path, out))
    if picture is None:
        return entry
    entry = replace(entry, phash=str(imagehash.phash(picture.resize((64, 64), Image.Resampling.BOX))))
    if picture.size == (entry.width, entry.height):
        return entry
    path = f"{SHRUNK}/{entry.sha256[:2]}/{entry.sha256}.jpg"
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=92, subsampling="4:4:4")  # chroma is what is learnt
    write_beside(out / path, content.getvalue())
    return replace(entry, path=path, width=picture.width, height=picture.height)


def colors(picture: Image.Image, share: float = 0.7) -> int:
    """How many 8-bit colours, the commonest first, hold ``share`` of 64 x 64 pixels.

    Not all: along its edges a drawing has hundreds when it was a JPEG.
    """
    few = np.asarray(picture.resize((64, 64), Image.Resampling.NEAREST), np.int32)
    counts = np.unique(few @ (65536, 256, 1), return_counts=True)[1]
    held = np.sort(counts)[::-1].cumsum()
    return int(np.searchsorted(held, share * held[-1])) + 1


def few_colors(picture: Image.Image) -> str:
    """The reason why a logo or a chart is refused, or nothing."""
    return f"few colors: under {FEW_COLORS}" if colors(picture) < FEW_COLORS else ""


REFUSALS = (kinds.look, manifest.gray, few_colors, kinds.one_hue)


def no_use(picture: Image.Image) -> str:
    """Why there is nothing to learn from an RGB picture, by the first of `REFUSALS` that has a reason; else nothing."""
    return next(filter(None, (refusal(picture) for refusal in REFUSALS)), "")


class _Notes:
    """Rows of pictures that were examined already, in an SQLite file: they hold as long as file and config do."""

    def __init__(self, path: Path, config: NormalConfig):
        self._config = repr((config, [refusal.__name__ for refusal in REFUSALS]))
        self._db = sqlite3.connect(path)
        with self._db:
            self._db.execute("CREATE TABLE IF NOT EXISTS notes (item TEXT PRIMARY KEY, state TEXT, row TEXT)")

    def close(self) -> None:
        self._db.close()

    def _key(self, item: Item) -> tuple[str, str]:
        """The item, and what must not have changed since."""
        if item.entry.refused:
            return item.entry.path, item.entry.refused
        stat = item.file.stat()
        return item.entry.path, repr((stat.st_size, stat.st_mtime_ns, item, self._config))

    def get(self, item: Item) -> Entry | None:
        row = self._db.execute("SELECT row FROM notes WHERE item = ? AND state = ?", self._key(item)).fetchone()
        return manifest.entry_of(json.loads(row[0])) if row else None

    def put(self, pairs: Iterable[tuple[Item, Entry]]) -> None:
        rows = [(*self._key(item), json.dumps(asdict(entry))) for item, entry in pairs]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", rows)
