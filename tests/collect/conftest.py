"""What several tests of this folder need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from colorify.collect.site import Site, serve

SAMPLES = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(SAMPLES) as running:
        yield running
