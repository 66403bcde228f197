"""The free samples are whole, and those in the repository are theirs."""

import hashlib
import re
import runpy
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from colorify import extras
from colorify.collect.normalize import NEAR, no_use
from colorify.data import manifest, samples

SAMPLES = Path(__file__).parents[2] / "data" / "sample"


def test_samples_are_in_colour_and_gray():
    color, gray = dict(samples.color()), dict(samples.gray())
    assert not color.keys() & gray.keys()
    assert {picture.mode for picture in color.values()} == {"RGB"} and {p.mode for p in gray.values()} == {"L"}
    assert all(min(picture.size) >= 256 for picture in (*color.values(), *gray.values()))


def test_small_copies_are_those_of_the_repository(tmp_path):
    samples.write(tmp_path, side=256)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in SAMPLES.glob("*.jpg")}
    for path in tmp_path.iterdir():
        with Image.open(path) as made, Image.open(SAMPLES / path.name) as kept:
            assert made.size == kept.size and made.mode == kept.mode and min(made.size) <= 256


@pytest.fixture(scope="module")
def entries() -> list[manifest.Entry]:
    return manifest.read(SAMPLES / "manifest.csv")


FREE = re.compile(r"CC0-1\.0|CC-BY(-SA)?-[1-4]\.[0-9]|public domain|L?GPL-[23](\.1)?\+?")


def test_every_picture_is_listed_with_its_source_author_and_license(entries):
    assert [entry.path for entry in entries] == sorted(str(p.relative_to(SAMPLES)) for p in SAMPLES.rglob("*.jpg"))
    for entry in entries:
        assert hashlib.sha256((SAMPLES / entry.path).read_bytes()).hexdigest() == entry.sha256, entry.path
        assert entry.source and entry.caption.startswith("by ") and len(entry.caption) > 4, entry.path
        assert FREE.fullmatch(entry.license), entry
        assert re.fullmatch(r"[\w.-]+ [\w.:+-]+: \S.*\.(jpg|png|webp)", entry.page), entry


@pytest.mark.parametrize(
    ("name", "author", "license"),
    [
        ("america", "Tom Harpel", "CC-BY-2.0"),  # README in explore_world_music.rcc
        ("mexico", "Elidealista", "CC0-1.0"),
        ("bison", "Kurt Kaiser", "CC0-1.0"),  # README in explore_world_animals.rcc
        ("drop", "stefonarch", "CC-BY-SA-3.0"),  # wallpapers/License
        ("sea-sunset", "Sebastian Voortman", "CC0-1.0"),  # AUTHORS
        ("dune", "Marco Cogoni; Hylke Bons", "GPL-2+"),  # debian/copyright
    ],
)
def test_rights_are_as_the_document_nearest_to_the_picture_states_them(entries, name, author, license):
    (entry,) = [entry for entry in entries if entry.path == f"photos/{name}.jpg"]
    assert (entry.caption, entry.license) == (f"by {author}", license)


def test_the_table_of_the_readme_is_that_of_the_manifest():
    readme = SAMPLES.parent / "README.md"
    assert readme.read_text() == runpy.run_path(str(SAMPLES.parent / "table.py"))["written"](readme.read_text())


def test_the_set_is_small_in_colour_and_without_doubles(entries):
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*.jpg")) < 3_000_000
    used, hashes = [entry for entry in entries if not entry.refused], []
    held_out = [entry for entry in used if entry.split == "valid"]
    assert len(used) >= 150 and len(held_out) >= 40 and 0.2 < len(held_out) / len(used) < 0.3
    for entry in used:
        with Image.open(SAMPLES / entry.path) as picture:
            rgb = picture.convert("RGB")
        assert (entry.width, entry.height) == rgb.size and not no_use(rgb), entry.path
        hashes.append(int(str(imagehash.phash(rgb.resize((64, 64), Image.Resampling.BOX))), 16))
    hashes = np.array(hashes, np.uint64)
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None]) + 64 * np.eye(len(hashes), dtype=np.uint8)
    assert apart.min() > NEAR


def test_without_their_packages_the_error_names_the_one_to_install(monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as found:
        samples.picture("china")
    assert "needs sklearn: pip install" in extras.explained(found.value, "image")
