"""Networks of other projects, built from the layer sizes that their authors published.

Gray ``(N, 1, H, W)`` goes in, whatever their last layer has comes out. The weights are random, which does not change
speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from fastai.layers import SelfAttention
from fastai.vision.models.unet import DynamicUnet
from torch import nn
from torchvision.models import convnext_large, convnext_tiny, resnet34, resnet50, resnet101


def convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3x3, with ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation), nn.ReLU())


def block(inputs: int, widths: Sequence[int], stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolutions, the last with the stride, and one batch norm."""
    between = list(zip([inputs, *widths], widths, strict=False))
    layers = [convolution(one, other, 1, dilation) for one, other in between[:-1]]
    return nn.Sequential(*layers, convolution(*between[-1], stride, dilation), nn.BatchNorm2d(widths[-1]))


class Thrice(nn.Module):
    """Gray to the three channels that a network wants."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.expand(-1, 3, -1, -1)


def eccv16() -> nn.Module:
    """Zhang, Isola, Efros 2016: ten blocks of 3x3 convolutions, 313 classes at a quarter of the size."""
    return nn.Sequential(
        block(1, (64, 64), 2),
        block(64, (128, 128), 2),
        block(128, (256, 256, 256), 2),
        block(256, (512, 512, 512)),
        block(512, (512, 512, 512), dilation=2),
        block(512, (512, 512, 512), dilation=2),
        block(512, (512, 512, 512)),
        nn.ConvTranspose2d(512, 256, 4, 2, 1),
        nn.ReLU(),
        block(256, (256, 256))[:-1],
        nn.Conv2d(256, 313, 1),
        nn.Softmax(1),
        nn.Conv2d(313, 2, 1, bias=False),
    )


class Siggraph17(nn.Module):
    """Zhang, Zhu, Isola et al. 2017: the blocks of ECCV16 with skip connections, back to the whole size."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([block(4, (64, 64)), block(64, (128, 128)), block(128, (256, 256, 256))])
        self.middle = nn.Sequential(
            block(256, (512, 512, 512)),
            block(512, (512, 512, 512), dilation=2),
            block(512, (512, 512, 512), dilation=2),
            block(512, (512, 512, 512)),
        )
        steps = ((512, 256, 256), (256, 128, 128), (128, 64, 128))  # from below, from beside, out
        self.up = nn.ModuleList(nn.ConvTranspose2d(below, out, 4, 2, 1) for below, _, out in steps)
        self.beside = nn.ModuleList(nn.Conv2d(beside, out, 3, padding=1) for _, beside, out in steps)
        self.after = nn.ModuleList([block(256, (256, 256)), block(128, (128,)), convolution(128, 128)])
        self.out = nn.Conv2d(128, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, skips = torch.cat([x, torch.zeros_like(x).expand(-1, 3, -1, -1)], 1), []  # no hints
        for part in self.down:
            skips.append(part(x))
            x = skips[-1][..., ::2, ::2]
        x = self.middle(x)
        for up, beside, after, skip in zip(self.up, self.beside, self.after, reversed(skips), strict=True):
            x = after(torch.relu(up(x) + beside(skip)))
        return torch.tanh(self.out(x))


class Shuffle(nn.Module):
    """Twice or four times the size by a pixel shuffle and a blur, as DeOldify and DDColor have it."""

    def __init__(self, inputs: int, outputs: int, scale: int = 2) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs * scale**2, 1)
        self.rest = nn.Sequential(
            nn.ReLU(), nn.PixelShuffle(scale), nn.ReplicationPad2d((1, 0, 1, 0)), nn.AvgPool2d(2, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rest(self.convolution(x))


class Rise(nn.Module):
    """One step up: shuffled, beside the encoder's features of that size, through convolutions."""

    def __init__(self, inputs: int, skip: int, shuffled: int, widths: Sequence[int], attention: bool = False) -> None:
        super().__init__()
        self.shuffle, self.norm = Shuffle(inputs, shuffled), nn.BatchNorm2d(skip)
        between = zip([shuffled + skip, *widths], widths, strict=False)
        layers: list[nn.Module] = [block(one, (other,)) for one, other in between]
        self.convolutions = nn.Sequential(*layers, *([SelfAttention(widths[-1])] if attention else []))

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        risen = self.shuffle(x)
        if risen.shape[2:] != skip.shape[2:]:  # of an odd side
            risen = nn.functional.interpolate(risen, skip.shape[2:])
        return self.convolutions(torch.relu(torch.cat([risen, self.norm(skip)], 1)))


class DeOldify(nn.Module):
    """Antic 2019: a U-Net around a ResNet, *deep* (ResNet-34: artistic) or *wide* (ResNet-101: stable and video)."""

    def __init__(self, resnet: Callable[[], nn.Module], wide: bool) -> None:
        super().__init__()
        body = list(resnet().children())[:-2]
        self.down = nn.ModuleList([nn.Sequential(*body[:3]), nn.Sequential(*body[3:5]), *body[5:]])
        channels = [64, 64, 128, 256, 512] if resnet is resnet34 else [64, 256, 512, 1024, 2048]
        width = channels[-1]
        self.middle = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), block(width, (2 * width,)), block(2 * width, (width,))
        )
        rises = []
        for number, skip in enumerate(reversed(channels[:-1])):
            last = number == 3
            shuffled = 512 // (2 if last else 1) if wide else width // 2
            out = shuffled if wide else int((shuffled + skip) / (2 if last else 1) * 1.5)
            rises.append(Rise(width, skip, shuffled, (out,) if wide else (out, out), attention=number == 1))
            width = out
        self.up = nn.ModuleList(rises)
        self.whole = nn.Sequential(nn.Conv2d(width, 4 * width, 1), nn.ReLU(), nn.PixelShuffle(2))
        self.residual = nn.Sequential(convolution(width + 3, width + 3), convolution(width + 3, width + 3))
        self.out = nn.Conv2d(width + 3, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = x.expand(-1, 3, -1, -1)
        x, skips = seen, []
        for part in self.down:
            x = part(x)
            skips.append(x)
        x = self.middle(x)
        for rise, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = rise(x, skip)
        x = torch.cat([self.whole(x), seen], 1)
        return self.out(x + self.residual(x))


class DDColor(nn.Module):
    """Kang et al. 2023: a ConvNeXt, three steps up, and 100 color queries that nine layers of attention refine."""

    def __init__(self, convnext: Callable[[], nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        parts = list(convnext().features)
        self.down = nn.ModuleList(nn.Sequential(*parts[n : n + 2]) for n in range(0, 8, 2))
        self.up = nn.ModuleList(
            Rise(below, skip, out, (out,))
            for below, skip, out in zip((widths[3], 512, 512), widths[2::-1], (512, 512, 256), strict=True)
        )
        self.whole = Shuffle(256, 256, 4)
        self.levels = nn.ModuleList(nn.Conv2d(inputs, 256, 1) for inputs in (512, 512, 256))
        self.register_buffer("queries", torch.randn(1, 100, 256))
        self.layers = nn.ModuleList(nn.TransformerDecoderLayer(256, 8, 2048, batch_first=True) for _ in range(9))
        self.colors = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256))
        self.out = nn.Conv2d(103, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = x.expand(-1, 3, -1, -1)
        x, skips, levels = seen, [], []
        for part in self.down:
            x = part(x)
            skips.append(x)
        for rise, skip, level in zip(self.up, skips[2::-1], self.levels, strict=True):
            x = rise(x, skip)
            levels.append(level(x).flatten(2).transpose(1, 2))
        queries = self.queries.expand(len(x), -1, -1)
        for number, layer in enumerate(self.layers):
            queries = layer(queries, levels[number % 3])
        colors = torch.einsum("bqc,bchw->bqhw", self.colors(queries), self.whole(x))
        return self.out(torch.cat([colors, seen], 1))


def dynamic_unet(resnet: Callable[[], nn.Module], side: int) -> nn.Module:
    """What a fastai user builds first: fastai's U-Net around torchvision's ResNet."""
    body = nn.Sequential(*list(resnet().children())[:-2])
    return nn.Sequential(Thrice(), DynamicUnet(body, 2, (side, side)))


PEERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "ECCV16": (eccv16, 256),
    "SIGGRAPH17": (Siggraph17, 256),
    "fastai's DynamicUnet, ResNet-34": (lambda: dynamic_unet(resnet34, 256), 256),
    "fastai's DynamicUnet, ResNet-50": (lambda: dynamic_unet(resnet50, 256), 256),
    "DDColor-tiny": (lambda: DDColor(convnext_tiny, (96, 192, 384, 768)), 512),
    "DDColor-large": (lambda: DDColor(convnext_large, (192, 384, 768, 1536)), 512),
    "DeOldify artistic": (lambda: DeOldify(resnet34, wide=False), 560),
    "DeOldify stable": (lambda: DeOldify(resnet101, wide=True), 560),
}
"""How each is built, and the side in px at which it is usually run."""
