"""Somebody in front of the studio, in a real browser: what they do, and what they see."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from colorify.color import rgb_to_lab

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Visitor:
    """Their page; errors and hosts that it asks are kept."""

    def __init__(self, page: "Page"):
        self.page = page
        self.errors, self.hosts, self.bytes = [], set(), 0
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda asked: self.hosts.add(re.sub(r"^(\w+://)?([^/:]*).*", r"\2", asked.url, flags=re.S)))
        page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, content: str | bytes) -> None:
        self.bytes += len(content)

    def arrive(self) -> None:
        """Wait until the studio is there, thumbnails and all."""
        self.page.locator(".cs-strip .cs-thumb[aria-pressed=true] img").wait_for()

    def open(self, *paths: Path) -> None:
        """By the dialog."""
        self.button("Open").click()
        with self.page.expect_file_chooser() as waiting:
            self.page.get_by_label("Choose files").click()
        waiting.value.set_files(paths)
        self.page.locator(".cs-title strong", has_text=re.compile(f"^{paths[-1].stem}$")).wait_for()

    def screen(self) -> np.ndarray:
        """What is seen of the stage: ``(h, w, 3)``."""
        with Image.open(io.BytesIO(self.page.locator(".cs-stage").screenshot())) as shot:
            return np.asarray(shot.convert("RGB"), int)

    def picture(self, size: tuple[int, int]) -> np.ndarray:
        """The picture at 100 %, in the middle of the stage, as wide and high as it is."""
        screen = self.screen()
        left, top = ((room - length + 1) // 2 for room, length in zip(screen.shape[1::-1], size, strict=True))
        return screen[top : top + size[1], left : left + size[0]]

    def shows(self, expected: np.ndarray) -> None:
        """Wait until this picture is seen, but for what lies over it."""
        self.until(lambda: alike(self.picture(expected.shape[1::-1]), expected), "another picture is shown")

    def until(self, true: Callable[[], bool], said: str) -> None:
        """Wait for it."""
        for _ in range(150):
            if true():
                return
            self.page.wait_for_timeout(200)
        raise AssertionError(said)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the page, by shares of the picture, which is seen whole."""
        box = self.page.locator(".cs-stage").bounding_box()
        size = self.page.locator(".cs-facts").text_content()
        width, height = map(int, re.match(r"(\d+) . (\d+)", size).groups())
        scale = float(self.page.locator(".cs-zoom").text_content().split()[0]) / 100
        left, top = box["x"] + (box["width"] - width * scale) / 2, box["y"] + (box["height"] - height * scale) / 2
        return left + x * width * scale, top + y * height * scale

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first, move along, let go at the last; places of the page."""
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=8)
        self.page.mouse.up()

    def slide(self, label: str, *keys: str) -> "Locator":
        """Turn a knob by keyboard."""
        slider = self.page.get_by_role("slider", name=label, exact=True)
        for key in keys:
            slider.press(key)
        return slider

    def take(self, name: str) -> None:
        """One of the strip."""
        self.page.locator(".cs-strip").get_by_role("button", name=name, exact=True).click()

    def tool(self, key: str) -> None:
        """By its key."""
        self.page.locator(".cs-over").focus()
        self.page.keyboard.press(key)

    def dots(self, count: int) -> "Locator":
        """The hints, once there are so many."""
        found = self.page.locator(".cs-dot")
        self.until(lambda: found.count() == count, f"{found.count()} hints, not {count}")
        return found

    def download(self, name: str, folder: Path) -> Path:
        """Press a button and keep the file that comes."""
        with self.page.expect_download() as waiting:
            self.button(name).click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def button(self, name: str) -> "Locator":
        return self.page.get_by_role("button", name=name, exact=True)

    def clean(self, log: Path) -> None:
        """Nothing went wrong that nobody saw, and nobody else was asked."""
        assert self.hosts <= {"127.0.0.1", "data", "blob", ""}, self.hosts
        assert self.errors == []
        assert not re.search(r"Traceback|\bERROR\b", log.read_text()), log.read_text()


def alike(seen: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two pictures are one, but for rounding, the JPEG of the luma, and labels over a small part."""
    if seen.shape != expected.shape:
        return False
    off = np.abs(rgb_to_lab(seen / 255) - rgb_to_lab(expected / 255)).max(-1)
    return bool(np.median(off) < 1.5 and (off > 6).mean() < 0.12)
