"""What several tests of this folder need."""

import pytest

from colorify.data.cache import DataConfig, prepare


@pytest.fixture(scope="module")
def cached(photos, tmp_path_factory):
    config = DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)
    folder = tmp_path_factory.mktemp("cache")
    return config, folder, prepare(config, folder, progress=lambda _: None)
