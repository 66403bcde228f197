"""The site to try the spider on serves its pictures, counts who asks, and has the faults that it promises."""

import http.client
import io
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest
from PIL import Image

from colorify.collect.site import serve

SAMPLES = Path(__file__).parents[2] / "data" / "sample"


def test_pictures_pages_and_faults_are_served():
    with serve(SAMPLES) as site:

        def get(path: str) -> bytes:
            with urlopen(urljoin(site.url, path)) as answer:
                return answer.read()

        assert site.url.startswith("http://127.0.0.1:") and b"Disallow: /private/" in get("/robots.txt")
        assert get("/photos/cat.jpg") == (SAMPLES / "cat.jpg").read_bytes()
        assert all(f"/photos/{path.name}" in get("/").decode() for path in SAMPLES.glob("*.jpg"))
        assert b"/trap/8.html" in get("/trap/7.html")
        with pytest.raises(Image.DecompressionBombError, match="2500000000 pixels"):
            Image.open(io.BytesIO(get("/bad/bomb.png")), formats=("PNG",))
        with pytest.raises(HTTPError, match="404"):
            get("/bad/absent.jpg")
        with urlopen(urljoin(site.url, "/bad/opted-out.jpg")) as answer:
            assert answer.headers["X-Robots-Tag"] == "noai"
        assert site.asked["/photos/cat.jpg"] == 1 and site.times == sorted(site.times)


def test_an_endless_picture_ends_when_the_visitor_hangs_up():
    with serve(SAMPLES) as site:
        visitor = http.client.HTTPConnection(site.url.split("/")[2])
        visitor.request("GET", "/bad/endless.jpg")
        answer = visitor.getresponse()
        assert answer.getheader("Content-Length") is None and len(answer.read(300_000)) == 300_000
        answer.close()
        visitor.close()
