"""A short soak: `make soak` starts 200 fresh processes of each command."""

import pytest

from .runs import failures, inputs

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", ["image", "bulk", "video"])
def test_fresh_processes_end(name, tmp_path):
    assert failures(inputs(tmp_path)[name], 20) == []
