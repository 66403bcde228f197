"""A polite spider for pictures: scrapy does the fetching, `Store` remembers, a killed run goes on."""

from __future__ import annotations

import asyncio
import hashlib
import io
import multiprocessing
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from itertools import zip_longest
from pathlib import Path

import scrapy
from PIL import Image
from scrapy import signals
from scrapy.crawler import CrawlerProcess
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response, TextResponse
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from colorify.collect import links
from colorify.collect.manners import PRIVATE, PRIVATE_HOSTS, HomeOnly, PublicOnly, PublicResolver, Robots
from colorify.collect.store import CollectError, Fetched, Found, Page, Store, Wanted, downloaded
from colorify.data.manifest import Entry, Item
from colorify.files import write_beside
from colorify.lock import lock
from colorify.pictures import TABLE
from colorify.version import __version__

STORE_FILE, PICTURES = "spider.sqlite", "pictures"
_SUFFIXES = {row.name: row.suffixes[0] for row in TABLE if not row.package}  # by what every install can decode
_WINDOW = 64  # requests handed to scrapy at a time, over all hosts
_AHEAD = 1000  # pages and pictures read from the store at a time

Progress = Callable[[dict[str, int]], None]
"""Is told `Store.counts` about once a second."""


@dataclass(frozen=True)
class SpiderConfig:
    """Where to go, what to take, and how gently."""

    starts: tuple[str, ...]
    out: str  # folder of the store and the pictures
    contact: str = ""  # a URL or address for the user agent, so that site owners can object
    hosts: tuple[str, ...] = ()  # pages are visited on these (HOST or HOST:PORT); default: those of the starts
    follow: str = "a"  # CSS selector or XPath of the links to follow
    take: str = ""  # CSS selector or XPath of the elements whose pictures to take; default: all
    depth: int = 5  # links from a start
    max_pages: int = 10_000
    max_pictures: int | None = None
    max_minutes: float | None = None
    delay: float = 0.5  # seconds between two requests to a host, at least; AutoThrottle adds to it; 0: no throttle
    per_host: int = 2  # requests to one host at a time
    timeout: float = 30.0  # seconds for one answer
    page_megabytes: float = 5.0
    picture_megabytes: float = 30.0
    megapixels: float = 100.0
    obey_noai: bool = True  # robots directives noai and noimageai
    allow_private: bool = False  # the hosts may be at private and loopback addresses; no others ever


def crawl(
    config: SpiderConfig, progress: Progress = lambda counts: None, pictures: Iterable[Found] = ()
) -> dict[str, int]:
    """Fetch pictures into ``config.out`` until all is seen or a limit is reached; the same call goes on.

    ``pictures`` are known already and wanted too. A start that was refused is tried again, and with ``allow_private``
    what was refused for a private address of the hosts. Returns `Store.counts`; `refused` tells of the starts. For a
    program of its own: twisted's reactor starts once a process and wants its signals; in a notebook call `crawl_apart`.
    Raises `CollectError` when a start is no web address or the disk is full, `BusyError` when another run is at work
    there.
    """
    for start in config.starts:
        if links.absolute(start, start) != start.partition("#")[0]:
            raise CollectError(f"{start}: not a web address: expected http://... or https://...")
    with lock(Path(config.out)), closing(Store(Path(config.out) / STORE_FILE)) as store:
        store.add((Page(start, links.host(start), 0) for start in _starts(config)), pictures)
        store.forget(_starts(config))
        if config.allow_private:
            store.forget(reason=PRIVATE, hosts=_hosts(config))
        process = CrawlerProcess(_settings(config))
        crawler = process.create_crawler(PictureSpider)
        failures: list[Failure] = []
        process.crawl(crawler, config=config, store=store, progress=progress).addErrback(failures.append)
        process.start()
        if failures:
            failures[0].raiseException()
        trouble = getattr(crawler.spider, "trouble", "")  # none, where it could not begin
        if trouble:
            raise CollectError(f"{config.out}: {trouble}; when it is mended, the same command goes on")
        return store.counts()


def crawl_apart(
    config: SpiderConfig, progress: Progress = lambda counts: None, pictures: Iterable[Found] = ()
) -> dict[str, int]:
    """`crawl` in a process of its own; its errors are raised here."""
    store = Store(Path(config.out) / STORE_FILE)
    try:
        store.add([], pictures)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            result = pool.submit(crawl, config)
            while not wait([result], 1.0).done:
                progress(store.counts())
            return result.result()
    finally:
        store.close()


def refused(config: SpiderConfig) -> dict[str, str]:
    """The starts that a crawl could not visit, and why."""
    with closing(Store(Path(config.out) / STORE_FILE)) as store:
        return store.refused(_starts(config))


def harvest(folder: Path) -> Iterator[Item]:
    """What a crawl into ``folder`` fetched, with what the pages say of it; refused pictures with the reason."""
    for row in downloaded(Path(folder) / STORE_FILE):
        facts = {name: row[name] for name in ("page", "alt", "license")} | {"source": row["host"]}
        facts["caption"] = row["caption"] or row["title"]
        if row["state"] == "refused":
            yield Item(Entry(row["url"], refused=row["reason"], **facts), Path())
        else:
            file = Path(folder) / row["file"]
            yield Item(Entry(str(file), row["sha256"], **facts), file)


def _settings(config: SpiderConfig) -> dict:
    agent = f"colorify/{__version__}" + (f" (+{config.contact})" if config.contact else "")
    return {
        "USER_AGENT": agent,
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": "colorify",
        "AUTOTHROTTLE_ENABLED": config.delay > 0,
        "AUTOTHROTTLE_START_DELAY": config.delay,
        "DOWNLOAD_DELAY": config.delay,
        "CONCURRENT_REQUESTS_PER_DOMAIN": config.per_host,
        "CONCURRENT_REQUESTS": 32,
        "DOWNLOAD_TIMEOUT": config.timeout,
        "DOWNLOAD_MAXSIZE": int(config.page_megabytes * 1e6),
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOADER_MIDDLEWARES": {Robots: 100, RobotsTxtMiddleware: None, PublicOnly: 560, HomeOnly: 570},
        "DNS_RESOLVER": PublicResolver,
        PRIVATE_HOSTS: sorted(_hosts(config)) if config.allow_private else [],
        "REDIRECT_MAX_TIMES": 5,
        "RETRY_TIMES": 2,
        "COOKIES_ENABLED": False,
        "HTTPPROXY_ENABLED": False,  # behind a proxy no address could be checked
        "TELNETCONSOLE_ENABLED": False,
        "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",  # the store knows what is new
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "CRITICAL",  # what fails is in the store, with its reason
    }


def _starts(config: SpiderConfig) -> list[str]:
    return [start.partition("#")[0] for start in config.starts]


def _hosts(config: SpiderConfig) -> set[str]:
    """Where pages are visited."""
    return set(config.hosts) or {links.host(start) for start in config.starts}


def _or_stop(method: Callable) -> Callable:
    """Stop the crawl when a full disk keeps a method from finishing: what is pending stays pending."""

    @wraps(method)
    def guarded(spider: PictureSpider, *arguments: object) -> None:
        try:
            method(spider, *arguments)
        except (OSError, sqlite3.Error) as error:
            spider.trouble = str(error)

    return guarded


class PictureSpider(scrapy.Spider):
    """Visits pages, takes what `links` finds on them."""

    name = "colorify"

    def __init__(self, config: SpiderConfig, store: Store, progress: Progress):
        super().__init__()
        self.config, self.store, self.progress = config, store, progress
        self.hosts = _hosts(config)
        self.waiting: list[Page | Wanted] = []  # read from the store, not yet asked for
        self.in_flight: dict[str, Page | Wanted] = {}  # asked for, by URL
        self.trouble = ""
        self.deadline = time.monotonic() + 60 * config.max_minutes if config.max_minutes else float("inf")
        counts = store.counts()
        self.pages, self.pictures = counts["pages"], counts["pictures"]

    @classmethod
    def from_crawler(cls, crawler: scrapy.crawler.Crawler, *args: object, **kwargs: object) -> PictureSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.opened, signals.spider_opened)
        return spider

    def opened(self) -> None:
        """Say how far it is once a second from now on."""
        clock = LoopingCall(lambda: self.progress(self.store.counts()))  # not before: it installs a reactor
        clock.start(1.0)
        self.crawler.signals.connect(clock.stop, signals.spider_closed, weak=False)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Requests as there is room for them, until nothing is pending or a limit is reached."""
        while not (self.trouble or self._enough() or time.monotonic() > self.deadline):
            if not self.waiting:
                self._look()
            requests = list(self._next())
            for request in requests:
                yield request
            if not (requests or self.in_flight):
                return
            if not requests:
                await asyncio.sleep(0.02)

    def _enough(self) -> bool:
        return self.config.max_pictures is not None and self.pictures >= self.config.max_pictures

    def _look(self) -> None:
        """Read from the store what is pending and not in flight: a page, a picture, a page, ..."""
        pages = self.store.next_pages(_AHEAD) if self.pages < self.config.max_pages else []
        both = zip_longest(pages, self.store.next_pictures(_AHEAD))
        self.waiting = [thing for pair in both for thing in pair if thing and thing.url not in self.in_flight]

    def _next(self) -> Iterator[scrapy.Request]:
        """What may be asked for now: two requests to a host for each that it answers at a time."""
        busy = Counter(thing.host for thing in self.in_flight.values())
        later = []
        for thing in self.waiting:
            if (
                busy[thing.host] >= 2 * self.config.per_host
                or len(self.in_flight) >= _WINDOW
                or not self._wanted(thing)
            ):
                later.append(thing)
            else:
                busy[thing.host] += 1
                self.in_flight[thing.url] = thing
                yield self._request(thing)
        self.waiting = later

    def _wanted(self, thing: Page | Wanted) -> bool:
        """Whether one more page or picture is within the limit, those in flight counted."""
        paging = isinstance(thing, Page)
        limit = self.config.max_pages if paging else self.config.max_pictures
        in_flight = sum(isinstance(other, Page) == paging for other in self.in_flight.values())
        return limit is None or (self.pages if paging else self.pictures) + in_flight < limit

    def _request(self, thing: Page | Wanted) -> scrapy.Request:
        if isinstance(thing, Page):
            meta = {"thing": thing, "hosts": self.hosts}
            return scrapy.Request(thing.url, self.visit, errback=self.failed, meta=meta)
        meta = {"thing": thing, "download_maxsize": int(self.config.picture_megabytes * 1e6)}
        return scrapy.Request(thing.url, self.take, errback=self.failed, meta=meta)

    @_or_stop
    def visit(self, response: Response) -> None:
        """Remember the links and pictures of a page."""
        page = self._landed(response)
        if not isinstance(response, TextResponse):
            self.store.refuse(page, "not a page")
            return
        said = f"{_robots(response)}, {links.page_directives(response.selector)}"
        pages: list[Page] = []
        pictures: Iterable[links.Found] = ()
        if isinstance(page, Page) and page.depth < self.config.depth and "nofollow" not in said:
            found = links.follow(response.selector, response.url, self.config.follow)
            pages = [Page(url, links.host(url), page.depth + 1) for url in found if links.host(url) in self.hosts]
        if not (self.config.obey_noai and links.opts_out(said)):
            pictures = links.pictures(response.selector, response.url, self.config.take)
        self.store.add(pages, pictures, visited=page.url)
        self.pages += 1

    @_or_stop
    def take(self, response: Response) -> None:
        """Keep a picture, or refuse what is none."""
        picture = self._landed(response)
        mime = (response.headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0].strip().lower()
        if self.config.obey_noai and links.opts_out(_robots(response)):
            self.store.refuse(picture, "its server does not want it used for machine learning")
            return
        try:
            width, height, suffix = _measured(response.body, mime, self.config.megapixels)
        except CollectError as error:
            self.store.refuse(picture, str(error))
            return
        sha256 = hashlib.sha256(response.body).hexdigest()
        file = f"{PICTURES}/{sha256[:2]}/{sha256}{suffix}"
        write_beside(Path(self.config.out) / file, response.body)
        self.store.fetched(picture.url, Fetched(mime, len(response.body), width, height, sha256, file))
        self.pictures += 1

    @_or_stop
    def failed(self, failure: Failure) -> None:
        """Refuse what did not come; what a stop interrupts stays pending."""
        thing = self._landed(vars(failure)["request"])  # which scrapy puts there
        if self.crawler.engine.running and not self.trouble:
            self.store.refuse(thing, _reason(failure))

    def _landed(self, answer: Response | scrapy.Request) -> Page | Wanted:
        """The page or picture that was asked for, no longer in flight."""
        thing = answer.meta["thing"]
        self.in_flight.pop(thing.url, None)
        return thing


def _robots(response: Response) -> str:
    return b", ".join(response.headers.getlist("X-Robots-Tag")).decode("latin-1")


def _reason(failure: Failure) -> str:
    """Why an answer did not come, in a few words."""
    if isinstance(failure.value, HttpError):
        return f"status {failure.value.response.status}"
    if failure.check(IgnoreRequest):
        return str(failure.value)
    name = type(failure.value).__name__.removesuffix("Error")
    return {"DownloadCancelled": "too large", "DownloadTimeout": "timeout"}.get(
        name, " ".join(str(failure.value).split()) or name
    )[:200]


def _measured(content: bytes, mime: str, megapixels: float) -> tuple[int, int, str]:
    """Width, height and suffix of a picture, from its head alone; `CollectError` if it is none that can be used."""
    if not mime.startswith("image/") and mime not in ("", "application/octet-stream", "binary/octet-stream"):
        raise CollectError(f"not served as a picture: {mime}")
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_SUFFIXES)) as picture:
            width, height, kind = *picture.size, picture.format
    except Image.DecompressionBombError:
        raise CollectError("too many pixels") from None
    except Exception:  # decoders raise nearly anything on hostile bytes
        raise CollectError("not a picture") from None
    if width * height > megapixels * 1e6:
        raise CollectError(f"too many pixels: {width} x {height}")
    return width, height, _SUFFIXES[kind or ""]
