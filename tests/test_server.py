"""Colouring over HTTP: what comes back is what the library gives; no request is lost, and strangers are bounded."""

import io
import json
import socket
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx
import numpy as np
import psutil
import pytest
import uvicorn
from fastapi.testclient import TestClient
from PIL import Image

from colorify.pictures import PictureError
from colorify.server import Limits, application
from conftest import long, photo


def png(seed: int = 0, size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    photo(seed, *size).convert("L").save(content, kind)
    return content.getvalue()


@contextmanager
def client(colorizer, classifier=None, **options):
    models = {"highres": colorizer} | ({"lowres": classifier} if classifier else {})
    with TestClient(application(models, **options)) as found:
        yield found


def colored(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_a_picture_comes_back_as_the_library_colours_it(colorizer, classifier):
    with client(colorizer, classifier) as asking:
        assert np.array_equal(colored(asking.post("/color", content=png())), np.asarray(colorizer(png())))
        turned = asking.post("/color?saturation=0.5&blur=2&tta=false", content=png())
        assert np.array_equal(colored(turned), np.asarray(colorizer(png(), saturation=0.5, blur=2.0, tta=False)))
        idea = asking.post("/color?model=lowres&idea=3&temperature=0.2", content=png())
        assert np.array_equal(colored(idea), np.asarray(classifier(png(), idea=3, temperature=0.2)))
        hints = [[30, 20, "#c03020"], [10, 10, [30, -20]]]
        told = asking.post("/color", params={"hints": json.dumps(hints)}, content=png())
        assert np.array_equal(colored(told), np.asarray(colorizer(png(), hints=hints)))
        kept = asking.post("/color?palette=navy,khaki", content=png())
        assert np.array_equal(colored(kept), np.asarray(colorizer(png(), palette=["navy", "khaki"])))
        assert asking.post("/color?palette=/etc/passwd", content=png()).status_code == 422
        assert asking.post("/color?format=jpg", content=png()).headers["content-type"] == "image/jpeg"
        assert asking.post("/color?side_by_side=true", content=png()).status_code == 200


def test_what_is_said_of_a_picture_is_a_header(colorizer):
    content = io.BytesIO()
    photo(0).convert("L").save(content, "PNG", pnginfo=_text())
    with client(colorizer) as asking:
        answer = asking.post("/color?format=bmp", content=content.getvalue())
        assert any("text" in note for note in json.loads(answer.headers["colorify-notes"]))


def _text():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Title", "a")
    return info


@pytest.mark.parametrize(
    ("path", "content", "status", "words"),
    [
        ("/color", b"no picture", 422, "not a picture in a known format"),
        ("/color", b"", 422, "not a picture in a known format"),
        ("/color", png()[:-40], 422, "the picture"),
        ("/color?model=middleres", png(), 422, "choose highres"),
        ("/color?saturation=-1", png(), 422, "greater than or equal to 0"),
        ("/color?saturation=much", png(), 422, "valid number"),
        ("/color?format=exe", png(), 422, "unknown format"),
        ("/color?hints=[[1]]", png(), 422, "expected"),
        ("/color?hints=[[999,1,[1,1]]]", png(), 422, "outside the picture"),
        ("/color?hints=nothing", png(), 422, ""),
        ("/color?idea=1", png(), 422, "load a classification model"),
        ("/color", png(0, (1200, 1100)), 422, "megapixels"),
        ("/color", bytes(2_000_001), 413, "larger than 2 MB"),
        ("/batches/abc", None, 404, "no such batch"),
        ("/batches/abc/result", None, 404, "no such batch"),
    ],
)  # fmt: skip
def test_what_cannot_be(colorizer, path, content, status, words):
    with client(colorizer, limits=Limits(megabytes=2, megapixels=1)) as asking:
        answer = asking.get(path) if content is None else asking.post(path, content=content)
        assert answer.status_code == status and words in answer.text
        assert "/tmp" not in answer.text
        assert asking.get("/health").json()["waiting"] == 0


def test_a_batch_tells_how_far_it_is_and_names_what_failed(colorizer):
    files = [("files", (name, content)) for name, content in (
        ("../../a.png", png(0)), ("a.png", png(1)), ("b.txt", b"no picture"), ("ü?.jpg", png(2, kind="JPEG")),
    )]  # fmt: skip
    with client(colorizer) as asking:
        sent = asking.post("/batches?saturation=0.5", files=files)
        assert sent.status_code == 202 and sent.json()["total"] == 4
        place = f"/batches/{sent.json()['batch']}"
        while not (told := asking.get(place).json())["finished"]:
            time.sleep(0.02)
        assert told["done"] == 4 and list(told["failed"]) == ["0003-b.txt"]
        with zipfile.ZipFile(io.BytesIO(asking.get(f"{place}/result").content)) as packed:
            assert packed.namelist() == ["0001-a.png", "0002-a.png", "0004-ü_.jpg"]
            first = np.asarray(Image.open(io.BytesIO(packed.read("0001-a.png"))))
        assert np.array_equal(first, np.asarray(colorizer(png(0), saturation=0.5)))


def test_batches_are_few_and_go(colorizer):
    with client(colorizer, limits=Limits(batches=1, kept=0.2)) as asking:
        place = f"/batches/{asking.post('/batches', files={'a': ('a.png', png())}).json()['batch']}"
        assert asking.post("/batches", files={"a": ("a.png", png())}).status_code == 503
        while not asking.get(place).json().get("finished", True):
            time.sleep(0.02)
        time.sleep(0.3)
        assert asking.get(place).status_code == 404
        assert asking.post("/batches", files={"a": ("a.png", png())}).status_code == 202


def test_a_batch_that_is_too_large_leaves_nothing(colorizer):
    with client(colorizer, limits=Limits(megabytes=0.1)) as asking:
        assert asking.post("/batches", files={"a": ("a.png", bytes(200_000))}).status_code == 413
        assert not any(asking.app.state.desk.home.iterdir())


def test_a_token_is_asked_for(colorizer):
    with client(colorizer, token="secret") as asking:
        assert asking.get("/health").status_code == 200
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}):
            assert asking.post("/color", content=png(), headers=given).status_code == 401
        assert asking.post("/color", content=png(), headers={"Authorization": "Bearer secret"}).status_code == 200


def test_one_address_asks_so_often(colorizer):
    with client(colorizer, limits=Limits(per_minute=2)) as asking:
        answers = [asking.post("/color", content=png()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 61


def test_what_takes_too_long_is_given_up(colorizer, monkeypatch):
    monkeypatch.setattr("colorify.server._color", lambda *_: time.sleep(0.3))
    with client(colorizer, limits=Limits(seconds=0.05)) as asking:
        answer = asking.post("/color", content=png())
        assert answer.status_code == 503 and "0.05 s" in answer.text and answer.headers["retry-after"] == "60"


def test_the_page_says_how(colorizer):
    with client(colorizer) as asking:
        assert "curl --data-binary" in asking.get("/").text
        described = asking.get("/openapi.json").json()["paths"]
        assert {"/color", "/batches", "/batches/{number}", "/health"} <= described.keys()
        names = {given["name"] for given in described["/color"]["post"]["parameters"]}
        assert {"saturation", "hints", "model", "format", "temperature"} <= names


@contextmanager
def listening(colorizer, **options):
    """A real server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(application({"highres": colorizer}, **options), port=port, log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}", port
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("many", [20, *long(100)])
def test_many_at_once_are_all_answered(colorizer, many):
    content = png(1, (400, 300))
    with listening(colorizer, limits=Limits(waiting=many)) as (url, _):
        httpx.post(f"{url}/color", content=content)
        before = psutil.Process().memory_info().rss
        with ThreadPoolExecutor(many) as pool:
            answers = list(pool.map(lambda _: httpx.post(f"{url}/color", content=content, timeout=300), range(many)))
        assert {answer.status_code for answer in answers} == {200} and len({answer.content for answer in answers}) == 1
        assert psutil.Process().memory_info().rss - before < 200e6


def test_more_than_may_wait_are_told_to_come_again(colorizer, monkeypatch):
    def slow(*_) -> None:
        time.sleep(0.5)
        raise PictureError("too slow")

    monkeypatch.setattr("colorify.server._color", slow)
    with listening(colorizer, limits=Limits(waiting=2)) as (url, _), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.post(f"{url}/color", content=png(), timeout=60), range(8)))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 5 and all(answer.headers["retry-after"] for answer in refused)


def test_bodies_that_never_end_or_never_come(colorizer):
    with listening(colorizer, limits=Limits(megabytes=1, seconds=1)) as (url, port):
        with socket.create_connection(("127.0.0.1", port)) as endless:
            endless.sendall(b"POST /color HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            with suppress(OSError):
                for _ in range(30):
                    endless.sendall(b"186a0\r\n" + bytes(100_000) + b"\r\n")
            with suppress(ConnectionResetError):
                assert b" 413 " in endless.recv(4096).split(b"\r\n")[0]
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(b"POST /color HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
            slow.settimeout(20)
            assert b" 503 " in slow.recv(4096).split(b"\r\n")[0]
        with socket.create_connection(("127.0.0.1", port)) as gone:
            gone.sendall(b"POST /color HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        assert httpx.post(f"{url}/color", content=png()).status_code == 200
        assert httpx.get(f"{url}/health").json()["waiting"] == 0
