"""Shards hold the same bytes and facts, and are taken for the pictures."""

import shutil
import tarfile
from dataclasses import replace

import pytest

from colorify.collect import shards
from colorify.collect.normalize import NormalConfig, normalize
from colorify.data import manifest
from colorify.data.cache import DataConfig, prepare
from colorify.data.manifest import MANIFEST, DataError


@pytest.fixture
def harvest(photos, tmp_path):
    """The pictures of a normalized folder, with what is known of them."""
    shutil.copytree(photos, tmp_path / "photos")
    items = [
        replace(item, entry=replace(item.entry, alt=f"alt of {number}", license="CC0"))
        for number, item in enumerate(manifest.items(tmp_path / "photos"))
    ]
    normalize(items, tmp_path / "harvest", NormalConfig(min_side=32))
    return tmp_path / "harvest"


def test_bytes_and_facts_stay(harvest, tmp_path):
    count, number = shards.shard(harvest, tmp_path / "shards", size=20_000)
    assert count == 12 and number > 1
    before, after = list(manifest.items(harvest)), list(manifest.items(tmp_path / "shards"))
    assert [item.read() for item in before] == [item.read() for item in after]
    for one, other in zip(before, after, strict=True):
        assert replace(one.entry, path="") == replace(other.entry, path="")
    assert sorted(p.name for p in (tmp_path / "shards").iterdir()) == [
        MANIFEST, *(f"shard-{n:06d}.tar" for n in range(number))
    ]  # fmt: skip


def test_a_shard_without_its_manifest_still_tells(harvest, tmp_path):
    shards.shard(harvest, tmp_path / "shards")
    (item, *_) = manifest.items(tmp_path / "shards" / "shard-000000.tar")
    assert item.entry.license == "CC0" and item.entry.alt.startswith("alt of")


def test_training_reads_them(harvest, tmp_path):
    shards.shard(harvest, tmp_path / "shards", size=20_000)

    def pixels(source) -> list[bytes]:
        config = DataConfig((str(source),), side=40, min_side=32)
        train, valid = prepare(config, tmp_path / "cache", progress=lambda _: None)
        return [picture.tobytes() for split in (train, valid) for picture in map(split.__getitem__, range(len(split)))]

    assert pixels(tmp_path / "shards") == pixels(harvest)


def test_equal_pictures_make_equal_shards(harvest, tmp_path):
    for name in ("one", "two"):
        shards.shard(harvest, tmp_path / name)
    one, two = (tmp_path / name / "shard-000000.tar" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as tar:
        assert all(member.mtime == 0 for member in tar)


def test_errors_leave_nothing(harvest, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures to pack"):
        shards.shard(tmp_path / "empty", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    next(manifest.items(harvest)).file.unlink()
    with pytest.raises(OSError):
        shards.shard(harvest, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    shards.shard(tmp_path / "photos" / "01.png", tmp_path / "whole")
    with pytest.raises(DataError, match="exists already"):
        shards.shard(harvest, tmp_path / "whole")
