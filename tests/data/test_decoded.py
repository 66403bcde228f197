"""Parts of the cache are decoded once, and no other anew."""

from dataclasses import replace

import numpy as np
from PIL import Image

from colorify.data import decoded
from colorify.data.cache import DataConfig, prepare
from conftest import photo
from data.test_batches import shard


def test_two_runs_may_decode_the_same_pictures_at_once(photos, tmp_path, monkeypatch):
    config = DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)
    real = decoded.manifest.write

    def slower(entries, path):
        """While this run writes its last file, another does all of it."""
        monkeypatch.setattr(decoded.manifest, "write", real)
        monkeypatch.setattr(decoded.os, "getpid", lambda: 1)
        prepare(config, tmp_path, progress=lambda _: None)
        real(entries, path)

    monkeypatch.setattr(decoded.manifest, "write", slower)
    train, valid = prepare(config, tmp_path, progress=lambda _: None)
    assert len(train) + len(valid) == 12 and len(list((tmp_path / "decoded").iterdir())) == 1


def test_one_more_shard_or_a_moved_one_decodes_no_other_anew(tmp_path, monkeypatch):
    folder, cache = tmp_path / "shards", tmp_path / "cache"
    folder.mkdir()
    shard(folder / "a.tar", range(4))
    shard(folder / "b.tar", range(3, 7))  # picture 3 twice
    config = DataConfig((str(folder),), valid_share=0.4, side=40, min_side=32)
    split = prepare(config, cache, progress=lambda _: None)
    assert sum(map(len, split)) == 7
    shard(folder / "c.tar", range(7, 9))
    built = []
    real = decoded._build
    monkeypatch.setattr(decoded, "_build", lambda root, files, *rest: (built.extend(files), real(root, files, *rest)))
    train, valid = prepare(config, cache, progress=lambda _: None)
    assert len(train) + len(valid) == 9 and [path.name for path in built] == ["c.tar"]
    folder.rename(tmp_path / "moved")
    train, valid = prepare(replace(config, sources=(str(tmp_path / "moved"),)), cache, progress=lambda _: None)
    assert len(train) + len(valid) == 9 and len(built) == 1
    for part in (train, valid):
        for index, entry in enumerate(part.entries):
            assert "moved" in entry.path
            picture = photo(int(entry.path[-6:-4]))
            assert np.array_equal(part[index], picture.resize(part[index].size, Image.Resampling.LANCZOS))
