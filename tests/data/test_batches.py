"""The cache, the crops, and batches that are a function of seed and step."""

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from colorify.color import rgb_to_lab
from colorify.data import batches, decoded
from colorify.data.batches import AugmentConfig, Boxes
from colorify.data.cache import DataConfig, prepare
from colorify.data.manifest import DataError, read
from conftest import photo


@pytest.fixture(scope="module")
def cached(photos, tmp_path_factory):
    config = DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)
    folder = tmp_path_factory.mktemp("cache")
    return config, folder, prepare(config, folder, report=lambda _: None)


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


def test_two_runs_may_decode_the_same_pictures_at_once(photos, tmp_path, monkeypatch):
    config = DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)
    real = decoded.manifest.write

    def slower(entries, path):
        """While this run writes its last file, another does all of it."""
        monkeypatch.setattr(decoded.manifest, "write", real)
        monkeypatch.setattr(decoded.os, "getpid", lambda: 1)
        prepare(config, tmp_path, report=lambda _: None)
        real(entries, path)

    monkeypatch.setattr(decoded.manifest, "write", slower)
    train, valid = prepare(config, tmp_path, report=lambda _: None)
    assert len(train) + len(valid) == 12 and len(list((tmp_path / "decoded").iterdir())) == 1


def shard(path, seeds):
    """A tar of generated pictures."""
    with tarfile.open(path, "w") as tar:
        for seed in seeds:
            content = io.BytesIO()
            photo(seed).save(content, "PNG")
            member = tarfile.TarInfo(f"{seed:02d}.png")
            member.size = content.tell()
            content.seek(0)
            tar.addfile(member, content)


def test_one_more_shard_or_a_moved_one_decodes_no_other_anew(tmp_path, monkeypatch):
    folder, cache = tmp_path / "shards", tmp_path / "cache"
    folder.mkdir()
    shard(folder / "a.tar", range(4))
    shard(folder / "b.tar", range(3, 7))  # picture 3 twice
    config = DataConfig((str(folder),), valid_share=0.4, side=40, min_side=32)
    split = prepare(config, cache, report=lambda _: None)
    assert sum(map(len, split)) == 7
    shard(folder / "c.tar", range(7, 9))
    built = []
    real = decoded._build
    monkeypatch.setattr(decoded, "_build", lambda root, files, *rest: (built.extend(files), real(root, files, *rest)))
    train, valid = prepare(config, cache, report=lambda _: None)
    assert len(train) + len(valid) == 9 and [path.name for path in built] == ["c.tar"]
    folder.rename(tmp_path / "moved")
    train, valid = prepare(replace(config, sources=(str(tmp_path / "moved"),)), cache, report=lambda _: None)
    assert len(train) + len(valid) == 9 and len(built) == 1
    for part in (train, valid):
        for index, entry in enumerate(part.entries):
            assert "moved" in entry.path
            picture = photo(int(entry.path[-6:-4]))
            assert np.array_equal(part[index], picture.resize(part[index].size, Image.Resampling.LANCZOS))


def test_batches_over_several_parts_are_those_of_one_array(tmp_path):
    for name, seeds in (("a", range(4)), ("b", range(4, 8)), ("c", range(8, 12))):
        shard(tmp_path / f"{name}.tar", seeds)
    config = DataConfig((str(tmp_path),), valid_share=0.3, side=40, min_side=32)
    train, _ = prepare(config, tmp_path / "cache", report=lambda _: None)
    assert len(train.pixels) == 3
    one = train.joined()
    assert len(one.pixels) == 1 and len(one.pixels[0]) == (train.width * train.height).sum()
    for step in range(4):
        pair = (batches.train_batch(split, step, 4, 32, AugmentConfig(), 0) for split in (train, one))
        assert all(torch.equal(a, b) for a, b in zip(*pair, strict=True))


def test_a_changed_source_makes_a_new_cache(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for seed in range(3):
        photo(seed).save(source / f"{seed}.png")
    config = DataConfig((str(source),), valid=(str(source / "0.png"),), side=40, min_side=32)
    assert [len(split) for split in prepare(config, tmp_path / "cache", report=print)] == [2, 1]
    photo(3).save(source / "3.png")
    assert [len(split) for split in prepare(config, tmp_path / "cache", report=print)] == [3, 1]


def test_no_usable_pictures(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "gray.png")
    with pytest.raises(DataError, match="no usable pictures"):
        prepare(DataConfig((str(tmp_path),)), tmp_path / "cache", report=print)


def box(left, top, side, mirrored=False) -> Boxes:
    return Boxes(*(torch.tensor([v]) for v in (float(left), float(top), float(side), mirrored)))


def test_a_crop_at_scale_one_is_the_pixels(cached):
    _, _, (train, _) = cached
    expected = torch.from_numpy(np.asarray(train[1]).copy())[3:35, 5:37].movedim(-1, 0) / 255
    torch.testing.assert_close(batches.crop(train, torch.tensor([1]), box(5, 3, 32), 32)[0], expected)
    mirrored = batches.crop(train, torch.tensor([1]), box(5, 3, 32, True), 32)[0]
    torch.testing.assert_close(mirrored, expected.flip(-1))


def test_a_smaller_crop_is_antialiased(cached):
    _, _, (train, _) = cached
    pixels = torch.from_numpy(np.asarray(train[0]).copy())[:40, :40].movedim(-1, 0)[None] / 255
    ours = batches.crop(train, torch.tensor([0]), box(0, 0, 40), 20)
    torch.testing.assert_close(ours, torch.nn.functional.avg_pool2d(pixels, 2), atol=1e-5, rtol=0)


def test_batches_depend_on_seed_and_step_alone(cached):
    _, _, (train, _) = cached
    one, again = (batches.train_batch(train, 5, 4, 32, AugmentConfig(), seed=1) for _ in range(2))
    other_step = batches.train_batch(train, 6, 4, 32, AugmentConfig(), seed=1)
    other_seed = batches.train_batch(train, 5, 4, 32, AugmentConfig(), seed=2)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one.luma, other_step.luma) and not torch.equal(one.luma, other_seed.luma)


def test_every_picture_is_seen_once_a_pass(cached):
    _, _, (train, _) = cached
    total = len(train)
    steps = range(3 * total)  # of one picture: three passes
    seen = [int(batches.train_batch(train, s, 1, 16, AugmentConfig(), 0).index) for s in steps]
    passes = [seen[i : i + total] for i in range(0, len(seen), total)]
    assert all(sorted(one) == list(range(total)) for one in passes) and passes[0] != passes[1]


def test_shapes_and_ranges(cached):
    _, _, (train, valid) = cached
    batch = batches.train_batch(train, 0, 4, 32, AugmentConfig(degradation=1.0, gray=1.0), 0)
    assert batch.luma.shape == (4, 1, 32, 32) and batch.ab.shape == (4, 2, 16, 16)
    assert batch.luma.min() >= 0 and batch.luma.max() <= 100
    clean = batches.valid_batch(valid, torch.arange(2), 32)
    assert clean.luma.shape == (2, 1, 32, 32)


def test_without_faults_luma_and_colours_are_those_of_the_crop(cached):
    _, _, (train, _) = cached
    config = AugmentConfig(zone=(1.0, 1.0), flip=0.0, gray=0.0, degradation=0.0)
    batch = batches.train_batch(train, 0, 2, 40, config, 0)
    generator = torch.Generator().manual_seed(0)
    boxes = batches.random_boxes(train, batch.index, config, generator)
    lab = rgb_to_lab(batches.crop(train, batch.index, boxes, 40))
    torch.testing.assert_close(batch.luma, lab[:, :1])
    torch.testing.assert_close(batch.ab, torch.nn.functional.avg_pool2d(lab[:, 1:], 2))


def test_zones_lie_inside_and_have_the_asked_size(cached):
    _, _, (train, _) = cached
    index = torch.arange(len(train)).repeat(50)
    boxes = batches.random_boxes(train, index, AugmentConfig(), torch.Generator().manual_seed(0))
    width, height = train.width[index], train.height[index]
    share = boxes.side / torch.minimum(width, height)
    assert 0.85 <= share.min() < 0.87 and 0.98 < share.max() <= 1.0
    assert boxes.left.min() >= 0 and (boxes.left + boxes.side - width).max() <= 1e-4
    assert boxes.top.min() >= 0 and (boxes.top + boxes.side - height).max() <= 1e-4
    assert 0.4 < boxes.mirrored.float().mean() < 0.6
