"""Where the spider may not go, and how long it waits."""

import subprocess
from contextlib import closing

import pytest

from collect.test_spider import command, crawl, states
from colorify.collect.manners import is_public
from colorify.collect.store import Found, Page, Store


@pytest.mark.long
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


@pytest.mark.long
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
