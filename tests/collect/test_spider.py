"""The spider against a real server on loopback: polite, bounded, kept out of private places, and never lost."""

import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from colorify.collect.manners import is_public
from colorify.collect.site import Site, serve
from colorify.collect.store import Fetched, Found, Page, Picture, Store, downloaded

SAMPLES = Path(__file__).parents[2] / "data" / "sample"
PHOTOS = {f"/photos/{path.name}" for path in SAMPLES.glob("*.jpg")}
USELESS = {f"/useless/{name}.jpg" for name in ("again", "near", "drawing", "icon")}
TAKEN = PHOTOS | USELESS


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(SAMPLES) as running:
        yield running


def command(url: str, out: Path, *options: object) -> list[str]:
    return list(map(str, (sys.executable, "-m", "colorify", "collect", "spider", url, "-o", out, *options)))


def crawl(url: str, out: Path, *options: object, **more: object) -> tuple[str, str, int]:
    """What the command prints, its errors, and its status."""
    options = ("--delay", 0, "--per-host", 8, "--allow-private", *options)
    result = subprocess.run(command(url, out, *options), capture_output=True, text=True, timeout=120, **more)
    return result.stdout, result.stderr, result.returncode


def states(out: Path, table: str, what: str = "state") -> dict[str, str]:
    """Path -> state (or reason) of the pages or pictures of a crawl."""
    with closing(sqlite3.connect(out / "spider.sqlite")) as db:
        rows = db.execute(f"SELECT url, {what} FROM {table}").fetchall()
    return {"/" + url.split("/", 3)[3]: value for url, value in rows}


def wait_for(out: Path, pictures: int) -> None:
    """Until a crawl has so many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (out / "spider.sqlite").exists():
            with closing(sqlite3.connect(out / "spider.sqlite")) as db:
                try:
                    (done,) = db.execute("SELECT count(*) FROM pictures WHERE state = 'done'").fetchone()
                except sqlite3.OperationalError:  # no table yet
                    done = 0
            if done >= pictures:
                return
        time.sleep(0.02)
    raise TimeoutError(f"no {pictures} pictures in a minute")


def test_a_crawl_takes_what_is_good_and_names_what_is_not(site, tmp_path):
    printed, errors, status = crawl(site.url, tmp_path, "--depth", 4)
    assert status == 0, errors
    assert printed.startswith("14 pages, 12 pictures, 0 pending, 9 refused")
    assert {path for path, state in states(tmp_path, "pictures").items() if state == "done"} == TAKEN
    reasons = states(tmp_path, "pictures", "reason")
    for path, reason in (
        ("/bad/text.jpg", "not served as a picture: text/plain"),
        ("/bad/broken.jpg", "not a picture"),
        ("/bad/bomb.png", "too many pixels"),
        ("/bad/opted-out.jpg", "machine learning"),
        ("/bad/huge.jpg", "too large"),
        ("/bad/endless.jpg", "too large"),
        ("/bad/absent.jpg", "status 404"),
    ):
        assert reason in reasons[path]
    pages = states(tmp_path, "pages", "reason")
    assert "robots.txt" in pages["/private/secret.html"] and pages["/inward"] == "private address: 10.0.0.1"
    assert "/trap/3.html" in pages and "/trap/4.html" not in pages
    assert not {"/private/secret.html", "/photos/opted-out.jpg"} & site.asked.keys()
    assert set(site.asked.values()) == {1}
    row = next(row for row in downloaded(tmp_path / "spider.sqlite") if row["url"].endswith("cat.jpg"))
    assert (row["alt"], row["caption"], row["mime"], row["width"]) == ("the cat", "Picture 2 CC BY", "image/jpeg", 385)
    assert row["licence"] == "https://creativecommons.org/licenses/by/4.0/"
    assert (tmp_path / row["file"]).read_bytes() == (SAMPLES / "cat.jpg").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_crawl_goes_on_and_fetches_nothing_twice(site, tmp_path, number):
    site.delay = 0.1
    slowly = ("--delay", 0, "--per-host", 1, "--depth", 1, "--allow-private")
    with subprocess.Popen(command(site.url, tmp_path, *slowly), stdout=subprocess.DEVNULL) as process:
        wait_for(tmp_path, 2)
        process.send_signal(number)
    done = {path for path, state in states(tmp_path, "pictures").items() if state == "done"}
    assert 2 <= len(done) < len(TAKEN)
    site.delay = 0.0
    assert crawl(site.url, tmp_path, "--depth", 1)[0].startswith("11 pages, 12 pictures, 0 pending")
    assert {path for path, state in states(tmp_path, "pictures").items() if state == "done"} == TAKEN
    assert "/private/secret.html" not in site.asked
    again = {path for path, times in site.asked.items() if times > 1} - {"/robots.txt"}
    assert not again & done and len(again) <= (1 if number == signal.SIGKILL else 0)  # one was in flight


def test_limits(site, tmp_path):
    assert crawl(site.url, tmp_path / "a", "--max-pictures", 3, "--depth", 0)[0].startswith("1 pages, 3 pictures")
    assert sum(site.asked[path] for path in TAKEN) == 3
    assert crawl(site.url, tmp_path / "b", "--max-pages", 1)[0].startswith("1 pages, 12 pictures")
    site.delay = 0.2
    begun = time.monotonic()
    printed, _, status = crawl(site.url, tmp_path / "c", "--max-minutes", 0.005, "--per-host", 1)
    assert status == 0 and " 0 pending" not in printed and time.monotonic() - begun < 30


def test_a_throttled_crawl_waits_between_requests(site, tmp_path):
    crawl(site.url, tmp_path, "--delay", 0.5, "--depth", 0, "--max-pictures", 2)
    gaps = [later - earlier for earlier, later in zip(site.times, site.times[1:], strict=False)]
    assert len(gaps) >= 3 and min(gaps[1:]) > 0.2  # half of the delay to one and a half: scrapy spreads them


def test_a_crawl_waits_as_long_as_the_site_asks_for(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.4\n", "text/plain")
    crawl(site.url, tmp_path, "--depth", 0, "--max-pictures", 3)
    gaps = [later - earlier for earlier, later in zip(site.times, site.times[1:], strict=False)]
    assert len(gaps) >= 4 and min(gaps[1:]) > 0.3


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://localhost:{port}/", "localhost is at 127.0.0.1"),
        ("http://127.0.0.1:{port}/", "127.0.0.1"),
        ("http://2130706433:{port}/", "127.0.0.1"),
        ("http://[::1]:{port}/", "::1"),
    ],
)
def test_private_addresses_are_refused_unless_allowed(site, tmp_path, address, reason):
    url = address.format(port=site.url.rpartition(":")[2].strip("/"))
    result = subprocess.run(command(url, tmp_path, "--delay", 0), capture_output=True, text=True, timeout=120)
    (found,) = states(tmp_path, "pages", "reason").values()
    assert found.startswith("private address") and reason in found
    assert result.returncode == 1 and f"colorify: {url}: cannot be visited: {found}" in result.stderr
    assert not site.asked


@pytest.mark.parametrize("address", ["http://localhost:{port}/", "http://127.0.0.1:{port}/"])
def test_what_was_refused_is_visited_when_it_is_allowed(site, tmp_path, address):
    """The start, and a page and a picture that an earlier crawl met."""
    url = address.format(port=site.url.rpartition(":")[2].strip("/"))
    assert subprocess.run(command(url, tmp_path, "--delay", 0), capture_output=True, timeout=120).returncode == 1
    host = url.split("/")[2]
    with closing(Store(tmp_path / "spider.sqlite")) as store:
        page, picture = Page(f"{url}album/0.html", host, 1), Found(f"{url}photos/cat.jpg", host, url)
        store.add([page], [picture])
        for thing in (page, picture):
            store.refuse(thing, f"private address: {host.partition(':')[0]} is at 127.0.0.1")
    printed, errors, status = crawl(url, tmp_path, "--depth", 0)
    assert status == 0, errors
    assert printed.startswith("2 pages, ") and "0 pending" in printed
    assert site.asked["/photos/cat.jpg"] == site.asked["/album/0.html"] == 1


def test_a_start_that_cannot_be_visited_is_named_and_the_others_are(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nDisallow: /closed\n", "text/plain")
    site.page("/closed.html", "")
    starts = {
        f"{site.url}closed.html": "robots.txt",
        "http://nowhere.invalid/": "nowhere.invalid",
        f"{site.url}absent.html": "status 404",
    }
    for url, reason in starts.items():
        printed, errors, status = crawl(url, tmp_path / reason)
        assert status == 1 and printed.startswith("0 pages, 0 pictures") and "no pictures" in printed
        assert errors.startswith(f"colorify: {url}: cannot be visited: ") and reason in errors
    printed, errors, status = crawl(site.url, tmp_path / "all", *starts, "--depth", 0)
    assert status == 1 and printed.startswith("1 pages, 12 pictures") and errors.count("cannot be visited") == 3
    site.page("/absent.html", "")
    printed, errors, status = crawl(f"{site.url}absent.html", tmp_path / "status 404")
    assert status == 0 and printed.startswith("1 pages, ")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::ffff:192.168.0.1", False),
        ("fd00::1", False),
        ("2606:4700::1111", True),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


def test_wrong_tls_and_timeouts_are_counted(site, tmp_path):
    crawl(site.url.replace("http:", "https:"), tmp_path / "tls")
    (reason,) = states(tmp_path / "tls", "pages", "reason").values()
    assert "ssl" in reason.lower() or "tls" in reason.lower() or "record" in reason.lower()
    site.delay = 5.0
    crawl(site.url, tmp_path / "slow", "--timeout", 0.2)
    assert states(tmp_path / "slow", "pages", "reason") == {"/": "timeout"}


def test_a_full_disk_loses_nothing(site, tmp_path):
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    noise = SAMPLES / "flower.jpg"
    site.page("/", '<img src="/photos/cat.jpg"><img src="/large.jpg">')
    site.add("/large.jpg", noise.read_bytes() + bytes(300_000), "image/jpeg")
    _, errors, status = crawl(site.url, tmp_path, preexec_fn=small_files)
    assert status == 1 and "the same command goes on" in errors
    assert states(tmp_path, "pictures")["/large.jpg"] == "pending"
    assert not list(tmp_path.rglob("*.part"))
    printed, _, status = crawl(site.url, tmp_path)
    assert status == 0 and ", 2 pictures, 0 pending, 0 refused" in printed


def test_a_start_that_is_no_address(tmp_path):
    _, errors, status = crawl("example", tmp_path)
    assert status == 1 and "not a web address" in errors


def test_the_store_takes_turns_and_remembers(tmp_path):
    store = Store(tmp_path / "a" / "s.sqlite")
    urls = [("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    store.add([Page(f"http://{h}/{n}", h, 0) for h, n in urls], [Found(f"http://{h}/{n}.jpg", h, "p") for h, n in urls])
    store.add([Page("http://a/1", "a", 7)])
    assert {page.url for page in store.next_pages(2)} == {"http://a/1", "http://b/1"}
    assert len(store.next_pages(9)) == 4 and store.next_pages(1)[0].depth == 0
    store.fetched("http://a/1.jpg", Fetched("image/jpeg", 10, 2, 3, "abc", "f.jpg"))
    store.refuse(Picture("http://b/1.jpg", "b"), "too large")
    store.add([], visited="http://a/2")
    store.close()
    store = Store(tmp_path / "a" / "s.sqlite")
    assert store.counts() == {"pages": 1, "pictures": 1, "pending": 5, "refused": 1, "bytes": 10}
    assert store.refusals() == {"too large": 1}
    assert [picture.url for picture in store.next_pictures(9)] == ["http://a/2.jpg", "http://a/3.jpg"]
    store.close()
