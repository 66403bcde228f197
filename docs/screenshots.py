"""Screenshots for the pages, of free pictures: the studio, the tour, and a training run, in a real browser.

make screenshots                        # all of them
python docs/screenshots.py studio       # docs/studio.webp and docs/studio.jpg alone
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

import papermill
from PIL import Image
from playwright.sync_api import Page

import browser

HERE, ROOT = Path(__file__).parent, browser.ROOT
_PICTURE = ".jp-OutputArea-output img"


class Shots:
    """Pictures of a page, one after the other, as a moving one."""

    SIZE, WAIT = (960, 640), 150  # px; ms that one is shown

    def __init__(self):
        self.frames: list[Image.Image] = []

    def take(self, page: Page, count: int = 1) -> None:
        """What is seen now, for so many frames."""
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        shot.thumbnail(self.SIZE, Image.Resampling.LANCZOS)
        whole = Image.new("RGB", self.SIZE, "#d9dade")
        whole.paste(shot, ((self.SIZE[0] - shot.width) // 2, (self.SIZE[1] - shot.height) // 2))
        self.frames += [whole] * count

    def save(self, path: Path) -> None:
        """As an animated WebP."""
        first, *rest = self.frames
        first.save(path, save_all=True, append_images=rest, duration=self.WAIT, loop=0, quality=62, method=6)


def studio(folder: Path) -> None:
    """Ten seconds of it, light, dark and on a phone, and one picture."""
    shots = Shots()
    with browser.voila(folder) as (address, _):
        with browser.page((1200, 800)) as page:
            _light(page, address, shots)
        with browser.page((1200, 800)) as page:
            _opened(page, f"{address}&theme=dark", "coffee")
            shots.take(page, 4)
            page.locator(".cs-strip .cs-thumb").nth(5).click()
            page.wait_for_timeout(1500)
            shots.take(page, 4)
            _paint(page, shots)
        with browser.page((390, 780)) as page:
            _opened(page, address, "cat")
            shots.take(page, 4)
            for split in (0.35, 0.2, 0.35, 0.6, 0.5):
                _divide(page, split)
                shots.take(page)
            shots.take(page, 3)
    shots.save(HERE / "studio.webp")


def _opened(page: Page, address: str, sample: str) -> None:
    page.goto(address)
    page.locator(".cs-strip .cs-thumb[aria-pressed=true] img").wait_for()
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator(".cs-samples").get_by_role("button", name=sample).click()
    page.locator(".cs-title strong", has_text=sample).wait_for()
    page.wait_for_timeout(4000)


def _divide(page: Page, split: float) -> None:
    """Drag the handle of the divider to a share of the stage."""
    stage, knob = page.locator(".cs-stage").bounding_box(), page.locator(".cs-knob").bounding_box()
    y = knob["y"] + knob["height"] / 2
    page.mouse.move(knob["x"] + knob["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(stage["x"] + split * stage["width"], y)
    page.mouse.up()


def _paint(page: Page, shots: Shots) -> None:
    """A region, by two strokes: it alone keeps its colours."""
    _divide(page, 0.1)
    stage = page.locator(".cs-stage").bounding_box()
    page.keyboard.press("m")
    for _ in range(4):
        page.keyboard.press("]")
    for y in (0.45, 0.6):
        page.mouse.move(stage["x"] + 0.4 * stage["width"], stage["y"] + y * stage["height"])
        page.mouse.down()
        page.mouse.move(stage["x"] + 0.6 * stage["width"], stage["y"] + y * stage["height"], steps=6)
        page.mouse.up()
        page.wait_for_timeout(1200)
        shots.take(page, 2)
    page.keyboard.press("v")
    page.wait_for_timeout(500)
    shots.take(page, 4)


def _light(page: Page, address: str, shots: Shots) -> None:
    _opened(page, address, "flower")
    shots.take(page, 5)
    for split in (0.6, 0.72, 0.6, 0.4, 0.25, 0.12):
        _divide(page, split)
        shots.take(page)
    for number in (2, 5, 1):
        page.locator(".cs-strip .cs-thumb").nth(number).click()
        page.wait_for_timeout(1500)
        shots.take(page, 4)
    stage = page.locator(".cs-stage").bounding_box()
    page.keyboard.press("p")
    for color, x, y in (("#c2185b", 0.5, 0.5), ("#c2185b", 0.6, 0.62), ("#2e7d32", 0.2, 0.3)):
        page.locator(".cs-color").fill(color)
        page.mouse.click(stage["x"] + x * stage["width"], stage["y"] + y * stage["height"])
        page.wait_for_timeout(1800)
        shots.take(page, 4)
    page.screenshot(path=HERE / "studio.jpg", quality=85)
    shots.take(page, 3)


def tour(folder: Path) -> None:
    """Its beginning."""
    with browser.lab(folder, "00_tour") as (address, _), browser.page((1000, 900)) as page:
        page.goto(address)
        browser.run_all(page)
        page.get_by_text("| Busy").wait_for()
        page.get_by_text("| Idle").wait_for(timeout=180_000)
        _shot(page, "tour.jpg", up=20_000, down=620)


def training(folder: Path) -> None:
    """The regression, some hundred steps on its way."""
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data" / "sample", folder / "data" / "sample")
    papermill.execute_notebook(ROOT / "nbs/01_collect.ipynb", folder / "out.ipynb", {"profile": "laptop"}, cwd=folder)
    with browser.lab(folder, "03_regression") as (address, _), browser.page((1000, 1050)) as page:
        page.goto(address)
        browser.run_all(page)
        page.locator(_PICTURE).nth(1).wait_for()
        page.wait_for_timeout(40_000)
        _shot(page, "training.jpg", up=20_000, down=330)


def _shot(page: Page, name: str, up: int, down: int) -> None:
    """The notebook alone, scrolled by so many pixels."""
    page.get_by_role("button", name="No", exact=True).click()  # no news
    page.keyboard.press("Control+b")
    page.mouse.move(500, 500)
    for step in (-up, down):
        page.mouse.wheel(0, step)
        page.wait_for_timeout(2000)
    page.screenshot(path=HERE / name, quality=85)


if __name__ == "__main__":
    makers = {"studio": studio, "tour": tour, "training": training}
    for make in [makers[name] for name in sys.argv[1:] or makers]:
        with tempfile.TemporaryDirectory() as place:
            make(Path(place))
