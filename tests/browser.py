"""Jupyter's servers on this machine, and a real browser in front of them."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOT = Path(__file__).parents[1]
_PAGE = ROOT / "colorify" / "widgets" / "page"
_QUIET = (
    "--LabApp.extension_manager=readonly",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)


def voila(folder: Path) -> AbstractContextManager[tuple[str, Path]]:
    """The studio as a page: its address, and the server's log."""
    return _served(folder, "/", "08_studio", "voila", "08_studio.ipynb", "--token={token}")


def lab(folder: Path, notebook: str) -> AbstractContextManager[tuple[str, Path]]:
    """A notebook in JupyterLab: its address, and the server's log."""
    path = f"/lab/tree/{notebook}.ipynb"
    return _served(folder, path, notebook, "jupyterlab", "--IdentityProvider.token={token}", *_QUIET)


@contextmanager
def _served(folder: Path, path: str, notebook: str, *command: str) -> Iterator[tuple[str, Path]]:
    """With settings of its own, none of the user's."""
    shutil.copy(ROOT / "nbs" / f"{notebook}.ipynb", folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, log = secrets.token_hex(16), folder / "log"
    env = os.environ | {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    env |= {"JUPYTER_CONFIG_PATH": str(_PAGE), "JUPYTER_PATH": str(_PAGE), "IPYTHONDIR": str(folder / "ipython")}
    whole = [sys.executable, "-m", *command, "--no-browser", f"--port={port}"]
    whole = [part.format(token=token) for part in whole]
    with log.open("wb") as said:
        process = subprocess.Popen(whole, cwd=folder, env=env, stdout=said, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(240):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
        yield f"{url}{path}?token={token}", log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def page(size: tuple[int, int] = (1400, 900), touch: bool = False, patience: float = 200) -> Iterator["Page"]:
    """An empty page of a fresh browser, which is killed after ``patience`` seconds."""
    from playwright.sync_api import sync_playwright

    with _watched(patience), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)), has_touch=touch)
        opened.set_default_timeout(120_000)
        yield opened
        browser.close()


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """Kill what hangs: past the limit of pytest, Playwright still waits for its driver, and that for the browser."""

    def kill() -> None:
        for child in psutil.Process().children(recursive=True):
            if child.name().startswith(("node", "chrom")):
                with suppress(psutil.NoSuchProcess):
                    child.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run_all(page: "Page") -> None:
    """Run the notebook that JupyterLab shows."""
    page.get_by_text(re.compile(r"\| Idle")).wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
