"""From a word to pictures: files, public datasets, lists of URLs, web sites, the free sample; then one manifest."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from colorify import params
from colorify.collect import links, normalize, site, spider
from colorify.collect.store import CollectError, Found
from colorify.data import manifest, samples
from colorify.data.cache import collected
from colorify.data.manifest import SUFFIXES, DataError, Item
from colorify.params import nearest

SAMPLE, LOOPBACK = "sample", "loopback"
_OFFLINE = f"without a network there are {SAMPLE!r}, {LOOPBACK!r}, and your own folders, tar shards and manifests"


@dataclass(frozen=True)
class CollectConfig:
    """Which pictures to gather, and how they are brought into shape."""

    sources: tuple[str, ...]  # see `find`
    valid: tuple[str, ...] = ()  # kept for validation as a whole; empty: a share of all, by hash
    valid_share: float = 0.1
    min_side: int = 200  # of the short side, pixels; smaller pictures are refused
    longest: int = 1024  # of the long side, pixels; larger pictures are shrunk
    contact: str = ""  # the spider's: a URL or address that site owners can complain to
    depth: int = 5  # the spider's: links from a start
    max_pictures: int | None = None  # the spider's, from each source
    delay: float = 0.5  # the spider's: seconds between requests to a host, at least
    allow_private: bool = False  # the spider's: the hosts named may be in a private network


Progress = Callable[[str], None]
"""Is told now and then where the work stands."""


def stage(profile: str | None = None, file: Path | None = None, progress: Progress = print) -> Path:
    """The stage `collect`: gathers what ``params.yaml`` names; returns the folder with the manifest."""
    config, root = params.load("collect", CollectConfig, profile, file), params.root(file)

    def placed(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(str(root / name) if (root / name).exists() else name for name in names)

    config = replace(config, sources=placed(config.sources), valid=placed(config.valid))
    home = collected(profile, file)
    progress(str(gather(config, home, progress)))
    return home


def listing(profile: str | None = None, file: Path | None = None) -> list[str]:
    """A line for each source of the stage, and for each file of those that lie here: its SHA-256 and its path.

    A folder that grew, or a picture that was replaced, changes it; web sites and datasets cannot.
    """
    config, root = params.load("collect", CollectConfig, profile, file), params.root(file)
    lines = []
    for name in (*config.valid, *config.sources):
        lines.append(name)
        place = root / name
        if place.suffix in (".csv", ".parquet") and place.is_file():
            place = place.parent  # a manifest's pictures lie beside it
        files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        lines += [f"{_digest(path)} {Path(os.path.relpath(path, root)).as_posix()}" for path in files if path.is_file()]
    return lines


def _digest(path: Path) -> str:
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def gather(config: CollectConfig, out: Path, progress: Progress = print) -> dict[str, int]:
    """Find, fetch and normalize all sources into ``out``; returns how many pictures are used, or refused and why.

    The same call goes on after a kill. Raises `CollectError` or `DataError` when a source is not to be had.
    """
    whole = "train" if config.valid else ""
    jobs = [("valid", source) for source in config.valid] + [(whole, source) for source in config.sources]
    places = [(split, find(source, Path(out), config, progress)) for split, source in jobs]
    items = (_within(item, split) for split, place in places for item in place)
    shape = normalize.NormalConfig(config.min_side, config.longest, config.valid_share)

    def examined(done: int) -> None:
        if not done % 1000:
            progress(f"{done:,} pictures examined")

    counts = normalize.normalize(items, out, shape, examined)
    if not counts.get("used"):
        raise DataError(f"{', '.join(config.sources)}: no usable pictures: {counts or 'none at all'}")
    return counts


def _within(item: Item, split: str) -> Item:
    return replace(item, entry=replace(item.entry, split=split)) if split else item


def find(source: str, out: Path, config: CollectConfig, progress: Progress) -> Iterable[Item]:
    """The pictures that ``source`` names, fetched into ``out`` where they are not here.

    A picture, folder, tar shard (webdataset's too), manifest, or folder of a crawl; a list of URLs (text, or CSV and
    Parquet with a column ``url``); the address of a web site; the name of one of fastai's datasets; ``sample``, the
    free pictures of installed packages; ``loopback``, a small site of them that is served and crawled.
    """
    path = Path(source)
    if urlsplit(source).scheme in ("http", "https"):
        return _crawled(out / "crawled" / links.host(source).replace(":", "-"), config, progress, (source,))
    if (path / spider.STORE_FILE).exists():
        return spider.harvest(path)
    if path.is_file() and path.suffix.lower() not in SUFFIXES | {".tar"} and (pictures := _listed(path)) is not None:
        return _crawled(out / "crawled" / path.stem, config, progress, (), pictures)
    if path.exists():
        return manifest.items(path)
    if source == SAMPLE:
        samples.write(out / SAMPLE)
        return manifest.items(out / SAMPLE)
    if source == LOOPBACK:
        return _loopback(out, config, progress)
    return manifest.items(_dataset(source, out / "datasets"))


def _listed(path: Path) -> list[Found] | None:
    """The pictures of a list of URLs, or None for a manifest."""
    if path.suffix.lower() == ".txt":
        rows = [{"url": line.strip()} for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    elif path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(path).to_pylist()
    else:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    if rows and "url" not in rows[0]:
        return None
    said = ("alt", "caption", "license", "page")
    found = []
    for row in rows:
        url = links.absolute("", str(row["url"]))
        if not url:
            raise CollectError(f"{path}: {row['url']!r} is not a web address")
        found.append(Found(url, links.host(url), **{name: str(row.get(name) or "") for name in said}))
    return found


def _crawled(
    home: Path, config: CollectConfig, progress: Progress, starts: tuple[str, ...] = (), pictures: Sequence[Found] = ()
) -> Iterator[Item]:
    named = {links.host(start) for start in starts} | {picture.host for picture in pictures}
    shared = {name: getattr(config, name) for name in ("contact", "depth", "max_pictures", "delay", "allow_private")}
    crawl = spider.SpiderConfig(starts, str(home), hosts=tuple(sorted(named)), **shared)
    counts = spider.crawl_apart(crawl, lambda counts: progress(counted(counts)), pictures)
    progress(counted(counts))
    if refused := spider.refused(crawl):
        raise CollectError("; ".join(f"{url}: cannot be visited: {reason}" for url, reason in refused.items()))
    return spider.harvest(home)


def _loopback(out: Path, config: CollectConfig, progress: Progress) -> Iterator[Item]:
    """The site is at another port every time: an older crawl is of no use."""
    samples.write(out / SAMPLE)
    shutil.rmtree(out / LOOPBACK, ignore_errors=True)
    with site.serve(out / SAMPLE) as served:
        return _crawled(out / LOOPBACK, replace(config, allow_private=True), progress, (served.url,))


def _dataset(name: str, home: Path) -> Path:
    """The folder of one of fastai's datasets, downloaded and unpacked once."""
    from fastai.data.external import URLs, untar_data

    known = {key: url for key, url in vars(URLs).items() if key.isupper() and str(url).endswith((".tgz", ".tar.gz"))}
    if name.upper() not in known:
        raise CollectError(f"{name}: neither a file nor a dataset{nearest(name.upper(), known)}; {_OFFLINE}")
    try:
        return untar_data(known[name.upper()], base=str(home))
    except OSError as error:  # urllib's are OSErrors
        raise CollectError(f"{name}: {known[name.upper()]} cannot be fetched: {error}; {_OFFLINE}") from None


def counted(counts: dict[str, int]) -> str:
    """Where a crawl stands."""
    numbers = ", ".join(f"{counts[name]:,} {name}" for name in ("pages", "pictures", "pending", "refused"))
    return f"{numbers}, {counts['bytes'] / 1e6:,.1f} MB"
