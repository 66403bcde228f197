"""The crops, and batches that are a function of seed and step."""

import io
import tarfile

import numpy as np
import torch

from colorify.color import rgb_to_lab
from colorify.data import batches
from colorify.data.batches import AugmentConfig, Boxes
from colorify.data.cache import DataConfig, prepare
from conftest import photo


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


def test_batches_over_several_parts_are_those_of_one_array(tmp_path):
    for name, seeds in (("a", range(4)), ("b", range(4, 8)), ("c", range(8, 12))):
        shard(tmp_path / f"{name}.tar", seeds)
    config = DataConfig((str(tmp_path),), valid_share=0.3, side=40, min_side=32)
    train, _ = prepare(config, tmp_path / "cache", progress=lambda _: None)
    assert len(train.pixels) == 3
    one = train.joined()
    assert len(one.pixels) == 1 and len(one.pixels[0]) == (train.width * train.height).sum()
    for step in range(4):
        pair = (batches.train_batch(split, step, 4, 32, AugmentConfig(), 0) for split in (train, one))
        assert all(torch.equal(a, b) for a, b in zip(*pair, strict=True))


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
