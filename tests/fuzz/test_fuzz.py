"""Every driver takes the corpus, its valid inputs, and some hundred damaged ones; `make fuzz` goes on for minutes."""

from itertools import islice

import pytest

from .drivers import DRIVERS, seeds
from .fuzzer import attempt, inputs, kept

FEW = {"video": 25, "weights": 40, "shard": 40}


@pytest.mark.parametrize("name", DRIVERS)
def test_no_bytes_break_it(name):
    for content in (*kept(name), *seeds()[name], *islice(inputs(name), FEW.get(name, 150))):
        attempt(name, content)
