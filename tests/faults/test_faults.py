"""Commands killed, with a full disk, with a corrupted checkpoint; `make faults` goes on for hours."""

import pytest

from .harness import FAULTS, rounds_of


@pytest.mark.parametrize("name", ["bulk", "video", "train", "collect"])
def test_nothing_is_lost(name):
    tally = rounds_of([name], len(FAULTS), lambda _: None)[name]
    assert not tally.lost and tally.rounds == len(FAULTS)
