"""Commands killed, with a full disk, a corrupted checkpoint, no permission; `make faults` has 200 rounds of each."""

import pytest

from .harness import rounds_of

pytestmark = pytest.mark.long
ROUNDS = 10


@pytest.mark.parametrize("name", ["bulk", "video", "train", "collect", "evaluate"])
def test_nothing_is_lost(name):
    ((_, tally),) = rounds_of([name], ROUNDS, lambda _: None)
    assert not tally.lost and tally.rounds == ROUNDS
