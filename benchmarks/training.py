"""Samples a second of `colorify train regression` beside a plain fastai loop on the same network, as a ratio.

    python benchmarks/training.py [--steps 30] [--repeats 3] [--side 96] [--batch 16] [--full] [--compile]

The plain loop is what one writes first: pictures decoded from files by a DataLoader with one worker a core, resized and
augmented by fastai, Lab and smooth L1 on the device, float32. Both alternate; the figures are medians over repeats.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from bench import Table, one, publish, share, two
from fastai.callback.core import Callback
from fastai.data.block import DataBlock
from fastai.data.transforms import RandomSplitter, get_image_files
from fastai.learner import Learner
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageBlock
from torch import nn
from torch.nn import functional as F

from colorify.codec import Channels
from colorify.color import rgb_to_lab
from colorify.data import samples
from colorify.data.cache import DataConfig, prepare
from colorify.losses import RegressionLoss
from colorify.methods import regression
from colorify.methods.regression import RegressionConfig
from colorify.models.depthwise import DepthwiseConv
from colorify.models.unet import SMALL, UNet, UNetConfig
from colorify.training.learner import Run
from colorify.training.speed import SPEED_FILE


def write_photos(folder: Path, count: int) -> None:
    """Crops of the samples, short side about 256: files as a user has them."""
    pictures = [picture for _, picture in samples.color()]
    for number in range(count):
        picture = pictures[number % len(pictures)].copy()
        picture.thumbnail((400, 400))
        picture.crop((number % 7, number % 11, *picture.size)).save(folder / f"{number:04d}.jpg", quality=90)


class Stopwatch(Callback):
    """Time of the training batches, after a few to warm up."""

    def __init__(self, warm: int = 5):
        self.warm = warm

    def after_batch(self) -> None:
        if self.training and self.iter + 1 == self.warm:
            synchronize()
            self.begun = time.perf_counter()

    def after_train(self) -> None:
        synchronize()
        self.elapsed = time.perf_counter() - self.begun


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class OnRgb(nn.Module):
    """The network behind an RGB input; keeps the true ab for the loss."""

    def __init__(self, network: UNet):
        super().__init__()
        self.network = network

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        lab = rgb_to_lab(rgb)
        return self.network(lab[:, :1]), F.avg_pool2d(lab[:, 1:], 2)


def plain(folder: Path, network: UNetConfig, batch: int, side: int) -> float:
    """Samples a second of the plain loop."""
    loss = RegressionLoss(Channels())
    block = DataBlock(
        (ImageBlock, ImageBlock),
        get_items=get_image_files,
        splitter=RandomSplitter(0.1, seed=0),
        item_tfms=Resize(side * 9 // 8),
        batch_tfms=aug_transforms(size=side, min_scale=0.72, do_flip=True, max_rotate=0, max_lighting=0, max_warp=0),
    )
    dls = block.dataloaders(folder, bs=batch, num_workers=os.cpu_count())
    model = OnRgb(UNet(network, 2))
    watch = Stopwatch()
    learn = Learner(dls, model, lambda output, _: loss(*output), cbs=[watch])
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3)
    count = len(dls.train) - watch.warm
    return count * batch / watch.elapsed


def ours(sets, network: UNetConfig, steps: int, batch: int, side: int, compile: bool) -> dict[str, float]:
    """The last row of ``speed.csv``: the first part of the run warms up."""
    config = RegressionConfig(
        steps=2 * steps, network=network, batch=batch, sizes=((0.0, side),), valid_every=steps, grid_every=10**9
    )
    with tempfile.TemporaryDirectory() as out:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        regression.METHOD.train(config, *sets, Run(Path(out), device, compile=compile))
        rows = list(csv.DictReader((Path(out) / SPEED_FILE).read_text().splitlines()))
    return {name: float(value) for name, value in rows[-1].items()}


LEVERS = {  # name -> (type that it multiplies in, quick gradients of depthwise convolutions)
    "float32, torch's gradients": (torch.float32, False),
    "float32": (torch.float32, True),
    "bfloat16, torch's gradients": (torch.bfloat16, False),
    "bfloat16": (torch.bfloat16, True),
}


def plain_depthwise(layer: DepthwiseConv, x: torch.Tensor) -> torch.Tensor:
    """What the layer does when it is evaluated: torch finds its gradients."""
    return F.conv2d(F.pad(x, layer.border), layer.weight, stride=layer.stride, groups=len(layer.weight))


def stepper(network: UNetConfig, batch: int, side: int, dtype: torch.dtype, quick: bool) -> Callable[[], None]:
    """A function that does one step of the network alone: forward, loss, backward, optimizer."""
    model = UNet(network, 2).train().to(memory_format=torch.channels_last)
    model.dtype = dtype
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    luma, ab = torch.rand(batch, 1, side, side) * 100, torch.randn(batch, 2, side // 2, side // 2) * 10
    loss, own = RegressionLoss(Channels()), DepthwiseConv.forward

    def step() -> None:
        DepthwiseConv.forward = own if quick else plain_depthwise
        try:
            optimizer.zero_grad()
            loss(model(luma), ab).backward()
            optimizer.step()
        finally:
            DepthwiseConv.forward = own

    return step


def levers(network: UNetConfig, batch: int, repeats: int) -> Table:
    """Samples a second of the network alone with each lever, at several sides; all take turns, medians."""
    rows = []
    for side in (64, 96, 128):
        steps = {name: stepper(network, batch, side, *lever) for name, lever in LEVERS.items()}
        spent: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(repeats + 2):  # the first two warm up
            for name, step in steps.items():
                begun = time.perf_counter()
                step()
                spent[name].append(time.perf_counter() - begun)
        rates = [batch / statistics.median(times[2:]) for times in spent.values()]
        rows.append([f"{side} px", *rates, rates[-1] / rates[0]])
    columns = {"side": str, **dict.fromkeys(LEVERS, one), "all over none": two}
    return f"{network.encoder}, batch {batch}, {torch.get_num_threads()} threads, samples a second", columns, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("steps", 30), ("repeats", 3), ("side", 96), ("batch", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--full", action="store_true", help="the ResNet-50 network")
    parser.add_argument("--compile", action="store_true", help="compile ours")
    options = parser.parse_args()
    network = UNetConfig() if options.full else SMALL
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        write_photos(photos, (options.steps + 5) * options.batch * 10 // 9 + options.batch)
        sets = prepare(DataConfig((str(photos),), side=144), Path(folder) / "cache", progress=lambda _: None)
        pairs = [
            (
                plain(photos, network, options.batch, options.side),
                ours(sets, network, options.steps, options.batch, options.side, options.compile),
            )
            for _ in range(options.repeats)
        ]
    rate = statistics.median(theirs for theirs, _ in pairs)
    mine = {name: statistics.median(row[name] for _, row in pairs) for name in pairs[0][1]}
    faster = statistics.median(row["samples_per_second"] / theirs for theirs, row in pairs)
    columns = {
        "plain fastai, samples a second": one,
        "colorify": one,
        "ratio": two,
        "waiting for batches": share,
        "model FLOPs utilisation": share,
    }
    row = [rate, mine["samples_per_second"], faster, mine["waiting"], mine["utilisation"]]
    tables = [(f"{network.encoder}, {options.side} px, batch {options.batch}", columns, [row])]
    if not torch.cuda.is_available():
        tables.append(levers(network, 32, 6 * options.repeats))
    publish("training", tables)


if __name__ == "__main__":
    main()
