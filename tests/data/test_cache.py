"""The cache holds every picture of use once, as it was."""

import numpy as np
import pytest
import torch
from PIL import Image

from colorify.data import decoded
from colorify.data.cache import DataConfig, prepare
from colorify.data.manifest import DataError, read
from conftest import photo


def test_cache_holds_every_usable_picture_once(cached):
    _, folder, (train, valid) = cached
    assert len(train) + len(valid) == 12 and len(valid) > 0
    (path,) = folder.glob("*/manifest.csv")
    entries = read(path)
    assert len(entries) == 16
    assert sorted(entry.refused.split(":")[0] for entry in entries if entry.refused) == [
        "duplicate",
        "gray",
        "too small",
        "unreadable",
    ]


def test_cached_pictures_are_the_shrunk_originals(cached, photos):
    _, _, (train, valid) = cached
    for split in (train, valid):
        for index, entry in enumerate(split.entries):
            picture = split[index]
            assert min(picture.size) == 40
            expected = Image.open(entry.path).resize(picture.size, Image.Resampling.LANCZOS)
            assert np.array_equal(np.asarray(picture), np.asarray(expected))


def test_a_second_call_reads_nothing(cached, monkeypatch):
    config, folder, (train, _) = cached
    monkeypatch.setattr(decoded, "_build", None)
    again = prepare(config, folder)[0]
    assert again.entries == train.entries and torch.equal(again.pixels[0], train.pixels[0])


def test_a_changed_source_makes_a_new_cache(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for seed in range(3):
        photo(seed).save(source / f"{seed}.png")
    config = DataConfig((str(source),), valid=(str(source / "0.png"),), side=40, min_side=32)
    assert [len(split) for split in prepare(config, tmp_path / "cache", progress=print)] == [2, 1]
    photo(3).save(source / "3.png")
    assert [len(split) for split in prepare(config, tmp_path / "cache", progress=print)] == [3, 1]


def test_no_usable_pictures(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "gray.png")
    with pytest.raises(DataError, match="no usable pictures"):
        prepare(DataConfig((str(tmp_path),)), tmp_path / "cache", progress=print)


def test_of_a_few_pictures_one_validates(tmp_path):
    for seed in range(3):
        photo(seed).save(tmp_path / f"{seed}.png")
    config = DataConfig((str(tmp_path),), side=40, min_side=32, valid_share=1e-9)
    train, valid = prepare(config, tmp_path / "cache", progress=print)
    assert (len(train), len(valid)) == (2, 1)
    (lent,) = valid.entries
    assert lent.split == "valid" and lent.sha256 < min(entry.sha256 for entry in train.entries)
