"""What a run knows of its pictures: their mean colour and the share of every class."""

import pytest
import torch

from colorify.codec import Bits
from colorify.data.batches import valid_batch
from colorify.training.loaders import statistics


def test_statistics_are_those_of_the_pictures(sets):
    found = statistics(sets[0])
    every = valid_batch(sets[0], torch.arange(len(sets[0])), 64).ab
    assert found["mean_ab"] == pytest.approx(every.mean((0, 2, 3)).tolist(), abs=1e-3)
    assert len(found["prior"]) == 256 and sum(found["prior"]) == pytest.approx(1, abs=1e-5)
    common = int(Bits(4).encode(every).flatten().mode().values)
    assert max(found["prior"]) == found["prior"][common]
