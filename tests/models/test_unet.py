"""Size, cost and shapes of the network."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from colorify.models.unet import SMALL, Attention, UNet, UNetConfig
from conftest import TINY


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def gmac(config: UNetConfig, size: int = 256) -> float:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        UNet(config, 2).eval()(torch.zeros(1, 1, size, size))
    return counter.get_total_flops() / 2e9


def test_the_large_network_has_60_million_parameters_and_at_most_26_gmac():
    assert parameters(UNet(UNetConfig(), 2)) == pytest.approx(60e6, rel=0.05)
    assert gmac(UNetConfig()) <= 26


def test_the_small_network_has_at_most_5_million_parameters():
    assert parameters(UNet(SMALL, 2)) <= 8e6


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 33), (64, 96), (50, 130)])
def test_any_size_gives_half_of_it(size):
    height, width = size
    output = UNet(TINY, 5).eval()(torch.rand(2, 1, height, width) * 100)
    assert output.shape == (2, 5, (height + 1) // 2, (width + 1) // 2)


def test_starts_gray():
    output = UNet(TINY, 2)(torch.rand(2, 1, 32, 32) * 100)
    assert torch.equal(output, torch.zeros_like(output))


def test_upsampling_starts_without_checkerboard():
    weight = UNet(TINY, 2).backbone.decoder[0].expand.weight
    assert torch.equal(weight[0::4], weight[3::4])


def test_decoder_needs_four_widths():
    with pytest.raises(ValueError, match="4 widths"):
        UNet(UNetConfig("resnet18", (8, 8)), 2)


def test_attention_starts_as_the_identity_and_joins_all_places():
    torch.manual_seed(0)
    block, x = Attention(8, 2), torch.randn(2, 8, 3, 5)
    assert torch.equal(block(x), x)
    torch.nn.init.normal_(block.out.weight)
    moved = x.clone()
    moved[:, 0, 2, 4] += 3
    assert ((block(moved) - block(x))[:, :, 0, 0].abs() > 1e-6).any()


def test_attention_heads_share_the_channels_equally():
    assert UNet(replace(TINY, attention=4), 2).eval()(torch.rand(1, 1, 33, 40)).shape == (1, 2, 17, 20)
    with pytest.raises(ValueError, match="3 heads"):
        UNet(replace(TINY, attention=3), 2)


def test_bfloat16_computes_about_the_same_and_answers_in_float32():
    torch.manual_seed(0)
    network = UNet(replace(TINY, attention=2), 2).eval()
    torch.nn.init.normal_(network.head.weight, std=0.3)
    luma = torch.rand(2, 1, 64, 64) * 100
    exact = network(luma)
    network.dtype = torch.bfloat16
    assert network(luma).dtype == torch.float32
    assert 0 < (network(luma) - exact).norm() < 0.05 * exact.norm()
