"""Which pictures are used, which refused and why; nothing is deleted."""

import tarfile

import pyarrow.parquet
import pytest

from colorify.data import manifest
from colorify.data.manifest import DataError, Entry
from conftest import photo


def examined(source, min_side=32) -> dict[str, Entry]:
    entries = [manifest.examine(item, min_side)[0] for item in manifest.items(source)]
    return {entry.path.rsplit("/", 1)[-1]: entry for entry in entries}


def test_refusals_are_named(photos):
    before = sorted(photos.iterdir())
    entries = examined(photos)
    assert entries["gray.png"].refused == "gray"
    assert entries["small.png"].refused == "too small: under 32 px"
    assert entries["broken.jpg"].refused.startswith("unreadable: ")
    assert entries["00.png"].refused == "" and (entries["00.png"].width, entries["00.png"].height) == (64, 48)
    assert sorted(photos.iterdir()) == before


def test_tar_shards_hold_the_same(photos, tmp_path):
    with tarfile.open(tmp_path / "shard.tar", "w") as shard:
        for path in sorted(photos.iterdir()):
            shard.add(path, path.name)
    from_folder, from_tar = examined(photos), examined(tmp_path)
    assert from_tar.keys() == from_folder.keys()
    assert all(from_tar[name].sha256 == entry.sha256 for name, entry in from_folder.items())
    assert from_tar["00.png"].path.endswith("shard.tar/00.png")


def test_a_broken_tar_and_a_missing_folder(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"no tar" * 100)
    with pytest.raises(DataError, match=r"a\.tar: not a whole tar"):
        list(manifest.items(tmp_path))
    with pytest.raises(DataError, match="no such"):
        list(manifest.items(tmp_path / "missing"))


@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_round_trip(tmp_path, name):
    cat = Entry("a,b\n\u00e9.png", "00", "0f", 3, 4, "train", alt='a "cat"')
    entries = [cat, Entry("c.png", "01", refused="gray")]
    manifest.write(entries, tmp_path / name)
    assert manifest.read(tmp_path / name) == entries


def test_split_depends_on_the_picture_alone():
    hashes = [f"{(i * 2654435761) % 2**32:08x}" for i in range(2000)]
    splits = [manifest.split_of(h, 0.1) for h in hashes]
    assert 150 < splits.count("valid") < 250
    assert {manifest.split_of(h, 0.0) for h in hashes} == {"train"}
    assert all(manifest.split_of(h, 0.2) == "valid" for h, s in zip(hashes, splits, strict=True) if s == "valid")


def test_gray_and_colour_are_told_apart():
    assert manifest.is_gray(photo(0).convert("L").convert("RGB"))
    assert not manifest.is_gray(photo(0))


def test_a_manifest_of_an_older_version_is_read(tmp_path):
    manifest.write([Entry("a.png", license="CC0", width=3)], tmp_path / "new.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "new.parquet")
    old = ["licence" if name == "license" else name for name in table.column_names]
    pyarrow.parquet.write_table(table.rename_columns(old), tmp_path / "old.parquet")
    manifest.write([Entry("a.png", license="CC0", width=3)], tmp_path / "new.csv")
    (tmp_path / "old.csv").write_text((tmp_path / "new.csv").read_text().replace("license", "licence"))
    for path in tmp_path.iterdir():
        assert manifest.read(path) == [Entry("a.png", license="CC0", width=3)], path.name
