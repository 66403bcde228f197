"""Where the spider may not go: private networks, what robots.txt forbids, other hosts than those of the crawl.

Names are checked as they resolve, addresses as they are asked for, and redirects like anything else.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver, dnscache

from colorify.collect.links import host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser
    from twisted.internet.base import ReactorBase
    from twisted.internet.defer import Deferred

PRIVATE_HOSTS = "COLORIFY_PRIVATE_HOSTS"
"""The scrapy setting: HOST:PORT of private places that may be visited nevertheless."""
PRIVATE = "private address: "
"""What the reason of such a refusal begins with; the host follows."""
_blocked: dict[str, str] = {}
"""Names that were refused, with the address that they lead to: Twisted forgets why a name did not resolve."""


class PrivateAddressError(OSError):
    """A name that leads into a private network."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast


class PublicResolver(CachingThreadedResolver):
    """scrapy's resolver, which the connection uses too, so that a name cannot change its address after the check."""

    allowed: set[str | None]  # hosts that may be private

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> PublicResolver:
        dnscache.clear()
        resolver = super().from_crawler(crawler, reactor)
        resolver.allowed = {urlsplit(f"//{place}").hostname for place in crawler.settings.getlist(PRIVATE_HOSTS)}
        return resolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: N802 (Twisted's)
        def check(address: str) -> str:
            if not is_public(address) and name not in self.allowed:
                _blocked[name] = address
                raise PrivateAddressError(f"{name} is at {address}")
            return address

        return super().getHostByName(name, timeout).addCallback(check)


class PublicOnly:
    """Downloader middleware that refuses addresses of private networks; redirects pass through it as well.

    It belongs behind scrapy's that retries, which would ask for a refused name again.
    """

    def __init__(self, allowed: Sequence[str]):
        self.allowed = set(allowed)
        self.names = {urlsplit(f"//{place}").hostname for place in allowed}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PublicOnly:
        return cls(crawler.settings.getlist(PRIVATE_HOSTS))

    def process_request(self, request: Request) -> None:
        if host(request.url) in self.allowed:
            return
        name = urlsplit(request.url).hostname or ""
        try:
            private = not is_public(name)
        except ValueError:  # a name: the resolver will know
            private = name in self.names  # but at another port
        if private:
            raise IgnoreRequest(f"{PRIVATE}{host(request.url)}")

    def process_exception(self, request: Request, exception: Exception) -> None:
        name = urlsplit(request.url).hostname
        if name in _blocked:
            raise IgnoreRequest(f"{PRIVATE}{name} is at {_blocked[name]}") from exception


class HomeOnly:
    """Downloader middleware: a page stays on the hosts of the crawl."""

    def process_request(self, request: Request) -> None:
        hosts = request.meta.get("hosts")
        if hosts and host(request.url) not in hosts:
            raise IgnoreRequest(f"leads to another host: {host(request.url)}")


class Robots(RobotsTxtMiddleware):
    """scrapy's, a host's requests in turn: of those that wait for the first robots.txt, scrapy 2.19 lets all but one
    pass unchecked; and it does not wait as long as ``Crawl-delay`` asks for.
    """

    longest_delay = 60.0  # seconds

    def __init__(self, crawler: Crawler):
        super().__init__(crawler)
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        async with self.turns[host(request.url)]:
            parser = await super().robot_parser(request)
        delay = parser.crawl_delay(self._robotstxt_useragent or "*") if parser else None
        if delay:
            self._slow_down(request, min(delay, self.longest_delay))
        return parser

    def _slow_down(self, request: Request, delay: float) -> None:
        downloader = self.crawler.engine.downloader
        place = downloader.get_slot_key(request)
        downloader.per_slot_settings[place] = {"delay": delay, "jitter": 0.0}  # for slots to come
        if place in downloader.slots:
            slot = downloader.slots[place]
            slot.delay, slot.jitter = max(slot.delay, delay), 0.0
        request.meta["autothrottle_dont_adjust_delay"] = True
