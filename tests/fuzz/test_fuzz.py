"""Every driver takes the corpus, its valid inputs, and some damaged ones; `make fuzz` goes on for minutes."""

from itertools import islice

import pytest

from conftest import long

from .drivers import DRIVERS
from .fuzzer import attempt, inputs, kept
from .seeds import seeds

FEW = {"video": 25, "weights": 40, "shard": 40}


@pytest.mark.parametrize("share", [0.1, *long(1.0)], ids=["a tenth", "all"])
@pytest.mark.parametrize("name", DRIVERS)
def test_no_bytes_break_it(name, share):
    damaged = islice(inputs(name), round(FEW.get(name, 150) * share))
    for content in (*kept(name), *seeds()[name], *damaged):
        attempt(name, content)
