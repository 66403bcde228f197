"""What the spider knows, in one SQLite file: a killed run goes on where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

TABLES = ("pages", "pictures")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (
    id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, host TEXT NOT NULL, depth INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', reason TEXT NOT NULL DEFAULT '', seen TEXT
);
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, host TEXT NOT NULL, page TEXT NOT NULL,
    alt TEXT NOT NULL, title TEXT NOT NULL, caption TEXT NOT NULL, text TEXT NOT NULL, license TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', reason TEXT NOT NULL DEFAULT '', seen TEXT,
    mime TEXT, bytes INTEGER, width INTEGER, height INTEGER, sha256 TEXT, file TEXT
);
CREATE INDEX IF NOT EXISTS pages_open ON pages (state, host, id);
CREATE INDEX IF NOT EXISTS pictures_open ON pictures (state, host, id);
"""

_NEXT = """
SELECT {columns} FROM (
    SELECT *, row_number() OVER (PARTITION BY host ORDER BY id) AS turn FROM {table} WHERE state = 'pending'
) ORDER BY turn LIMIT ?
"""


class CollectError(ValueError):
    """What keeps pictures from being collected, and what to do."""


@dataclass(frozen=True)
class Page:
    """A page to visit; ``depth`` is the number of links from a start."""

    url: str
    host: str
    depth: int


@dataclass(frozen=True)
class Wanted:
    """A picture to fetch."""

    url: str
    host: str


@dataclass(frozen=True)
class Found(Wanted):
    """A picture as a page speaks of it."""

    page: str
    alt: str = ""
    title: str = ""
    caption: str = ""
    text: str = ""  # around it
    license: str = ""  # a URL


@dataclass(frozen=True)
class Fetched:
    """What came back for a picture."""

    mime: str
    bytes: int
    width: int
    height: int
    sha256: str
    file: str  # relative to the store's folder


class Store:
    """Pages and pictures, each ``pending``, ``done`` or ``refused`` with a reason.

    Every change is on disk when a method returns, or has not happened: a full disk raises ``sqlite3.OperationalError``
    and leaves the store as it was.
    """

    def __init__(self, path: Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path)
        with self._db:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # a kill loses nothing, a power cut the last moment
            self._db.executescript(_SCHEMA)
            if "licence" in {row[1] for row in self._db.execute("PRAGMA table_info(pictures)")}:  # of an older version
                self._db.execute("ALTER TABLE pictures RENAME COLUMN licence TO license")

    def close(self) -> None:
        self._db.close()

    def add(self, pages: Iterable[Page], pictures: Iterable[Found] = (), visited: str | None = None) -> None:
        """Remember what is new of a visited page's links and pictures, and that it is visited, in one step."""
        with self._db:
            self._insert("pages", pages)
            self._insert("pictures", pictures)
            if visited is not None:
                self._db.execute("UPDATE pages SET state = 'done', seen = datetime() WHERE url = ?", (visited,))

    def _insert(self, table: str, rows: Iterable[Page | Found]) -> None:
        for row in map(asdict, rows):
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            self._db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", row)

    def fetched(self, url: str, result: Fetched) -> None:
        """The picture is on disk."""
        names = ", ".join(f"{name} = :{name}" for name in asdict(result))
        with self._db:
            self._db.execute(
                f"UPDATE pictures SET state = 'done', seen = datetime(), {names} WHERE url = :url",
                asdict(result) | {"url": url},
            )

    def refuse(self, thing: Page | Wanted, reason: str) -> None:
        """A page or picture is not to be had, or not wanted."""
        table = "pages" if isinstance(thing, Page) else "pictures"
        query = f"UPDATE {table} SET state = 'refused', seen = datetime(), reason = ? WHERE url = ?"
        with self._db:
            self._db.execute(query, (reason, thing.url))

    def forget(self, urls: Iterable[str] = (), reason: str = "", hosts: Iterable[str] = ()) -> None:
        """What was refused is pending again: these pages, and all on these hosts whose reason begins so."""
        anew = "SET state = 'pending', reason = '' WHERE state = 'refused'"
        with self._db:
            for url in urls:
                self._db.execute(f"UPDATE pages {anew} AND url = ?", (url,))
            for table, host in product(TABLES, hosts):
                named = f"{reason}{host.rpartition(':')[0] or host}"  # with its port, or where the name leads to
                self._db.execute(f"UPDATE {table} {anew} AND host = ? AND reason LIKE ?", (host, f"{named}%"))

    def refused(self, urls: Iterable[str]) -> dict[str, str]:
        """Those of these pages that were refused, and why."""
        query = "SELECT reason FROM pages WHERE state = 'refused' AND url = ?"
        found = {url: self._db.execute(query, (url,)).fetchone() for url in urls}
        return {url: row[0] for url, row in found.items() if row}

    def next_pages(self, count: int) -> list[Page]:
        """Up to ``count`` pending pages, the hosts taking turns."""
        rows = self._db.execute(_NEXT.format(columns="url, host, depth", table="pages"), (count,))
        return [Page(*row) for row in rows]

    def next_pictures(self, count: int) -> list[Wanted]:
        """Up to ``count`` pending pictures, the hosts taking turns."""
        rows = self._db.execute(_NEXT.format(columns="url, host", table="pictures"), (count,))
        return [Wanted(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """``pages`` and ``pictures`` done, ``pending`` and ``refused`` of both, ``bytes`` of the pictures."""
        total = dict.fromkeys(("pages", "pictures", "pending", "refused", "bytes"), 0)
        for table in TABLES:
            for state, count in self._db.execute(f"SELECT state, count(*) FROM {table} GROUP BY state"):
                total[table if state == "done" else state] += count
        (total["bytes"],) = self._db.execute("SELECT coalesce(sum(bytes), 0) FROM pictures").fetchone()
        return total

    def refusals(self) -> dict[str, int]:
        """Reason -> how many pages and pictures were refused for it."""
        refused = " UNION ALL ".join(f"SELECT reason FROM {table} WHERE state = 'refused'" for table in TABLES)
        return dict(self._db.execute(f"SELECT reason, count(*) FROM ({refused}) GROUP BY reason ORDER BY 2 DESC"))


def downloaded(path: Path) -> Iterator[dict]:
    """Every picture that a spider fetched or refused, as a row of its table, in the order of the URLs."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        yield from map(dict, db.execute("SELECT * FROM pictures WHERE state != 'pending' ORDER BY url"))
