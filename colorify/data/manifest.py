"""The manifest: one row a picture, with its split, or with the reason why it was refused. Nothing is ever deleted."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import ExifTags, Image, ImageOps

from colorify.color import rgb_to_lab, to_rgb
from colorify.pictures import SUFFIXES, open_image

if TYPE_CHECKING:
    import pyarrow

MANIFEST = "manifest.parquet"
"""A folder with a file of this name is the pictures that it lists."""
MANIFEST_CSV = "manifest.csv"
"""What became of every picture of a training."""
GRAY_STD = 3.27
"""A picture whose a and b both deviate less than this (ab units) counts as gray; the original's threshold."""

_LONGEST_FACTS = 65_536  # bytes of text beside a picture


class DataError(ValueError):
    """No pictures to learn from: where was looked, and what to do."""


_RENAMED = {"licence": "license"}


@dataclass(frozen=True)
class Entry:
    """One picture; ``refused`` is empty for those that are used."""

    path: str  # inside a tar shard: shard.tar/member; a manifest of `collect` has paths relative to its own folder
    sha256: str = ""  # of the file as it was collected
    phash: str = ""  # 64 bits of perceptual hash, hexadecimal
    width: int = 0
    height: int = 0
    split: str = ""  # train or valid
    source: str = ""
    page: str = ""
    alt: str = ""
    caption: str = ""
    license: str = ""
    refused: str = ""


@dataclass(frozen=True)
class Item:
    """Where the bytes of a picture lie, and what is known of it already."""

    entry: Entry
    file: Path
    offset: int = 0
    size: int = -1  # bytes; -1: to the end
    listed: bool = False  # a manifest has accepted it

    def read(self) -> bytes:
        """The bytes of the picture."""
        with open(self.file, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def read(path: Path) -> list[Entry]:
    """The entries of a manifest, CSV or Parquet."""
    if Path(path).suffix == ".parquet":
        import pyarrow.parquet

        table, schema = pyarrow.parquet.read_table(path), _schema()
        table = table.rename_columns([_RENAMED.get(name, name) for name in table.column_names])
        rows = table.cast(pyarrow.schema([schema.field(name) for name in table.column_names])).to_pylist()
        return [entry_of({name: value for name, value in row.items() if value is not None}) for row in rows]
    with open(path, newline="", encoding="utf-8") as file:
        return [entry_of({**row, **{k: int(row[k]) for k in ("width", "height")}}) for row in csv.DictReader(file)]


def entry_of(row: Mapping[str, Any]) -> Entry:
    """A row of a manifest, also with a name that a column had in an earlier version."""
    return Entry(**{_RENAMED.get(name, name): value for name, value in row.items()})


def write(entries: Iterable[Entry], path: Path) -> None:
    """Write a manifest, CSV or Parquet; the entries are not held in memory all at once."""
    if Path(path).suffix == ".parquet":
        _write_parquet(entries, path)
        return
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Entry)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, entries))


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int32()}
    return pa.schema([(field.name, kinds[str(field.type)]) for field in fields(Entry)])


def _write_parquet(entries: Iterable[Entry], path: Path, group: int = 10_000) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    schema, waiting = _schema(), iter(entries)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        while rows := [asdict(entry) for entry in islice(waiting, group)]:
            writer.write_table(pa.Table.from_pylist(rows, schema))


def files(source: Path) -> list[Path]:
    """What ``source`` holds, sorted: the picture itself, a tar shard, a manifest, or a folder of pictures and shards.

    A folder that has a manifest counts as that manifest.
    """
    source = Path(source)
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise DataError(f"{source}: no such file or folder")
    if (source / MANIFEST).exists():
        return [source / MANIFEST]
    return sorted(p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES | {".tar"} and p.is_file())


def items(source: Path) -> Iterator[Item]:
    """Every picture in ``source``; of a manifest those that it does not refuse, with all that it says of them."""
    for path in files(source):
        if path.suffix.lower() == ".tar":
            for member, (offset, size, facts) in _members(path).items():
                yield Item(_entry(f"{path}/{member}", path.name, **facts), path, offset, size)
        elif path.suffix.lower() in SUFFIXES:
            yield Item(_entry(str(path), path.parent.name), path)
        else:
            yield from _listed(path)


def _entry(path: str, source: str, **facts: Any) -> Entry:
    """The row of a picture, refused when no table could hold its name."""
    names = [os.fsencode(name).decode(errors="backslashreplace") for name in (path, source)]
    return Entry(
        names[0], source=names[1], **facts, refused="" if names[0] == path else "its name is not UTF-8: rename it"
    )


def _listed(path: Path) -> Iterator[Item]:
    try:
        entries = read(path)
    except Exception as error:  # pyarrow raises nearly anything on damaged files
        raise DataError(f"{path}: not a manifest: {' '.join(str(error).split())[:120]}") from None
    for entry in entries:
        if entry.refused:
            continue
        entry = replace(entry, path=Path(os.path.normpath(path.parent / entry.path)).as_posix())
        shard, inside, member = entry.path.partition(".tar/")
        if not inside:
            yield Item(entry, Path(shard), listed=True)
        elif member in (members := _members(Path(f"{shard}.tar"))):
            yield Item(entry, Path(f"{shard}.tar"), *members[member][:2], listed=True)
        else:
            raise DataError(f"{shard}.tar: no {member}, which {path} lists")


@lru_cache(maxsize=4)
def _members(shard: Path) -> dict[str, tuple[int, int, dict[str, str]]]:
    """Picture in a tar shard -> its offset and size in bytes, and what the files of the same name say of it.

    As in webdataset, ``KEY.json`` and ``KEY.txt`` (a caption) lie beside ``KEY.jpg``.
    """
    found = {}
    try:
        with tarfile.open(shard, "r:") as tar:
            for _, group in groupby(filter(tarfile.TarInfo.isfile, tar), lambda member: member.name.rpartition(".")[0]):
                members = {Path(member.name).suffix.lower(): member for member in group}
                facts = _facts(*(_beginning(tar, members.get(kind)) for kind in (".json", ".txt")))
                for kind in sorted(members.keys() & SUFFIXES):
                    found[members[kind].name] = members[kind].offset_data, members[kind].size, facts
    except (tarfile.TarError, OverflowError) as error:  # the latter: a header that claims more than memory can count
        raise DataError(f"{shard}: not a whole tar file: {error}") from None
    return found


def _beginning(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes:
    file = tar.extractfile(member) if member else None
    return file.read(_LONGEST_FACTS) if file else b""


def _facts(json_text: bytes, caption: bytes) -> dict[str, str]:
    """What a webdataset says of a picture, as fields of `Entry`."""
    try:
        said = json.loads(json_text)
    except ValueError:
        said = {}
    said = (
        {key.lower(): value for key, value in said.items() if isinstance(value, str)} if isinstance(said, dict) else {}
    )
    said.setdefault("caption", caption.decode(errors="replace").strip())
    said.setdefault("license", said.get("licence", ""))
    said.setdefault("page", said.get("url", ""))
    return {name: said.get(name, "") for name in ("page", "alt", "caption", "license")}


def is_gray(picture: Image.Image) -> bool:
    """Whether a and b both deviate less than `GRAY_STD`, judged on a thumbnail."""
    thumbnail = picture.resize((64, 64), Image.Resampling.BOX)
    ab = rgb_to_lab(to_rgb(thumbnail))[..., 1:]
    return bool((ab.std((0, 1)) < GRAY_STD).all())


def gray(picture: Image.Image) -> str:
    """The reason why a gray picture is refused, or nothing."""
    return "gray" if is_gray(picture) else ""


def examine(
    item: Item, min_side: int, longest: int | None = None, refusal: Callable[[Image.Image], str] = gray
) -> tuple[Entry, Image.Image | None]:
    """The row of one picture as the file holds it, and the upright RGB picture unless it is refused.

    ``min_side`` is of its short side, in pixels; the picture is shrunk so that its long side is at most ``longest``;
    ``refusal`` says why, or nothing. The split stays open. What a manifest has accepted is only decoded.
    """
    entry = item.entry
    if entry.refused:
        return entry, None
    try:
        content = item.read()
        entry = replace(entry, sha256=entry.sha256 or hashlib.sha256(content).hexdigest())
        with open_image(content) as opened:
            turned = opened.getexif().get(ExifTags.Base.Orientation, 1) >= 5
            width, height = opened.size[::-1] if turned else opened.size
            entry = replace(entry, width=width, height=height)
            if not item.listed and min(opened.size) < min_side:
                return replace(entry, refused=f"too small: under {min_side} px"), None
            if longest:
                opened.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as error:  # decoders raise nearly anything on hostile bytes; the row keeps the reason
        return replace(entry, split="", refused=f"unreadable: {' '.join(str(error).split())[:120]}"), None
    if not item.listed and (reason := refusal(picture)):
        return replace(entry, refused=reason), None
    return entry, picture


def split_of(sha256: str, valid_share: float) -> str:
    """``train`` or ``valid``, by the picture's own hash: the same on every machine, whatever else is in the set."""
    return "valid" if int(sha256[:8], 16) < valid_share * 2**32 else "train"
