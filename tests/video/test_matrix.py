"""Every difference between films of all kinds and what is made of them is named before the first frame."""

import shutil

import pytest

from video import matrix

CASES = matrix.cases()


def test_there_are_enough():
    assert len(set(CASES)) >= 120
    for name in (
        "suffix",
        "codec",
        "into",
        "encoder",
        "pix_fmt",
        "top_first",
        "full",
        "aspect",
        "start",
        "sound",
        "light",
    ):
        assert len({getattr(case, name) for case in CASES}) > 1, name


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="FFmpeg makes and compares the films")
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(filter(None, case.words)))
def test_equal_or_named(colorizer, tmp_path, case):
    row = matrix.tried(case, tmp_path, colorizer)
    assert not row.faults and (row.cells or row.said), row
