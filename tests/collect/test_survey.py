"""What was gathered, in numbers: of every picture once, and of those of use alone."""

import pytest

from colorify.collect.sources import CollectConfig, gather
from colorify.collect.survey import survey


def test_a_survey_counts_what_is_of_use_and_what_is_not(photos, tmp_path):
    gather(CollectConfig((str(photos),), valid_share=0.3, min_side=32), tmp_path, progress=lambda _: None)
    found, few = survey(tmp_path), survey(tmp_path, limit=3)
    assert sum(found.splits.values()) == 12 == len(found.sides) == len(found.thumbnails)
    assert sum(found.refused.values()) == 4 and found.refused.keys() >= {"gray", "duplicate"}
    assert found.licenses == {"none named": 12}
    assert found.sides == few.sides and len(few.thumbnails) <= 3
    assert min(found.sides) >= 48 and max(max(picture.size) for picture in found.thumbnails) <= 128
    assert few.colorfulness == pytest.approx(found.colorfulness[: len(few.colorfulness)]) and min(few.colorfulness) > 5
