"""Round trips and bounds of the codecs."""

import pytest
import torch

from colorify import codec
from colorify.codec import Bits, Channels, rebalancing, smooth_prior
from colorify.color import AB_LIMIT, rgb_to_lab

AB = torch.rand(2, 2, 33, 31, generator=torch.Generator().manual_seed(0)) * 2 * AB_LIMIT - AB_LIMIT


def test_channels_round_trip():
    torch.testing.assert_close(Channels().decode(Channels().encode(AB)), AB)


@pytest.mark.parametrize(("bits", "classes"), [(4, 256), (5, 1024)])
def test_bits_round_trip_within_half_a_step(bits, classes):
    c = Bits(bits)
    assert c.outputs == classes == len(c.centers)
    assert (c.lookup(c.encode(AB)) - AB).abs().max() <= c.step / 2 + 1e-4
    every = torch.arange(classes).view(1, -1)
    assert torch.equal(c.encode(c.lookup(every)), every)


@pytest.mark.parametrize("bits", [4, 5])
def test_bits_clip_and_never_wrap(bits):
    c = Bits(bits)
    far = torch.tensor([[-300.0, 300.0], [300.0, -300.0]])[..., None]  # (2, 2, 1)
    edge = far.clamp(-AB_LIMIT, AB_LIMIT)
    assert torch.equal(c.encode(far), c.encode(edge))
    assert (c.lookup(c.encode(far)).sign() == far.sign()).all()


def test_bits_decode_takes_the_most_likely():
    c = Bits(4)
    index = torch.tensor([[7, 200]])
    logits = torch.nn.functional.one_hot(index, 256).movedim(-1, 0).float()
    torch.testing.assert_close(c.decode(logits, 0), c.lookup(index))


@pytest.mark.parametrize("bits", [0, 9])
def test_bits_out_of_range(bits):
    with pytest.raises(ValueError, match="1 to 8"):
        Bits(bits)


@pytest.mark.parametrize("one", [Channels(), Bits(4), Bits(5)])
def test_names(one):
    assert codec.from_text(codec.to_text(one)) == one


def test_unknown_name():
    with pytest.raises(ValueError, match="channels"):
        codec.from_text("bytes")


def random_logits() -> torch.Tensor:
    return torch.randn(2, 256, 5, 4, generator=torch.Generator().manual_seed(0)) * 3


def test_temperature_to_zero_is_the_mode_and_one_is_the_mean():
    c, logits = Bits(4), random_logits()
    torch.testing.assert_close(c.decode(logits, 1e-4), c.decode(logits, 0), atol=1e-2, rtol=0)
    mean = (logits.softmax(1)[:, :, None] * torch.from_numpy(c.centers).view(1, 256, 2, 1, 1)).sum(1)
    torch.testing.assert_close(c.decode(logits, 1), mean)


def test_the_annealed_mean_lies_between():
    c, logits = Bits(4), random_logits()
    chroma = [c.decode(logits, t).square().sum(1).sqrt().mean() for t in (0, 0.38, 1)]
    assert chroma[0] > chroma[1] > chroma[2]


def test_soft_labels_keep_the_mean():
    c = Bits(4)
    inside = AB * 0.9
    index, shares = c.soft_encode(inside)
    torch.testing.assert_close(shares.sum(-3), torch.ones(2, 33, 31))
    assert shares.min() >= 0
    mean = (torch.from_numpy(c.centers)[index] * shares[..., None]).sum(-4).movedim(-1, -3)
    torch.testing.assert_close(mean, inside, atol=1e-3, rtol=0)
    assert (index == c.encode(inside)[:, None]).any(1).all()


def test_soft_labels_of_colours_beyond_the_range():
    c = Bits(4)
    far = torch.full((1, 2, 1, 1), 400.0)
    index, shares = c.soft_encode(far)
    assert float(shares[index == 255]) == 1


def test_in_gamut_classes_are_those_of_colours():
    c = Bits(4)
    lab = rgb_to_lab(torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(0)))
    assert c.in_gamut[c.encode(lab[1:])].all()
    assert 80 < c.in_gamut.sum() < 160 and not c.in_gamut[0]


def test_weights_have_a_mean_of_one_under_the_prior():
    c = Bits(4)
    counts = torch.randint(0, 1000, (256,), generator=torch.Generator().manual_seed(0)).float()
    prior = smooth_prior(counts, c)
    assert float(prior.sum()) == pytest.approx(1)
    for share in (0.0, 0.5, 1.0):
        assert float((prior * rebalancing(prior, c, share)).sum()) == pytest.approx(1)
    assert torch.allclose(rebalancing(prior, c, 1.0), torch.ones(256))
    halfway = rebalancing(prior, c, 0.5)
    assert halfway[prior.argmin()] == halfway.max() and halfway[prior.argmax()] == halfway.min()


def test_smoothing_spreads_to_the_neighbours_alone():
    c = Bits(4)
    prior = smooth_prior(torch.nn.functional.one_hot(torch.tensor(120), 256).float(), c)
    assert prior.argmax() == 120 and prior[121] == pytest.approx(float(prior[104])) and prior[121] > 0.01
    assert prior[125] < 1e-6
