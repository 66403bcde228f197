"""What a page holds: links, pictures with all that is said of them, licenses, and wishes about machine learning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from parsel import Selector, SelectorList

from colorify.collect.store import Found
from colorify.pictures import TABLE

_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "data-full", "data-hi-res-src")
_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
_ENDINGS = "|".join(re.escape(suffix) for row in TABLE if not row.package for suffix in row.suffixes)
_PICTURE = re.compile(rf"({_ENDINGS})$", re.IGNORECASE)
_LONGEST_TEXT, LONGEST_URL = 500, 2000
_COMMONS = "creativecommons.org/"


def select(root: Selector, rule: str) -> SelectorList:
    """The elements that a CSS selector or an XPath expression (it starts with ``/``, ``.`` + ``/`` or ``(``) picks."""
    return root.xpath(rule) if rule.startswith(("/", "./", "(")) else root.css(rule)


def host(url: str) -> str:
    """Host and port of a URL, lower case."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def follow(page: Selector, base: str, rule: str = "a") -> Iterator[str]:
    """URLs of the pages that the links picked by ``rule`` lead to, without fragments; not those with ``nofollow``."""
    willing = "descendant-or-self::a[not(contains(@rel, 'nofollow'))]/@href"
    for link in select(page, rule):
        for target in link.xpath(willing).getall():
            url = absolute(base, target)
            if url and not _PICTURE.search(_path(url)):
                yield url


def pictures(page: Selector, base: str, rule: str = "") -> Iterator[Found]:
    """The pictures of a page, or those within the elements that ``rule`` picks, each in its largest version.

    Alternatives are read from ``srcset`` and from the attributes of lazy loaders; a thumbnail that links to a picture
    gives that picture.
    """
    license = page_license(page, base)
    for root in select(page, rule) if rule else [page]:
        for image in root.xpath("descendant-or-self::img"):
            url = absolute(base, _source(image))
            if url:
                yield Found(url, host(url), base, license=_own_license(image, base) or license, **_words(image))
        for link in root.xpath("descendant-or-self::a[not(.//img)]"):
            url = absolute(base, link.root.get("href", ""))
            if url and _PICTURE.search(_path(url)):
                yield Found(url, host(url), base, text=_text(link), license=license)
    if not rule:
        for shared in page.css('meta[property="og:image"]::attr(content)').getall():
            url = absolute(base, shared)
            if url:
                yield Found(url, host(url), base, license=license)


def _source(image: Selector) -> str:
    """The largest version of an ``img``."""
    linked = image.xpath("ancestor::a[1]/@href").get("")
    if _PICTURE.search(_path(linked)):
        return linked
    sources = (*image.xpath("ancestor::picture[1]/source"), image)
    candidates = [pair for source in sources for name in _SETS for pair in _candidates(source.root.get(name, ""))]
    if candidates:
        return max(candidates)[1]
    lazy = filter(None, map(image.root.get, _LAZY))
    return next(lazy, image.root.get("src", ""))


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # brackets that hold no address
        return ""


def _candidates(srcset: str) -> Iterator[tuple[float, str]]:
    """Size (width, or density) and URL of the parts of a ``srcset``."""
    for match in re.finditer(r"([^\s,]\S*[^\s,])\s*(?:(\d+(?:\.\d*)?|\.\d+)[wx])?\s*(?:,|$)", srcset):
        yield float(match[2] or 1), match[1]


def absolute(base: str, target: str) -> str:
    """The web address that ``target`` means on a page, or nothing: data, mail, or too long."""
    try:
        url = urljoin(base, target.strip()).partition("#")[0]
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not target.strip() or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return url if len(url) <= LONGEST_URL else ""


def _words(image: Selector) -> dict[str, str]:
    """What is said of an ``img``: alternative text, title, caption, and the text around it."""
    return {
        "alt": _clean(image.root.get("alt", "")),
        "title": _clean(image.root.get("title", "")),
        "caption": _text(image.xpath("ancestor::figure[1]//figcaption")),
        "text": _text(image.xpath("ancestor::*[self::p or self::div or self::li or self::td or self::section][1]")),
    }


def _text(node: Selector | SelectorList) -> str:
    return _clean(" ".join(node.xpath(".//text()[not(parent::script or parent::style)]").getall()))


def _clean(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_TEXT]


def _own_license(image: Selector, base: str) -> str:
    """The license that the figure around an ``img`` names."""
    links = image.xpath(f"ancestor::figure[1]//a[contains(@href, '{_COMMONS}') or @rel='license']/@href")
    return absolute(base, links.get(""))


def page_license(page: Selector, base: str) -> str:
    """The license of a page: ``rel=license``, schema.org as microdata or JSON-LD, else a Creative Commons link."""
    for query in (
        "//*[self::a or self::link][contains(concat(' ', @rel, ' '), ' license ')]/@href",
        "//*[@itemprop='license']/@href | //*[@itemprop='license']/@content",
    ):
        if found := page.xpath(query).get():
            return absolute(base, found)
    for script in page.xpath("//script[@type='application/ld+json']/text()").getall():
        if found := _license_in(script):
            return absolute(base, found)
    return absolute(base, page.xpath(f"//a[contains(@href, '{_COMMONS}licenses')]/@href").get(""))


def _license_in(script: str) -> str:
    """The first ``license`` of a JSON-LD text."""
    try:
        waiting = [json.loads(script)]
    except (ValueError, RecursionError):
        return ""
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, dict):
            if isinstance(node.get("license"), str):
                return node["license"]
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return ""


def opts_out(directives: str) -> bool:
    """Whether robots directives (a meta tag's or a header's) keep pictures from machine learning or from copies."""
    words = {word.strip().lower() for word in re.split(r"[,:]", directives)}
    return bool(words & {"noai", "noimageai", "noimageindex"})


def page_directives(page: Selector) -> str:
    """The robots directives of a page's meta tags."""
    return ", ".join(page.xpath("//meta[translate(@name, 'ROBTS', 'robts')='robots']/@content").getall())
