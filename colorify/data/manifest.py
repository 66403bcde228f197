"""The manifest: one row a picture, with its split, or with the reason why it was refused. Nothing is ever deleted."""

from __future__ import annotations

import csv
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from colorify.color import rgb_to_lab

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
GRAY_STD = 3.27
"""A picture whose a and b both deviate less than this (ab units) counts as gray; the original's threshold."""


class DataError(ValueError):
    """No pictures to learn from: where was looked, and what to do."""


@dataclass(frozen=True)
class Entry:
    """One picture; ``refused`` is empty for those that are used."""

    path: str
    sha256: str
    width: int = 0
    height: int = 0
    split: str = ""  # train or valid
    source: str = ""
    page: str = ""
    alt: str = ""
    licence: str = ""
    refused: str = ""


def read(path: Path) -> list[Entry]:
    """The entries of a CSV manifest."""
    with open(path, newline="") as file:
        return [Entry(**row | {k: int(row[k]) for k in ("width", "height")}) for row in csv.DictReader(file)]


def write(entries: Iterable[Entry], path: Path) -> None:
    """Write a CSV manifest."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Entry)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, entries))


def files(source: Path) -> list[Path]:
    """What ``source`` holds, sorted: the picture itself, a tar shard, or a folder of either."""
    source = Path(source)
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise DataError(f"{source}: no such file or folder")
    return sorted(p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES | {".tar"} and p.is_file())


def pictures(source: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every picture in ``source``; a picture inside a tar is named ``shard.tar/member``."""
    for path in files(source):
        if path.suffix.lower() != ".tar":
            yield str(path), path.read_bytes()
            continue
        try:
            with tarfile.open(path) as shard:
                for member in shard:
                    if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                        yield f"{path}/{member.name}", shard.extractfile(member).read()
        except tarfile.TarError as error:
            raise DataError(f"{path}: not a whole tar file: {error}") from None


def examine(name: str, content: bytes, min_side: int) -> tuple[Entry, Image.Image | None]:
    """The row of one picture, with its split still open, and the upright RGB picture unless it is refused."""
    entry = Entry(name, hashlib.sha256(content).hexdigest(), source=str(Path(name).parent.name))
    try:
        with Image.open(io.BytesIO(content)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as error:  # decoders raise nearly anything on hostile bytes; the row keeps the reason
        return replace(entry, refused=f"unreadable: {' '.join(str(error).split())[:120]}"), None
    entry = replace(entry, width=picture.width, height=picture.height)
    if min(picture.size) < min_side:
        return replace(entry, refused=f"too small: under {min_side} px"), None
    if is_gray(picture):
        return replace(entry, refused="gray"), None
    return entry, picture


def is_gray(picture: Image.Image) -> bool:
    """Whether a and b both deviate less than `GRAY_STD`, judged on a thumbnail."""
    thumbnail = picture.resize((64, 64), Image.Resampling.BOX)
    ab = rgb_to_lab(np.asarray(thumbnail, np.float32) / 255)[..., 1:]
    return bool((ab.std((0, 1)) < GRAY_STD).all())


def split_of(sha256: str, valid_share: float) -> str:
    """``train`` or ``valid``, by the picture's own hash: the same on every machine, whatever else is in the set."""
    return "valid" if int(sha256[:8], 16) < valid_share * 2**32 else "train"
