"""What networks cost: ours of both sizes, and peers', by multiply-adds and by time in the same run.

    python benchmarks/networks.py [--side 256] [--repeats 5]

All run as plain torch modules with random weights, which do not change speed, on one square picture. Peers that can be
built from what is public about their layers are timed at their usual size; for the others stand the multiply-adds that
were counted in their own code, at their usual size.
"""

from __future__ import annotations

import argparse

import torch
from bench import median, ms, publish, two
from fastai.vision.models.unet import DynamicUnet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet34, resnet50

from colorify.models.unet import SMALL, UNet, UNetConfig, fuse_batch_norm

COUNTED = {"DDColor-tiny, 512 px": 96.5, "DDColor-large, 512 px": 262, "DeOldify artistic, 560 px": 958}
"""GMAC, by `torch.utils.flop_counter` on the authors' code."""


def eccv16() -> nn.Module:
    """Zhang, Isola, Efros 2016: ten blocks of 3x3 convolutions, 313 classes at a quarter of the size."""

    def block(inputs: int, widths: tuple[int, ...], stride: int = 1, dilation: int = 1) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for number, width in enumerate(widths, 1):
            step = stride if number == len(widths) else 1
            layers += [nn.Conv2d(inputs, width, 3, step, dilation, dilation), nn.ReLU()]
            inputs = width
        return [*layers, nn.BatchNorm2d(inputs)]

    return nn.Sequential(
        *block(1, (64, 64), 2),
        *block(64, (128, 128), 2),
        *block(128, (256, 256, 256), 2),
        *block(256, (512, 512, 512)),
        *block(512, (512, 512, 512), dilation=2),
        *block(512, (512, 512, 512), dilation=2),
        *block(512, (512, 512, 512)),
        nn.ConvTranspose2d(512, 256, 4, 2, 1),
        nn.ReLU(),
        *block(256, (256, 256))[:-1],
        nn.Conv2d(256, 313, 1),
        nn.Softmax(1),
        nn.Conv2d(313, 2, 1, bias=False),
    )


def dynamic_unet(encoder: nn.Module, side: int) -> nn.Module:
    """What a fastai user builds first, and DeOldify's kind: fastai's U-Net around torchvision's ResNet."""
    body = nn.Sequential(*list(encoder.children())[:-2])
    return nn.Sequential(Thrice(), DynamicUnet(body, 2, (side, side)))


class Thrice(nn.Module):
    """Gray to the three channels that such a network wants."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.expand(-1, 3, -1, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    networks = {
        "colorify, the small one": fuse_batch_norm(UNet(SMALL, 2).eval()),
        "colorify, ResNet-50": fuse_batch_norm(UNet(UNetConfig(), 2).eval()),
        "ECCV16": eccv16().eval(),
        "fastai's DynamicUnet, ResNet-34": dynamic_unet(resnet34(), given.side).eval(),
        "fastai's DynamicUnet, ResNet-50": dynamic_unet(resnet50(), given.side).eval(),
    }
    seen, rows = torch.rand(1, 1, given.side, given.side).to(memory_format=torch.channels_last), []
    for name, network in networks.items():
        network.to(memory_format=torch.channels_last)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            network(seen)
        with torch.inference_mode():
            seconds = median(lambda network=network: network(seen), given.repeats)
        rows.append(
            [name, sum(p.numel() for p in network.parameters()) / 1e6, counter.get_total_flops() / 2e9, seconds]
        )
    base = rows[0][-1]
    columns = {"network": str, "million parameters": "{:.1f}".format, "GMAC": "{:.1f}".format, "time": ms}
    timed = [[*row, row[-1] / base] for row in rows]
    counted = [[name, gmac, gmac / rows[0][2]] for name, gmac in COUNTED.items()]
    count_columns = {"network": str, "GMAC": "{:.0f}".format, f"over our small one at {given.side} px": "{:.0f}".format}
    publish(
        "networks",
        [
            (f"One picture of {given.side} px", columns | {"over our small one": two}, timed),
            ("Multiply-adds of others at their usual size", count_columns, counted),
        ],
    )


if __name__ == "__main__":
    main()
