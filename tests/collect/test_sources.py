"""A word becomes pictures: files, lists, sites, datasets; and a clear error where it does not."""

import csv
import io
import socket
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from fastai.data.external import URLs
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.collect import sources
from colorify.collect.site import Site, serve
from colorify.collect.sources import CollectConfig, gather
from colorify.collect.store import CollectError
from colorify.collect.survey import survey
from colorify.data import manifest
from colorify.data.cache import collected
from colorify.data.manifest import MANIFEST, DataError, Entry
from colorify.training.stage import pictures
from conftest import photo

SAMPLES = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture
def site():
    with serve(SAMPLES) as running:
        yield running


def listed(out: Path) -> list[Entry]:
    return manifest.read(out / MANIFEST)


def used(out: Path) -> int:
    return sum(not entry.refused for entry in listed(out))


def test_the_built_in_sample_needs_nothing(tmp_path):
    result = CliRunner().invoke(app, ["collect", "dataset", "sample", "-o", str(tmp_path / "out")])
    assert result.exit_code == 0 and "7 used, 1 gray" in result.stdout


def test_loopback_is_a_site_that_is_crawled(tmp_path):
    config = CollectConfig(("loopback",), valid_share=0.46, delay=0)
    counts = gather(config, tmp_path, progress=lambda _: None)
    assert counts == gather(config, tmp_path, progress=lambda _: None)  # at another port
    assert counts.pop("used") == 7 and counts.pop("too large") == 2
    assert set(counts.values()) == {1} and {"few colors", "near duplicate", "duplicate", "gray"} <= counts.keys()
    found = survey(tmp_path)
    assert found.splits == {"train": 5, "valid": 2} and len(found.thumbnails) == len(found.colorfulness) == 7
    assert found.licenses == {"https://creativecommons.org/licenses/by/4.0/": 7} and min(found.sides) == 218


def write_list(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix == ".txt":
        path.write_text("".join(f"{row['url']}\n" for row in rows))
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".parquet"])
def test_a_list_of_urls(site: Site, tmp_path, suffix):
    rows = [{"url": f"{site.url}photos/{name}.jpg", "caption": f"a {name}"} for name in ("cat", "rocket", "absent")]
    path = write_list(tmp_path / f"list{suffix}", rows)
    gather(CollectConfig((str(path),), delay=0, allow_private=True), tmp_path / "out", progress=lambda _: None)
    found = {entry.caption: entry.refused for entry in listed(tmp_path / "out")}
    words = [row["caption"] if suffix != ".txt" else "" for row in rows]
    assert set(found) == set(words) and used(tmp_path / "out") == 2
    assert "status 404" in {entry.refused for entry in listed(tmp_path / "out")}
    assert "/" not in site.asked


def test_a_site_that_cannot_be_visited(site: Site, tmp_path):
    with pytest.raises(CollectError, match=r"cannot be visited: private address: 127\.0\.0\.1"):
        gather(CollectConfig((site.url,), delay=0), tmp_path, progress=lambda _: None)
    config = CollectConfig((site.url,), delay=0, allow_private=True, depth=0)
    assert gather(config, tmp_path, progress=lambda _: None)["used"] == 7


def test_a_list_with_something_else(tmp_path):
    (tmp_path / "list.txt").write_text("http://example.org/a.jpg\nnot an address\n")
    with pytest.raises(CollectError, match="'not an address' is not a web address"):
        gather(CollectConfig((str(tmp_path / "list.txt"),)), tmp_path / "out")


def test_a_manifest_keeps_its_splits(photos, tmp_path):
    gather(CollectConfig((str(photos),), valid_share=0.3, min_side=32), tmp_path / "a", progress=lambda _: None)
    gather(CollectConfig((str(tmp_path / "a"),), valid_share=0), tmp_path / "b", progress=lambda _: None)
    first, second = ({e.sha256: e.split for e in listed(tmp_path / n) if not e.refused} for n in "ab")
    assert first == second and "valid" in first.values()


def test_validation_kept_as_a_whole(photos, tmp_path):
    photo(99).save(tmp_path / "own.png")
    (tmp_path / "held.png").write_bytes((photos / "03.png").read_bytes())
    config = CollectConfig((str(photos),), (str(tmp_path / "own.png"), str(tmp_path / "held.png")), min_side=32)
    gather(config, tmp_path / "out", progress=lambda _: None)
    splits = {Path(e.path).name: e.split for e in listed(tmp_path / "out")}
    assert splits["own.png"] == splits["held.png"] == "valid"
    assert splits["03.png"] == "" and splits["04.png"] == "train"  # never in both


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # fastcore's
def test_a_public_dataset_is_fetched_and_unpacked_once(site: Site, tmp_path, monkeypatch):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path in SAMPLES.glob("*.jpg"):
            archive.add(path, f"tiny-pets/{path.name}")
    site.add("/tiny-pets.tgz", content.getvalue(), "application/gzip")
    monkeypatch.setattr(URLs, "PETS", f"{site.url}tiny-pets.tgz")
    for _ in range(2):
        assert gather(CollectConfig(("pets",)), tmp_path, progress=lambda _: None) == {"used": 7, "gray": 1}
    assert site.asked["/tiny-pets.tgz"] == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # fastcore's
def test_without_a_network_the_error_says_what_there_is(tmp_path, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setattr(URLs, "PETS", f"http://127.0.0.1:{port}/pets.tgz")
    result = CliRunner().invoke(app, ["collect", "dataset", "PETS", "-o", str(tmp_path)])
    assert result.exit_code == 1 and "cannot be fetched" in result.stderr and "'sample'" in result.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("IMAGENETE", "did you mean 'IMAGENETTE'"), ("nowhere/at/all", "neither a file nor a dataset")],
)
def test_an_unknown_name(tmp_path, name, words):
    with pytest.raises(CollectError, match=words):
        gather(CollectConfig((name,)), tmp_path)


def test_nothing_of_use(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("L", (300, 300)).save(tmp_path / "in" / "a.png")
    with pytest.raises(DataError, match=r"no usable pictures: \{'gray': 1\}"):
        gather(CollectConfig((str(tmp_path / "in"),)), tmp_path / "out")


def test_the_stage_feeds_the_training_of_its_profile(photos, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text(
        "profile: a\na: {collect: {sources: [photos], valid_share: 0.3, min_side: 32}, data: {side: 40}}\n"
    )
    (tmp_path / "photos").symlink_to(photos)
    with pytest.raises(DataError, match="run `colorify collect profile a`"):
        pictures(file=params)
    result = CliRunner().invoke(app, ["collect", "profile", "a", "--params", str(params)])
    assert result.exit_code == 0 and str(collected(file=params)) in result.stdout
    train, valid = pictures(file=params)
    assert len(train) + len(valid) == used(tmp_path / "data" / "collected" / "a") == 12
    assert {entry.split for entry in valid.entries} == {"valid"}


def test_what_a_folder_holds_is_listed_with_its_contents(tmp_path):
    """By it dvc knows that pictures were added, replaced or taken away."""
    params = tmp_path / "params.yaml"
    params.write_text(
        "profile: p\np:\n  collect:\n    sources: [loopback, mine, one.jpg]\n    valid: [held/list.csv]\n"
    )
    for name in ("mine/deep/a.jpg", "one.jpg", "held/list.csv", "held/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    first = sources.listing("p", params)
    named = [line.split(" ")[-1] for line in first]
    assert named == [
        "held/list.csv",
        "held/b.jpg",
        "held/list.csv",
        "loopback",
        "mine",
        "mine/deep/a.jpg",
        "one.jpg",
        "one.jpg",
    ]
    assert sources.listing("p", params) == first
    (tmp_path / "mine/b.jpg").write_text("new")
    assert len(added := set(sources.listing("p", params)) - set(first)) == 1 and added.pop().endswith(" mine/b.jpg")
    (tmp_path / "one.jpg").write_text("ONE.jpg")
    assert sources.listing("p", params)[-1] != first[-1]
