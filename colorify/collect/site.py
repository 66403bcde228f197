"""A small web site on loopback, made of the free samples: to try the spider on, with everything that goes wrong."""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from PIL import Image, ImageDraw

_PAGE = "<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
_LICENSE = "https://creativecommons.org/licenses/by/4.0/"


class Site:
    """What is served: path -> (type, content, further headers), how often each path was asked for, and when."""

    def __init__(self, pictures: list[tuple[str, bytes]]):
        self.asked: Counter[str] = Counter()
        self.times: list[float] = []  # of the requests, in seconds
        self.url = ""
        self.delay = 0.0  # seconds before an answer
        self.answers: dict[str, tuple[str, bytes, dict[str, str]]] = {}
        self.add("/robots.txt", "User-agent: *\nDisallow: /private/\n", "text/plain")
        license = f'<a rel="license" href="{_LICENSE}">CC BY</a>'
        shown = "".join(
            f'<figure><a href="/album/{n}.html"><img alt="the {Path(name).stem}" src="/thumbs/{name}"'
            f' srcset="/thumbs/{name} 100w, /photos/{name} 800w"></a>'
            f"<figcaption>Picture {n} {license}</figcaption></figure>"
            for n, (name, _) in enumerate(pictures)
        )
        useless = (*self._faults(pictures[0][1]), *self._useless(pictures[0][1]))
        faults = "".join(f'<img src="{path}">' for path in useless)
        more = '<a href="/private/secret.html">x</a><a href="/trap/0.html">x</a><a href="/inward">x</a>'
        self.page("/", shown + faults + more + '<a href="/noai.html">x</a>')
        for n, (name, content) in enumerate(pictures):
            self.add(f"/photos/{name}", content, "image/jpeg")
            self.page(f"/album/{n}.html", f'<p>All about <img data-src="/photos/{name}"> it</p><a href="/">home</a>')
        self.page("/private/secret.html", '<img src="/photos/secret.jpg">')
        self.page("/noai.html", '<img src="/photos/opted-out.jpg">', '<meta name="robots" content="noai, noimageai">')

    def add(self, path: str, content: bytes | str, mime: str, **headers: str) -> None:
        """Serve ``content`` at ``path``; underscores in the names of headers stand for hyphens."""
        content = content.encode() if isinstance(content, str) else content
        self.answers[path] = mime, content, {name.replace("_", "-"): value for name, value in headers.items()}

    def page(self, path: str, body: str, head: str = "") -> None:
        self.add(path, _PAGE.format(title=path, head=head, body=body), "text/html; charset=utf-8")

    def _faults(self, picture: bytes) -> Iterator[str]:
        """Pictures that must be refused, and why they are none."""
        for name, content, mime in (
            ("text.jpg", "no picture", "text/plain"),
            ("broken.jpg", picture[:40], "image/jpeg"),
            ("bomb.png", _bomb(50_000), "image/png"),
        ):
            self.add(f"/bad/{name}", content, mime)
            yield f"/bad/{name}"
        self.add("/bad/opted-out.jpg", picture, "image/jpeg", X_Robots_Tag="noai")
        yield from ("/bad/opted-out.jpg", "/bad/huge.jpg", "/bad/endless.jpg", "/bad/absent.jpg")

    def _useless(self, picture: bytes) -> Iterator[str]:
        """Pictures that can be fetched, but not learnt from."""
        small = Image.open(io.BytesIO(picture), formats=("JPEG",)).resize((230, 230), Image.Resampling.BICUBIC)
        drawing = Image.new("RGB", (400, 300), "white")
        ImageDraw.Draw(drawing).ellipse((50, 50, 350, 250), "orange", "black", 8)
        made = {"near.jpg": small, "drawing.jpg": drawing, "icon.jpg": small.resize((64, 64), Image.Resampling.BICUBIC)}
        for name, made_picture in made.items():
            content = io.BytesIO()
            made_picture.save(content, "JPEG")
            self.add(f"/useless/{name}", content.getvalue(), "image/jpeg")
        self.add("/useless/again.jpg", picture, "image/jpeg")
        yield from (f"/useless/{name}" for name in ("again.jpg", *made))


def _bomb(side: int) -> bytes:
    """The head of a PNG of so many pixels that nobody could hold them."""
    head = b"IHDR" + struct.pack(">II5B", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + struct.pack(">I", zlib.crc32(head)) + b"\0\0\0\0IDAT"


class _Handler(BaseHTTPRequestHandler):
    """Answers from the site; some paths are faults of their own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        site = cast(_Server, self.server).site
        site.asked[self.path] += 1
        site.times.append(time.monotonic())
        time.sleep(site.delay)
        if self.path.startswith("/trap/"):
            number = int(self.path[6:-5])
            self._send("text/html", f'<a href="/trap/{number + 1}.html">on</a>'.encode())
        elif self.path == "/inward":
            self._send("text/html", b"", 302, {"Location": "http://10.0.0.1/"})
        elif self.path in ("/bad/huge.jpg", "/bad/endless.jpg"):
            self._flood("10000000000" if "huge" in self.path else "")
        elif self.path in site.answers:
            mime, content, headers = site.answers[self.path]
            self._send(mime, content, 200, headers)
        else:
            self._send("text/html", b"", 404)

    def _send(self, mime: str, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": mime, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _flood(self, length: str) -> None:
        """More than anybody wants: until the other side hangs up."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        if length:
            self.send_header("Content-Length", length)
        self.end_headers()
        for _ in range(10_000):
            self.wfile.write(bytes(100_000))

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site  # what it serves

    def handle_error(self, *_: object) -> None:
        """A spider that hangs up is no error."""


@contextmanager
def serve(folder: Path) -> Iterator[Site]:
    """The site of the pictures in ``folder`` (JPEG), on a free port of loopback, while the context lasts."""
    site = Site([(path.name, path.read_bytes()) for path in sorted(Path(folder).glob("*.jpg"))])
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = site
    site.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
