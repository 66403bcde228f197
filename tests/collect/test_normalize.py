"""What is kept and what refused, shrunk copies, and that nothing of the user's changes."""

import io
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from colorify.collect import normalize as normalizing
from colorify.collect.normalize import Duplicates, NormalConfig, colors, normalize
from colorify.data import manifest
from colorify.data.manifest import MANIFEST, Entry, Item
from conftest import photo

SMALL = NormalConfig(min_side=32, longest=100, valid_share=0.3)


def rows(out: Path) -> dict[str, Entry]:
    """The manifest, by the names of the files that were collected."""
    return {Path(entry.path).name: entry for entry in manifest.read(out / MANIFEST)}


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


@pytest.fixture
def harvest(tmp_path) -> Path:
    """Pictures of use, and one of each kind that is refused."""
    folder = tmp_path / "harvest"
    folder.mkdir()
    for seed in range(4):
        photo(seed, 90, 60).save(folder / f"{seed}.png")
    photo(0, 90, 60).resize((60, 40), Image.Resampling.BICUBIC).save(folder / "near.jpg", quality=60)
    (folder / "again.png").write_bytes((folder / "1.png").read_bytes())
    photo(9, 300, 200).save(folder / "large.jpg")
    photo(5, 20, 90).save(folder / "small.png")
    photo(6).convert("L").save(folder / "gray.png")
    drawing = Image.new("RGB", (90, 60), "white")
    ImageDraw.Draw(drawing).ellipse((10, 10, 80, 50), "red", "black", 3)
    drawing.save(folder / "drawing.png")
    (folder / "broken.jpg").write_bytes((folder / "large.jpg").read_bytes()[:300])
    return folder


def test_every_refusal_has_its_reason_and_nothing_of_the_user_changes(harvest, tmp_path):
    before, told = content(harvest), []
    counts = normalize(manifest.items(harvest), tmp_path / "out", SMALL, told.append)
    assert content(harvest) == before
    assert told == list(range(1, 12))
    found = rows(tmp_path / "out")
    reasons = {name: entry.refused.partition(":")[0] for name, entry in found.items() if entry.refused}
    assert reasons == {
        "again.png": "duplicate",
        "near.jpg": "near duplicate",
        "small.png": "too small",
        "gray.png": "gray",
        "drawing.png": "few colors",
        "broken.jpg": "unreadable",
    }
    assert counts["used"] == 5 and sum(counts.values()) == 11
    for entry in found.values():
        assert entry.split in (("",) if entry.refused else ("train", "valid"))
        path = tmp_path / "out" / entry.path
        assert path.exists()
        if not entry.refused:
            with Image.open(path) as picture:
                assert picture.size == (entry.width, entry.height) and len(entry.phash) == 16


def test_large_pictures_are_shrunk_beside_and_keep_their_colours(harvest, tmp_path):
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    (large,) = (e for e in rows(tmp_path / "out").values() if e.path.startswith("shrunk/"))
    assert (large.width, large.height) == (100, 67)
    truth = photo(9, 300, 200).resize((100, 67), Image.Resampling.LANCZOS)
    with Image.open(tmp_path / "out" / large.path) as shrunk:
        off = np.abs(np.asarray(shrunk, float) - np.asarray(truth, float))
    assert off.mean() < 3


def test_a_turned_picture_is_upright(tmp_path):
    (tmp_path / "in").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, size in (("kept", (90, 60)), ("shrunk", (300, 200))):
        photo(len(name), *size).save(tmp_path / "in" / f"{name}.jpg", exif=exif)
    normalize(manifest.items(tmp_path / "in"), tmp_path / "out", SMALL)
    assert {(e.width, e.height) for e in rows(tmp_path / "out").values()} == {(60, 90), (67, 100)}


def test_the_manifest_is_what_training_reads(harvest, tmp_path):
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    items = list(manifest.items(tmp_path / "out"))
    assert len(items) == 5 and all(item.listed and item.entry.split for item in items)
    for item in items:
        entry, picture = manifest.examine(item, 10_000)  # it was accepted: no second trial
        assert entry == item.entry and picture.size == (entry.width, entry.height)


def test_shards_are_read_in_place_with_what_lies_beside(harvest, tmp_path):
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "00.tar", "w") as shard:
        for name in ("0.png", "2.png"):
            shard.add(harvest / name, name)
            for kind, text in ((".txt", "a caption"), (".json", '{"url": "http://a/b", "license": "CC0", "n": 1}')):
                info = tarfile.TarInfo(Path(name).stem + kind)
                info.size = len(text)
                shard.addfile(info, io.BytesIO(text.encode()))
    normalize(manifest.items(tmp_path / "in"), tmp_path / "out", SMALL)
    found = rows(tmp_path / "out")
    assert found["0.png"].path == "../in/00.tar/0.png"
    assert (found["0.png"].caption, found["0.png"].page, found["0.png"].license) == ("a caption", "http://a/b", "CC0")
    (first, _) = manifest.items(tmp_path / "out")
    assert first.read() == (harvest / "0.png").read_bytes()


def test_what_is_known_is_not_examined_again_unless_it_changed(harvest, tmp_path, monkeypatch):
    looked = []
    real = manifest.examine
    monkeypatch.setattr(manifest, "examine", lambda item, *rest: looked.append(item) or real(item, *rest))
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    first = (tmp_path / "out" / MANIFEST).read_bytes()
    assert len(looked) == 11
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    assert len(looked) == 11 and (tmp_path / "out" / MANIFEST).read_bytes() == first
    photo(77, 90, 60).save(harvest / "2.png")
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    assert len(looked) == 12
    (harvest / "1.png").unlink()
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    assert len(looked) == 12
    found = rows(tmp_path / "out")
    assert "1.png" not in found and not found["again.png"].refused
    normalize(manifest.items(harvest), tmp_path / "out", replace(SMALL, min_side=16))
    assert len(looked) == 22 and rows(tmp_path / "out")["small.png"].refused == ""


def test_a_killed_run_goes_on_and_ends_the_same(harvest, tmp_path):
    """The process kills itself when it examines the last picture."""
    code = f"""
import os, signal
from pathlib import Path
from colorify.collect import normalize as n
from colorify.data import manifest
n._WINDOW = 3
real = manifest.examine
def examine(item, *rest):
    if item.file.name == "small.png":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(item, *rest)
manifest.examine = examine
n.normalize(manifest.items(Path({str(harvest)!r})), Path({str(tmp_path / "out")!r}), n.{SMALL!r})
"""
    result = subprocess.run([sys.executable, "-c", code])
    assert result.returncode == -signal.SIGKILL and not (tmp_path / "out" / MANIFEST).exists()
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    normalize(manifest.items(harvest), tmp_path / "fresh", SMALL)
    assert manifest.read(tmp_path / "out" / MANIFEST) == manifest.read(tmp_path / "fresh" / MANIFEST)


def test_a_refusal_and_a_split_that_are_known_stay(harvest, tmp_path):
    items = [Item(Entry("http://a/b.jpg", refused="status 404"), Path())]
    items += [replace(i, entry=replace(i.entry, split="valid")) for i in manifest.items(harvest / "0.png")]
    assert normalize(items, tmp_path / "out", replace(SMALL, valid_share=0)) == {"status 404": 1, "used": 1}
    assert [e.split for e in manifest.read(tmp_path / "out" / MANIFEST)] == ["", "valid"]


def test_a_failure_leaves_the_older_manifest(harvest, tmp_path, monkeypatch):
    normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    before = (tmp_path / "out" / MANIFEST).read_bytes()
    photo(50, 300, 200).save(harvest / "new.png")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(normalizing, "write_beside", full)
    with pytest.raises(OSError, match="No space"):
        normalize(manifest.items(harvest), tmp_path / "out", SMALL)
    assert (tmp_path / "out" / MANIFEST).read_bytes() == before
    assert not [path for path in (tmp_path / "out").iterdir() if "part" in path.name]


def test_near_duplicates_are_found_among_many():
    known = Duplicates()
    hashes = np.random.default_rng(0).integers(0, 2**64, 3000, np.uint64)
    assert not any(known.reason(Entry(str(n), f"{n}", f"{value:016x}")) for n, value in enumerate(hashes))
    for flipped, near in ((6, True), (7, False)):
        other = int(hashes[2500]) ^ sum(1 << (9 * bit) for bit in range(flipped))
        assert (known.reason(Entry("x", "x", f"{other:016x}")) == "near duplicate: 2500") is near
    assert known.reason(Entry("y", "17", "0" * 16)) == "duplicate: 17"


def test_colors_are_counted_by_what_they_cover():
    assert colors(Image.new("RGB", (50, 50), "red")) == 1
    halves = Image.new("RGB", (64, 64), "red")
    halves.paste("blue", (0, 0, 64, 32))
    assert colors(halves) == 2
    assert colors(photo(0)) > 50
