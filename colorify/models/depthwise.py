"""Depthwise convolution whose gradients are quick on processors too.

oneDNN has fast kernels for most of it, but falls back to a reference loop for the weights of 5x5 kernels and, in
bfloat16, for the input of strided ones: up to a hundred times as slow (`benchmarks/training.py` measures what it
saves). The former are summed here tap by tap over the whole batch, the latter computed in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def uneven_border(kernel: int) -> tuple[int, ...]:
    """What TensorFlow adds to even sides for a stride of 2: one pixel more behind than before."""
    return (kernel // 2 - 1, kernel // 2) * 2


class DepthwiseConv(nn.Conv2d):
    """One filter a channel, no bias: ``(B, C, H, W)`` -> ``(B, C, H, W)``, or half of even sides with stride 2."""

    def __init__(self, channels: int, kernel: int, stride: int):
        super().__init__(channels, channels, kernel, stride, groups=channels, bias=False)
        self.border = uneven_border(kernel) if stride == 2 else (kernel // 2,) * 4

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and x.device.type == "cpu"):
            return super().forward(F.pad(x, self.border))
        if torch.is_autocast_enabled("cpu"):
            x = x.to(torch.get_autocast_dtype("cpu"))
        apply: Callable[..., Tensor] = _Depthwise.apply
        return apply(F.pad(x, self.border), self.weight, self.stride[0])


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution of a padded input; the gradient of the weights has their own type."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight.to(x.dtype), stride=stride, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        of_input = of_weight = None
        if ctx.needs_input_grad[0]:
            exact = torch.float32 if ctx.stride == 2 else x.dtype
            like = torch.empty_like(x, dtype=exact)  # of the input oneDNN reads the shape alone
            of_input = _onednn(like, weight.to(exact), grad.to(exact), ctx.stride, (True, False, False))[0].to(x.dtype)
        if ctx.needs_input_grad[1] and weight.shape[-1] > 3:
            of_weight = _weight_by_taps(x.float(), grad.float(), weight.shape, ctx.stride).to(weight.dtype)
        elif ctx.needs_input_grad[1]:
            of_weight = _onednn(x, weight.to(x.dtype), grad, ctx.stride, (False, True, False))[1].to(weight.dtype)
        return of_input, of_weight, None


def _onednn(x: Tensor, weight: Tensor, grad: Tensor, stride: int, mask: tuple[bool, bool, bool]) -> tuple[Tensor, ...]:
    return torch.ops.aten.convolution_backward(
        grad, x, weight, None, (stride, stride), (0, 0), (1, 1), False, (0, 0), len(weight), mask
    )


def _weight_by_taps(x: Tensor, grad: Tensor, shape: torch.Size, stride: int) -> Tensor:
    products = (seen * _last(grad) for seen in _taps(x, grad, shape[-1], stride))
    return torch.stack([product.sum((0, 1, 2)) for product in products], 1).view(shape)


def _taps(x: Tensor, grad: Tensor, kernel: int, stride: int) -> Iterator[Tensor]:
    """For each tap of the kernel the view ``(B, h, w, C)`` of the padded ``x`` that it meets."""
    height, width = (stride * (length - 1) + 1 for length in grad.shape[-2:])
    for i in range(kernel):
        for j in range(kernel):
            yield _last(x)[:, i : i + height : stride, j : j + width : stride]


def _last(x: Tensor) -> Tensor:
    """Channels last, as they lie in memory: ``(B, C, H, W)`` -> ``(B, H, W, C)``."""
    return x.permute(0, 2, 3, 1)
