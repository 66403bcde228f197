"""The quick gradients of depthwise convolutions are those of torch's convolution."""

import pytest
import torch
from torch.nn import functional as F

from colorify.models.depthwise import DepthwiseConv

SHAPES = [(3, 1), (5, 1), (3, 2), (5, 2)]


@pytest.mark.parametrize(("kernel", "stride"), SHAPES)
@pytest.mark.parametrize("size", [(12, 12), (4, 6), (2, 2)])
def test_gradients(kernel, stride, size):
    torch.manual_seed(0)
    layer = DepthwiseConv(8, kernel, stride).train()
    x = torch.randn(2, 8, *size, requires_grad=True)
    answer = layer(x)
    grad = torch.randn_like(answer)
    answer.backward(grad)
    exact = [t.detach().double().requires_grad_() for t in (x, layer.weight)]
    F.conv2d(F.pad(exact[0], layer.border), exact[1], stride=stride, groups=8).backward(grad.double())
    for ours, true in zip((x.grad, layer.weight.grad), (t.grad for t in exact), strict=True):
        torch.testing.assert_close(ours.double(), true, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), SHAPES)
def test_gradients_in_bfloat16_are_as_near_as_its_8_bits_allow(kernel, stride):
    torch.manual_seed(0)
    layer = DepthwiseConv(8, kernel, stride).train()
    x = torch.randn(4, 8, 12, 12, requires_grad=True)
    grads = {}
    for on in (False, True):
        layer.zero_grad()
        x.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=on):
            layer(x).float().square().sum().backward()
        grads[on] = x.grad, layer.weight.grad
    for exact, near in zip(grads[False], grads[True], strict=True):
        assert near.dtype == torch.float32
        assert (near - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize(("kernel", "stride"), SHAPES)
def test_training_and_evaluation_give_the_same(kernel, stride):
    layer, x = DepthwiseConv(8, kernel, stride), torch.randn(1, 8, 10, 14)
    torch.testing.assert_close(layer.train()(x), layer.eval()(x))
    assert layer(x).shape[-2:] == (10 // stride, 14 // stride)


def test_a_frozen_layer_hands_gradients_on():
    layer = DepthwiseConv(4, 5, 2).train().requires_grad_(False)
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.abs().sum() > 0 and layer.weight.grad is None
