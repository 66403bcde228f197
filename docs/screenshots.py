"""Screenshots for the pages, of free pictures: the studio, the tour, and a training run, in a real browser.

make screenshots
"""

import shutil
import tempfile
from pathlib import Path

import papermill
from playwright.sync_api import Page

import browser

HERE, ROOT = Path(__file__).parent, browser.ROOT
_PICTURE = ".jp-OutputArea-output img"


def studio(folder: Path) -> None:
    """With hints, all models and ideas."""
    with browser.voila(folder) as (address, _), browser.page((1100, 1010)) as page:
        page.goto(address)
        page.get_by_label("or a sample").select_option("flower")
        stage = page.locator(".colorify-stage")
        page.wait_for_timeout(3000)
        box = stage.bounding_box()
        for color, x, y in (("#c2185b", 0.5, 0.5), ("#c2185b", 0.62, 0.62), ("#2e7d32", 0.12, 0.3)):
            page.locator(".widget-colorpicker input[type=text]").fill(color)
            page.keyboard.press("Enter")
            stage.click(position={"x": x * box["width"], "y": y * box["height"]})
            page.wait_for_timeout(1500)
        for name in ("All models", "4 ideas"):
            page.get_by_role("button", name=name, exact=True).click()
        page.get_by_alt_text("idea 4").wait_for()
        page.wait_for_timeout(1500)
        page.screenshot(path=HERE / "studio.jpg", quality=85)


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
    for make in (studio, tour, training):
        with tempfile.TemporaryDirectory() as place:
            make(Path(place))
