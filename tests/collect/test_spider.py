"""The spider against a real server on loopback: polite, bounded, kept out of private places, and never lost."""

import json
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from collect.conftest import SAMPLES
from colorify.collect.store import downloaded

PHOTOS = {f"/photos/{path.name}" for path in SAMPLES.glob("*.jpg")}
USELESS = {f"/useless/{name}.jpg" for name in ("again", "near", "drawing", "icon")}
TAKEN = PHOTOS | USELESS


def command(url: str, out: Path, *options: object) -> list[str]:
    return list(map(str, (sys.executable, "-m", "colorify", "collect", "spider", url, "-o", out, *options)))


def crawl(url: str, out: Path, *options: object, **more: object) -> tuple[str, str, int]:
    """What the command prints, its errors, and its status."""
    options = ("--delay", 0, "--per-host", 8, "--allow-private", *options)
    result = subprocess.run(command(url, out, *options), capture_output=True, text=True, timeout=120, **more)
    return result.stdout, result.stderr, result.returncode


def test_json_is_one_object(site, tmp_path):
    shown, errors, status = crawl(site.url, tmp_path, "--min-side", 32, "--json")
    row = json.loads(shown)
    assert (status, errors, row["state"], row["refused"]) == (0, "", "done", {})
    assert row["target"] == str(tmp_path) and row["crawled"]["pictures"] >= row["pictures"]["used"] > 0


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
    assert row["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert (tmp_path / row["file"]).read_bytes() == (SAMPLES / "cat.jpg").read_bytes()


@pytest.mark.long
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


@pytest.mark.long
def test_limits(site, tmp_path):
    assert crawl(site.url, tmp_path / "a", "--max-pictures", 3, "--depth", 0)[0].startswith("1 pages, 3 pictures")
    assert sum(site.asked[path] for path in TAKEN) == 3
    assert crawl(site.url, tmp_path / "b", "--max-pages", 1)[0].startswith("1 pages, 12 pictures")
    site.delay = 0.2
    begun = time.monotonic()
    printed, _, status = crawl(site.url, tmp_path / "c", "--max-minutes", 0.005, "--per-host", 1)
    assert status == 0 and " 0 pending" not in printed and time.monotonic() - begun < 30


@pytest.mark.long
def test_a_throttled_crawl_waits_between_requests(site, tmp_path):
    crawl(site.url, tmp_path, "--delay", 0.5, "--depth", 0, "--max-pictures", 2)
    gaps = [later - earlier for earlier, later in zip(site.times, site.times[1:], strict=False)]
    assert len(gaps) >= 3 and min(gaps[1:]) > 0.2  # half of the delay to one and a half: scrapy spreads them


@pytest.mark.long
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


@pytest.mark.long
def test_wrong_tls_and_timeouts_are_counted(site, tmp_path):
    crawl(site.url.replace("http:", "https:"), tmp_path / "tls")
    (reason,) = states(tmp_path / "tls", "pages", "reason").values()
    assert "ssl" in reason.lower() or "tls" in reason.lower() or "record" in reason.lower()
    site.delay = 5.0
    crawl(site.url, tmp_path / "slow", "--timeout", 0.2)
    assert states(tmp_path / "slow", "pages", "reason") == {"/": "timeout"}


@pytest.mark.long
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
