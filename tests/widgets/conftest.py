"""What several tests of this folder need."""

import pytest

from colorify.widgets.session import Session
from colorify.widgets.studio import Studio


@pytest.fixture
def studio(colorizer) -> Studio:
    return Studio(Session({"highres": colorizer, "mine": colorizer}))
