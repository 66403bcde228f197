"""What collecting costs: the spider beside bare scrapy and wget, normalizing beside a bare Pillow loop, in one run.

    python benchmarks/collect.py [--pictures 2000] [--repeats 3]

Medians over repeats. The site is on loopback, in a process of its own, and nothing throttles: a real site is slower
than any of these.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from bench import median, publish, two
from PIL import Image

from colorify.collect import site
from colorify.collect.normalize import NormalConfig, normalize
from colorify.data import manifest, samples

A_PAGE = 20  # pictures

BARE = """
import hashlib, pathlib, sys, scrapy
from scrapy.crawler import CrawlerProcess

class Bare(scrapy.Spider):
    name, start_urls = "bare", [sys.argv[1]]

    def parse(self, response):
        yield from response.follow_all(css="a", callback=self.parse)
        yield from response.follow_all(response.css("img::attr(src)"), callback=self.keep)

    def keep(self, response):
        pathlib.Path(sys.argv[2], hashlib.sha256(response.body).hexdigest()).write_bytes(response.body)

process = CrawlerProcess({"ROBOTSTXT_OBEY": True, "LOG_LEVEL": "CRITICAL", "CONCURRENT_REQUESTS": 32,
                          "CONCURRENT_REQUESTS_PER_DOMAIN": 16})
process.crawl(Bare)
process.start()
"""


def photo(seed: int, width: int, height: int) -> bytes:
    """A JPEG of a random crop of a sample."""
    generator = np.random.default_rng(seed)
    picture = list(dict(samples.color()).values())[seed % 7]
    left, top = (generator.integers(0, side // 3) for side in picture.size)
    picture = picture.crop((left, top, picture.width - left, picture.height - top))
    content = io.BytesIO()
    picture.resize((width, height), Image.Resampling.BICUBIC).save(content, "JPEG", quality=90)
    return content.getvalue()


def _serve(pictures: int, pipe: Connection) -> None:
    content = photo(0, 320, 240)
    with tempfile.TemporaryDirectory() as folder:
        samples.write(Path(folder))
        with site.serve(Path(folder)) as served:
            pages = range(-(-pictures // A_PAGE))
            served.page("/", "".join(f'<a href="/{page}.html">on</a>' for page in pages))
            for page in pages:
                numbers = range(page * A_PAGE, min(pictures, (page + 1) * A_PAGE))
                served.page(f"/{page}.html", "".join(f'<img src="/many/{n}.jpg">' for n in numbers))
                for number in numbers:
                    served.add(f"/many/{number}.jpg", content + str(number).encode(), "image/jpeg")
            pipe.send(served.url)
            pipe.recv()


@contextmanager
def site_of(pictures: int) -> Iterator[str]:
    """The address of a site of so many pictures, while the context lasts."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(pictures, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("enough")
        process.join()


def crawls(pictures: int, repeats: int, home: Path) -> list[list]:
    """Seconds for the whole site, the start of the process included."""

    def emptied(name: str) -> Path:
        shutil.rmtree(home / name, ignore_errors=True)
        (home / name).mkdir()
        return home / name

    def run(*command: object, folder: Path) -> None:
        subprocess.run(list(map(str, command)), check=False, capture_output=True)
        found = sum(path.is_file() and path.suffix != ".html" for path in folder.rglob("*"))
        assert found >= pictures, f"{command[0]}: {found} of {pictures} pictures"

    script = home / "bare.py"  # a file: scrapy reads its source
    script.write_text(BARE)
    with site_of(pictures) as url:
        options = ("--allow-private", "--delay", 0, "--per-host", 16, "--min-side", 10**6)  # no normalizing
        spider = (sys.executable, "-m", "colorify", "collect", "spider", url, *options, "-o")
        ways = {
            "colorify collect spider": lambda: run(*spider, folder := emptied("spider"), folder=folder),
            "bare scrapy": lambda: run(sys.executable, script, url, folder := emptied("bare"), folder=folder),
        }
        if shutil.which("wget"):
            ways["wget --recursive"] = lambda: run(
                "wget", "-q", "-r", "-l", 9, "-p", "-P", folder := emptied("wget"), url, folder=folder
            )
        return ratios(ways, pictures, repeats, "bare scrapy")


def normalizing(count: int, repeats: int, home: Path) -> list[list]:
    """Photographs of 3 megapixels: decoded, looked at, shrunk, written and listed; beside decoded and shrunk."""
    (home / "photos").mkdir()
    for number in range(count):
        (home / "photos" / f"{number}.jpg").write_bytes(photo(number, 2048, 1536))

    def ours() -> None:
        shutil.rmtree(home / "normal", ignore_errors=True)
        normalize(manifest.items(home / "photos"), home / "normal", NormalConfig())

    def shrink(path: Path) -> None:
        with Image.open(path) as picture:
            picture.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
            picture.convert("RGB")

    def shrink_and_write(path: Path) -> None:
        with Image.open(path) as picture:
            picture.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
            picture.convert("RGB").save(home / "bare.d" / path.name, quality=92, subsampling="4:4:4")

    def bare(work: Callable[[Path], None]) -> None:
        (home / "bare.d").mkdir(exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(work, sorted((home / "photos").iterdir())))

    ways = {
        "normalize": ours,
        "Pillow: decode, shrink": lambda: bare(shrink),
        "Pillow: decode, shrink, write": lambda: bare(shrink_and_write),
    }
    return ratios(ways, count, repeats, "Pillow: decode, shrink, write")


def ratios(ways: dict[str, Callable[[], None]], count: int, repeats: int, base: str) -> list[list]:
    """A row a way: pictures a second, and its time over that of ``base``."""
    seconds = {name: median(way, repeats) for name, way in ways.items()}
    return [[name, count / time, time / seconds[base]] for name, time in seconds.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        crawled = crawls(arguments.pictures, arguments.repeats, Path(folder))
        normal = normalizing(max(20, arguments.pictures // 10), arguments.repeats, Path(folder))
    columns = {"": str, "pictures a second": "{:.0f}".format, "time": two}
    publish("collect", [("A crawl", columns, crawled), ("Normalizing pictures of 3 megapixels", columns, normal)])


if __name__ == "__main__":
    main()
