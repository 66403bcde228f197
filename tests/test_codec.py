"""Round trips and bounds of the codecs."""

import pytest
import torch

from colorify import codec
from colorify.codec import Bits, Channels
from colorify.color import AB_LIMIT

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
    torch.testing.assert_close(c.decode(logits), c.lookup(index))


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
