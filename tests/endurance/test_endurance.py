"""A short long run: `make endurance` colours the frames of a day and 20,000 pictures."""

import pytest

from .runs import of_film, of_pictures

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("run", "count"), [(of_film, 2500), (of_pictures, 400)], ids=["film", "pictures"])
def test_nothing_is_lost_and_nothing_grows(run, count, tmp_path):
    lost, took = run(tmp_path, count, 0.1)
    assert lost == 0
    assert took.growth < 50 and max(took.handles) < 100
