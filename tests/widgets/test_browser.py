"""The studio in a real browser: through Voila and in JupyterLab, by mouse and by keyboard, with nothing sent out."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import browser
from colorify import pictures
from colorify.color import rgb_to_lab
from colorify.hints import Hint, ab_of
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.video import media, scene
from conftest import photo

sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=60_000)
pytestmark = [
    pytest.mark.skipif(not browser.CHROMIUM, reason="no chromium on this machine: apt-get install chromium"),
    pytest.mark.long,
    pytest.mark.xdist_group("browser"),
]
READ = """async (image) => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}"""


class Visitor:
    """Somebody in front of the studio."""

    def __init__(self, page: "sync_api.Page"):
        self.page = page
        self.errors, self.hosts = [], set()
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda asked: self.hosts.add(re.sub(r"^(\w+://)?([^/:]*).*", r"\2", asked.url, flags=re.S)))

    def lab(self) -> np.ndarray:
        """Lab of the coloured picture that is shown."""
        data = base64.b64decode(self.page.locator(".colorify-stage img").nth(1).evaluate(READ))
        return rgb_to_lab(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32) / 255)

    def changed(self, before: np.ndarray) -> np.ndarray:
        """The picture that comes after this one."""
        for _ in range(600):
            now = self.lab()
            if now.shape != before.shape or np.abs(now - before).max() > 0.5:
                self.page.wait_for_timeout(300)
                return self.lab()
            self.page.wait_for_timeout(100)
        raise AssertionError("the picture did not change")

    def becomes(self, expected: np.ndarray) -> None:
        """Wait until this picture is shown."""
        for _ in range(600):
            now = self.lab()
            if now.shape == expected.shape and np.abs(now - expected).max() < 0.01:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("the picture did not come back")

    def reset(self, expected: np.ndarray) -> None:
        self.button("Reset the sliders").click()
        self.becomes(expected)

    def slide(self, label: str, key: str) -> np.ndarray:
        """Turn a knob by keyboard."""
        before = self.lab()
        handle = self.page.get_by_role("slider", name=label)
        handle.focus()
        handle.press(key)
        return self.changed(before)

    def point(self, x: float, y: float) -> None:
        stage = self.page.locator(".colorify-stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        stage.click(position={"x": x * box["width"], "y": y * box["height"]})

    def dots(self, count: int) -> "sync_api.Locator":
        found = self.page.locator(".colorify-stage circle")
        sync_api.expect(found).to_have_count(count)
        sync_api.expect(self.button("Remove")).to_have_count(count)  # the kernel has heard of it
        return found

    def button(self, name: str) -> "sync_api.Locator":
        return self.page.get_by_role("button", name=name, exact=True)


def chroma(lab: np.ndarray) -> float:
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())


def steered(visitor: Visitor, folder: Path) -> None:
    """Everything that a visitor may do, and what must come of it."""
    page = visitor.page
    page.wait_for_selector(".colorify-stage img")
    truth = photo(11, 500, 400)
    truth.save(folder / "mine.png")
    before = visitor.lab()
    with page.expect_file_chooser() as waiting:
        page.get_by_role("button", name="Upload a picture").click()
    waiting.value.set_files(folder / "mine.png")
    plain = visitor.changed(before)
    assert plain.shape == (400, 500, 3)
    sync_api.expect(page.get_by_text("de2000")).to_be_visible()

    assert chroma(visitor.slide("Saturation", "Home")) < 1
    assert chroma(visitor.slide("Saturation", "End")) > 1.5 * chroma(plain)
    visitor.reset(plain)
    rough = np.abs(np.diff(plain[..., 1:], axis=0)).mean()
    assert np.abs(np.diff(visitor.slide("Blur of colours", "End")[..., 1:], axis=0)).mean() < rough
    visitor.reset(plain)
    visitor.slide("Network sees", "End")
    visitor.reset(plain)
    before = visitor.lab()
    page.get_by_label("Blend with").select_option("lowres")
    half = visitor.changed(before)
    assert np.abs(visitor.slide("Share of it", "Home") - plain).mean() < np.abs(half - plain).mean()
    visitor.reset(plain)
    before = visitor.lab()
    page.get_by_label("Model", exact=True).select_option("lowres")
    visitor.changed(before)
    visitor.slide("Temperature", "Home")
    before = visitor.lab()
    page.get_by_label("Show where it is unsure").check()
    visitor.changed(before)
    page.get_by_label("Model", exact=True).select_option("highres")
    visitor.reset(plain)

    visitor.point(0.3, 0.4)
    dot = visitor.dots(1).first
    assert dot.get_attribute("aria-label").startswith("hint 1, chocolate")
    page.wait_for_timeout(500)
    there = visitor.lab()[155:166, 145:156, 1:].mean((0, 1))
    assert np.abs(there - ab_of("#b5651d")).max() < 4
    box = dot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 50, steps=4)
    before = visitor.lab()
    page.mouse.up()
    visitor.changed(before)
    moved = float(visitor.dots(1).first.get_attribute("cx").rstrip("%"))
    assert moved > 40
    page.locator(".colorify-stage").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    visitor.dots(2).nth(1).focus()
    page.keyboard.press("Delete")
    visitor.dots(1)
    visitor.button("Undo").click()
    visitor.dots(2)
    visitor.button("Remove").first.click()
    visitor.dots(1)

    place = visitor.page.locator(".widget-label", has_text=re.compile(r"^1: chocolate")).inner_text()
    x, y = map(float, re.search(r"at ([\d.]+), ([\d.]+)", place).groups())
    visitor.button("Colour in full").click()
    with page.expect_download() as waiting:
        page.get_by_text("Download mine-color.png").click()
    waiting.value.save_as(folder / "got.png")
    hints = [Hint(x, y, ab_of("#b5651d"))]
    model = Colorizer.load("highres", "cpu")
    (expected,) = model.colorize([pictures.from_pil(truth)], Knobs(size=model.size, hints=hints))
    with Image.open(folder / "got.png") as got:
        assert np.abs(np.asarray(got).astype(int) - expected.pixels).max() <= 1
    visitor.button("All models").click()
    sync_api.expect(page.get_by_alt_text("lowres")).to_be_visible()
    visitor.button("4 ideas").click()
    sync_api.expect(page.get_by_alt_text("idea 4")).to_be_visible()


def filmed(visitor: Visitor, folder: Path) -> None:
    """A moment of a film, then some of it in colour; the file is larger than what servers take by default."""
    page = visitor.page
    pan = scene.camera(photo(5, 600, 400), (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 40, (320, 200))
    path = scene.write_gray(pan, folder / "pan.mp4")
    with path.open("ab") as film:
        film.write(b"\0\0\0\x08free" * (3 << 19))  # an empty box, again and again: 12 MiB
    before = visitor.lab()
    with page.expect_file_chooser() as waiting:
        page.get_by_role("button", name="Upload a picture").click()
    waiting.value.set_files(path)
    first = visitor.changed(before)
    assert first.shape == (200, 320, 3)
    visitor.slide("Moment", "PageUp")
    page.get_by_role("slider", name="Seconds to colour").press("Home")
    visitor.button("Colour from here").click()
    page.locator("video").wait_for()
    page.wait_for_function("document.querySelector('video').videoWidth == 320")
    with page.expect_download() as waiting:
        page.get_by_text("Download pan-color.mp4").click()
    waiting.value.save_as(folder / "got.mp4")
    with media.opened(folder / "got.mp4") as got:
        shown = [np.asarray(frame.to_image(), int) for frame in media.frames(got)]
    assert 12 <= len(shown) <= 14 and np.ptp(shown[0], axis=-1).mean() > 5


def within_reach(visitor: Visitor) -> None:
    """The keyboard reaches every control, and each says its name."""
    page = visitor.page
    said = page.locator(".colorify-studio").aria_snapshot()
    roles = "button|slider|textbox|combobox|checkbox"
    assert len(re.findall(rf'^\s*- (?:{roles}) "\S', said, re.MULTILINE)) > 20, said
    assert not re.findall(rf'^\s*- (?:{roles})(?! ").*$', said, re.MULTILINE), said
    page.evaluate("""() => {
        const controls = "button:enabled, input:enabled, select:enabled, .noUi-handle, [tabindex='0']";
        window.waiting = new Set([...document.querySelectorAll(".colorify-studio :is(" + controls + ")")]
            .filter((control) => control.checkVisibility() && control.tabIndex >= 0));
        document.addEventListener("focusin", (event) => window.waiting.delete(event.target));
        document.activeElement.blur();
    }""")
    for _ in range(200):
        page.keyboard.press("Tab")
        if not page.evaluate("window.waiting.size"):
            return
    raise AssertionError(page.evaluate("[...window.waiting].map((control) => control.outerHTML)"))


def clean(visitor: Visitor, log: Path) -> None:
    assert visitor.hosts <= {"127.0.0.1", "data", "blob", ""}, visitor.hosts
    assert visitor.errors == []
    assert not re.search(r"Traceback|\bERROR\b", log.read_text()), log.read_text()


def test_as_a_page(tmp_path):
    with browser.voila(tmp_path) as (address, log), browser.page() as page:
        visitor = Visitor(page)
        page.goto(address)
        steered(visitor, tmp_path)
        within_reach(visitor)
        filmed(visitor, tmp_path)
        clean(visitor, log)


def test_in_jupyterlab(tmp_path):
    with browser.lab(tmp_path, "08_studio") as (address, log), browser.page() as page:
        visitor = Visitor(page)
        page.goto(address)
        browser.run_all(page)
        steered(visitor, tmp_path)
        clean(visitor, log)
