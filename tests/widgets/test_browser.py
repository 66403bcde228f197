"""The studio in a real browser: through Voila and in JupyterLab, by pointer, touch and keyboard, nothing sent out."""

import os
import re
import statistics
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import browser
from colorify import batch, hints, pictures
from colorify.hints import ab_of
from colorify.inference import Colorizer
from colorify.inputs import Job
from colorify.knobs import Knobs
from colorify.video import media, scene
from conftest import photo
from widgets.visitor import Visitor, alike

sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=60_000)
pytestmark = [
    pytest.mark.skipif(not browser.CHROMIUM, reason="no chromium on this machine: apt-get install chromium"),
    pytest.mark.long,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(240),
    pytest.mark.flaky(reruns=2),  # a starved browser was seen hanging
]
AXE = browser.ROOT / "colorify" / "widgets" / "js" / "node_modules" / "axe-core" / "axe.min.js"
TRUTH = photo(11, 500, 400)
LATENCY = """async ([name, value]) => {
  const root = document.querySelector(".cs-studio");
  const input = root.querySelector(`[data-name=${name}] input`);
  const gl = root.querySelector("canvas").getContext("webgl2");
  const drawn = new Promise((done) => root.addEventListener("recolored", () => {
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits until it is drawn
    done(performance.now());
  }, { once: true }));
  const begun = performance.now();
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  return (await drawn) - begun;
}"""


@pytest.fixture(scope="module")
def voila(tmp_path_factory) -> tuple[str, Path]:
    with browser.voila(tmp_path_factory.mktemp("voila")) as served:
        yield served


@pytest.fixture(scope="module")
def models() -> dict[str, Colorizer]:
    return {name: Colorizer.load(name, "cpu") for name in ("highres", "lowres")}


@pytest.fixture
def visitor(voila) -> Visitor:
    address, log = voila
    with browser.page() as page:
        visitor = Visitor(page)
        page.goto(address)
        visitor.arrive()
        yield visitor
        visitor.clean(log)


@pytest.fixture
def mine(tmp_path) -> Path:
    TRUTH.save(tmp_path / "mine.png")
    return tmp_path / "mine.png"


def colored(model: Colorizer, **knobs: object) -> np.ndarray:
    """What the library makes of the picture."""
    (result,) = model.colorize([pictures.from_pil(TRUTH)], Knobs(**({"size": model.size} | knobs)))
    return result.pixels


def whole(visitor: Visitor) -> None:
    """100 %, and colour from edge to edge."""
    visitor.page.locator(".cs-over").focus()
    visitor.page.keyboard.press("1")
    visitor.page.get_by_role("slider", name="Divider").press("Home")


def steered(visitor: Visitor, models: dict[str, Colorizer], mine: Path) -> None:
    """Knobs, models and ideas: what is seen is what the library makes."""
    visitor.open(mine)
    whole(visitor)
    highres, lowres = models["highres"], models["lowres"]
    visitor.shows(colored(highres))
    visitor.slide("Saturation", "End")
    visitor.shows(colored(highres, saturation=3.0))
    visitor.page.get_by_role("slider", name="Saturation", exact=True).dblclick()
    visitor.shows(colored(highres))
    visitor.slide("Soft edges", "End")
    visitor.shows(colored(highres, blur=40.0))
    visitor.button("Soft edges: back to 0.0 px").click()
    visitor.take("Lowres")
    visitor.shows(colored(lowres))
    visitor.slide("Temperature", "Home")
    visitor.shows(colored(lowres, temperature=0.02))
    visitor.button("Temperature: back to 0.38").click()
    visitor.take("Idea 3")
    visitor.shows(colored(lowres, idea=3))
    visitor.take("Gray")
    visitor.shows(colored(highres, saturation=0.0))
    visitor.take("Highres")
    visitor.shows(colored(highres))


def divided(visitor: Visitor, models: dict[str, Colorizer]) -> None:
    """The divider is dragged on the picture, by its handle and by its line, and moved by arrows."""
    gray, color = colored(models["highres"], saturation=0.0), colored(models["highres"])
    handle, size = visitor.page.get_by_role("slider", name="Divider"), TRUTH.size
    visitor.page.locator(".cs-over").focus()
    visitor.page.keyboard.press("0")
    visitor.page.wait_for_timeout(300)
    knob = visitor.page.locator(".cs-knob").bounding_box()
    start = (knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    visitor.drag(start, visitor.at(0.5, 0.5))
    assert 45 <= int(handle.get_attribute("aria-valuenow")) <= 55
    visitor.drag(visitor.at(0.5, 0.2), visitor.at(0.7, 0.2))
    assert 65 <= int(handle.get_attribute("aria-valuenow")) <= 75
    for _ in range(10):
        handle.press("ArrowLeft")
    assert 45 <= int(handle.get_attribute("aria-valuenow")) <= 55
    visitor.page.locator(".cs-over").focus()
    visitor.page.keyboard.press("1")
    visitor.page.wait_for_timeout(300)
    seen = visitor.picture(size)
    assert alike(seen[:, :220], gray[:, :220]) and alike(seen[:, 280:], color[:, 280:])


def zoomed(visitor: Visitor) -> None:
    """Wheel, drag and keys."""
    page, zoom = visitor.page, visitor.page.locator(".cs-zoom")
    page.locator(".cs-over").focus()
    page.keyboard.press("1")
    sync_api.expect(zoom).to_have_text("100 %")
    page.mouse.move(*visitor.at(0.5, 0.5))
    page.mouse.wheel(0, -600)
    visitor.until(lambda: int(zoom.text_content().split()[0]) > 150, "the wheel does not zoom")
    page.wait_for_timeout(300)
    before, middle = visitor.screen(), (700, 450)
    visitor.drag(middle, (middle[0] + 60, middle[1] + 40))
    page.wait_for_timeout(300)
    after = visitor.screen()
    assert np.median(np.abs(after[240:440, 300:500] - before[200:400, 240:440])) <= 2, "it moves with the pointer"
    page.keyboard.press("0")
    page.wait_for_timeout(300)
    fitted = zoom.text_content()
    visitor.button("Larger (+)").click()
    sync_api.expect(zoom).not_to_have_text(fitted)
    visitor.button("Fit (0)").click()
    sync_api.expect(zoom).to_have_text(fitted)
    page.mouse.dblclick(*visitor.at(0.2, 0.2))
    sync_api.expect(zoom).to_have_text("100 %")


def hinted(visitor: Visitor, models: dict[str, Colorizer], folder: Path) -> None:
    """Points, brush, eraser, eye-dropper, undo and redo, and the file of hints."""
    page = visitor.page
    page.locator(".cs-over").focus()
    page.keyboard.press("0")
    page.locator(".cs-color").fill("#c03020")
    visitor.tool("p")
    for number in range(5):
        page.mouse.click(*visitor.at(0.2 + 0.1 * number, 0.3))
        page.wait_for_timeout(200)
    visitor.dots(5)
    page.keyboard.press("Control+z")
    visitor.dots(4)
    page.keyboard.press("Control+Shift+Z")
    visitor.dots(5)
    visitor.tool("e")
    visitor.drag(visitor.at(0.38, 0.3), visitor.at(0.65, 0.3))
    visitor.dots(2)
    visitor.tool("b")
    visitor.drag(visitor.at(0.2, 0.7), visitor.at(0.5, 0.7))
    count = page.locator(".cs-dot").count
    visitor.until(lambda: count() >= 7, "the brush leaves no hints")
    painted = count()
    visitor.tool("i")
    page.mouse.click(*visitor.at(0.2, 0.3))
    picked = page.locator(".cs-color").input_value()
    assert np.abs(np.subtract(ab_of(picked), ab_of("#c03020"))).max() < 12, "the colour that is seen there"
    visitor.dots(painted)
    first = page.locator(".cs-dot").first
    first.focus()
    assert first.get_attribute("aria-label").startswith("Hint 1, fire brick, 20 % from the left")
    page.keyboard.press("ArrowRight")
    visitor.until(lambda: "21 % from" in first.get_attribute("aria-label"), "arrows do not move a hint")
    page.keyboard.press("Delete")
    visitor.dots(painted - 1)
    visitor.tool("p")
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    dots = visitor.dots(painted)
    visitor.drag(middle(dots.last), visitor.at(0.8, 0.8))
    visitor.until(lambda: "80 % from the left" in dots.last.get_attribute("aria-label"), "a hint is not dragged")

    saved = visitor.download("Save hints", folder)
    assert len(hints.read(saved)) == painted
    visitor.button("Clear").click()
    visitor.dots(0)
    with page.expect_file_chooser() as waiting:
        page.get_by_label("Load hints").click()
    waiting.value.set_files(saved)
    visitor.dots(painted)
    whole(visitor)
    expected = colored(models["highres"], hints=hints.read(saved))
    visitor.shows(expected)
    with Image.open(visitor.download("Save picture", folder)) as got:
        assert np.abs(np.asarray(got).astype(int) - expected).max() <= 1


def test_a_region_is_painted(visitor, models, mine, tmp_path):
    """By pointer and keyboard, with undo and redo; the file that is saved is what the library masks with."""
    page = visitor.page
    visitor.open(mine)
    whole(visitor)
    plain = colored(models["highres"])
    visitor.shows(plain)
    visitor.tool("m")
    options = page.get_by_role("group", name="Region brush")
    sync_api.expect(options).to_be_visible()
    for key in ("]", "]", "}"):
        page.keyboard.press(key)
    assert page.get_by_role("slider", name="Size", exact=True).input_value() == "48"
    assert page.get_by_role("slider", name="Soft edge", exact=True).input_value() == "0.6"
    visitor.drag(visitor.at(0.2, 0.3), visitor.at(0.4, 0.6), visitor.at(0.6, 0.3))
    thumb = page.get_by_role("button", name="Take away region.png")
    sync_api.expect(thumb).to_be_visible()

    def saved() -> Image.Image:
        with Image.open(visitor.download("Save region", tmp_path)) as file:
            return file.copy()

    def seen(mask: Image.Image) -> None:
        visitor.tool("v")
        visitor.shows(colored(models["highres"], mask=mask))
        visitor.tool("m")

    first = saved()
    assert (
        first.size == TRUTH.size and np.asarray(first)[int(0.45 * 400), 150] == 255 and first.getpixel((10, 390)) == 0
    )
    seen(first)
    page.keyboard.press("x")
    page.get_by_role("button", name="Leave").and_(page.locator("[aria-pressed=true]")).wait_for()
    for key in ("ArrowRight", "Enter", *["ArrowDown"] * 9, "Shift+Enter"):
        page.keyboard.press(key)
    visitor.until(lambda: saved().getpixel((255, 220)) == 0, "the keyboard does not paint")
    second = saved()
    assert np.asarray(second).sum() < np.asarray(first).sum()
    seen(second)
    options.get_by_role("button", name="Erase").click()
    visitor.drag(visitor.at(0.3, 0.45), visitor.at(0.4, 0.6))
    visitor.until(lambda: saved().getpixel((150, 180)) == 0, "the eraser does not erase")
    page.locator(".cs-over").focus()
    page.keyboard.press("Control+z")
    visitor.until(lambda: saved() == second, "a stroke is not undone")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    visitor.until(lambda: saved() == first, "a line by keyboard is not undone")
    page.keyboard.press("Control+Shift+Z")
    page.keyboard.press("Control+Shift+Z")
    visitor.until(lambda: saved() == second, "a stroke is not done again")
    expected = colored(models["highres"], mask=second)
    with Image.open(visitor.download("Save picture", tmp_path)) as got:
        assert np.abs(np.asarray(got).astype(int) - expected).max() <= 1
    visitor.button("Invert").click()
    visitor.until(lambda: saved().getpixel((150, 180)) == 0, "nothing is inverted")
    visitor.button("Clear region").click()
    sync_api.expect(thumb).to_have_count(0)
    visitor.tool("v")
    visitor.shows(plain)


def test_without_a_graphics_card(voila, models, mine, tmp_path):
    """Pixel by pixel the same is drawn, region and all."""
    address, log = voila
    with browser.page() as page:
        page.add_init_script("""const get = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
                return kind === "webgl2" ? null : get.call(this, kind, ...more);
            };""")
        visitor = Visitor(page)
        page.goto(address)
        visitor.arrive()
        visitor.open(mine)
        whole(visitor)
        visitor.shows(colored(models["highres"]))
        visitor.tool("m")
        visitor.drag(visitor.at(0.2, 0.3), visitor.at(0.4, 0.6), visitor.at(0.6, 0.3))
        with Image.open(visitor.download("Save region", tmp_path)) as mask:
            expected = colored(models["highres"], mask=mask)
        visitor.tool("v")
        visitor.shows(expected)
        visitor.clean(log)


def middle(found: "sync_api.Locator") -> tuple[float, float]:
    box = found.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_one_browser_at_a_time(request):
    """xdist keeps a group in one worker by the name that it gives its tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@browser")


def hanging() -> None:
    """Playwright's driver stops under a page."""
    with browser.page(patience=5) as page:
        for child in psutil.Process().children(recursive=True):
            if child.name().startswith("node"):
                child.suspend()
        page.goto("about:blank")


def test_what_hangs_is_ended():
    with pytest.raises(sync_api.Error):
        hanging()


def test_as_a_page(visitor, models, mine, tmp_path):
    steered(visitor, models, mine)
    divided(visitor, models)
    zoomed(visitor)
    hinted(visitor, models, tmp_path)


def test_in_jupyterlab(models, mine, tmp_path):
    with browser.lab(tmp_path, "08_studio") as (address, log), browser.page((1500, 1200)) as page:
        visitor = Visitor(page)
        page.goto(address)
        browser.run_all(page)
        visitor.arrive()
        page.locator(".cs-studio").scroll_into_view_if_needed()
        steered(visitor, models, mine)
        divided(visitor, models)
        hinted(visitor, models, tmp_path)
        sync_api.expect(page.locator(".cs-studio")).to_have_attribute("data-theme", "light")
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        page.get_by_text("Theme", exact=True).hover()
        page.get_by_text("JupyterLab Dark", exact=True).click()
        sync_api.expect(page.locator(".cs-studio")).to_have_attribute("data-theme", "dark")
        visitor.clean(log)


def test_a_film(visitor, tmp_path):
    """A time line, key frames, a preview and the result; the file is larger than what servers take by default."""
    page = visitor.page
    pan = scene.camera(photo(5, 600, 400), (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 40, (320, 200))
    other = scene.camera(photo(9, 600, 400), (0.5, 0.5, 0.9), (0.5, 0.5, 0.6), 20, (320, 200))
    path = scene.write_gray(pan.cut(other), tmp_path / "pan.mp4")
    with path.open("ab") as film:
        film.write((12 << 20).to_bytes(4, "big") + b"free" + bytes((12 << 20) - 8))  # an empty box
    visitor.open(path)
    sync_api.expect(page.locator(".cs-key")).to_have_text("2 shots")
    sync_api.expect(page.locator(".cs-stills img")).to_have_count(12)
    visitor.tool("p")
    page.mouse.click(*visitor.at(0.7, 0.6))
    visitor.dots(1)
    sync_api.expect(page.locator(".cs-key")).to_have_text("2 shots, 1 key frame of yours")
    page.get_by_label("A shot begins at 0:01.6").click()
    visitor.dots(0)
    assert float(page.get_by_label("Moment of the film").input_value()) == pytest.approx(1.6)
    page.get_by_label("Key frame with hints at 0:00.0").click()
    visitor.dots(1)
    visitor.button("Preview 2 s").click()
    page.locator("video").wait_for()
    page.wait_for_function("document.querySelector('video').videoWidth == 320")
    visitor.button("Back to the picture").click()
    visitor.slide("Length", "Home")
    with media.opened(visitor.download("Colour from here", tmp_path)) as got:
        shown = [np.asarray(frame.to_image(), int) for frame in media.frames(got)]
    assert 12 <= len(shown) <= 14 and np.ptp(shown[0], axis=-1).mean() > 5


def test_a_region_of_a_film(visitor, tmp_path):
    """Painted at one moment it holds for all, in the preview and in the result; it is saved as the mask."""
    page = visitor.page
    pan = scene.camera(photo(5, 600, 400), (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 30, (320, 200))
    visitor.open(scene.write_gray(pan, tmp_path / "pan.mp4"))
    sync_api.expect(page.locator(".cs-stills img")).to_have_count(12)
    visitor.tool("m")
    visitor.drag(visitor.at(0.1, 0.2), visitor.at(0.1, 0.8))
    page.get_by_role("button", name="Take away region.png").wait_for()
    page.get_by_label("Moment of the film").press("End")
    visitor.until(lambda: "1.1" in page.locator(".cs-times output").text_content(), "another moment is not shown")
    sync_api.expect(page.get_by_role("button", name="Take away region.png")).to_be_visible()
    page.get_by_label("Moment of the film").press("Home")
    visitor.button("Preview 2 s").click()
    page.wait_for_function("document.querySelector('video').videoWidth == 320")
    visitor.button("Back to the picture").click()
    with Image.open(visitor.download("Save region", tmp_path)) as mask:
        inside = np.asarray(mask.resize((320, 200))) == 255
    beside = np.arange(320) > 160
    with media.opened(visitor.download("Colour from here", tmp_path)) as got:
        frames = np.stack([np.ptp(np.asarray(frame.to_image(), int), axis=-1) for frame in media.frames(got)])
    assert len(frames) == 30 and inside.any() and not inside[:, beside].any()
    assert frames[:, inside].mean() > 5 and frames[:, :, beside].max() < 5


def test_luma_is_kept(visitor, models, tmp_path):
    """Where it can be: the file is that of `colorify image --keep-luma`, byte for byte."""
    page, source = visitor.page, tmp_path / "old.jpg"
    TRUTH.convert("L").save(source, quality=85)
    control = page.locator("[data-name=keep_luma]")
    switch, form = page.get_by_role("switch", name="Keep the luma"), page.get_by_role("combobox", name="Format")
    sync_api.expect(switch).to_be_disabled()
    sync_api.expect(control).to_contain_text("The file that you opened is no JPEG.")
    visitor.open(source)
    sync_api.expect(control).to_contain_text("Choose JPEG as the format.")
    form.select_option("JPEG")
    sync_api.expect(switch).to_be_enabled()
    switch.press(" ")
    sync_api.expect(page.locator("[data-name=layers]")).to_contain_text("Switch off Keep the luma first.")
    sync_api.expect(page.get_by_role("switch", name="Badge")).to_be_disabled()
    got, highres = visitor.download("Save picture", tmp_path), models["highres"]
    options = batch.BatchOptions(Knobs(size=highres.size), keep_luma=True)
    batch.colorize_file(highres, Job(source, tmp_path / "expected.jpg"), options)
    assert got.name == "old-color.jpg" and got.read_bytes() == (tmp_path / "expected.jpg").read_bytes()
    luma, before = (pictures.graft.luma_samples(path.read_bytes()) for path in (got, source))
    assert np.array_equal(luma, before)


def test_several_pictures_dropped_and_pasted(visitor, mine):
    """A drop anywhere, a paste, and a strip of what is open."""
    page, opened = visitor.page, visitor.page.locator(".cs-shelf .cs-thumb")
    data = list(mine.read_bytes())
    carry = """([kind, target, data]) => {
        const carried = new DataTransfer();
        for (const name of ["one.png", "two.png"]) {
            carried.items.add(new File([new Uint8Array(data)], name, { type: "image/png" }));
        }
        const options = { bubbles: true, cancelable: true };
        const event = kind === "drop" ? new DragEvent(kind, { ...options, dataTransfer: carried })
            : new ClipboardEvent(kind, { ...options, clipboardData: carried });
        document.querySelector(target).dispatchEvent(event);
    }"""
    page.evaluate(carry, ["drop", ".cs-panel", data])
    sync_api.expect(opened).to_have_count(3)
    page.evaluate(carry, ["paste", "body", data])
    sync_api.expect(opened).to_have_count(5)
    page.locator(".cs-shelf").get_by_title("china", exact=True).click()
    page.locator(".cs-title strong", has_text="china").wait_for()
    page.locator(".cs-opened").last.hover()
    visitor.page.get_by_role("button", name="Close two").last.click()
    sync_api.expect(opened).to_have_count(4)


def test_what_cannot_be_read_is_named(visitor, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    visitor.button("Open").click()
    with visitor.page.expect_file_chooser() as waiting:
        visitor.page.get_by_label("Choose files").click()
    waiting.value.set_files(tmp_path / "broken.png")
    sync_api.expect(visitor.page.get_by_role("alert")).to_contain_text(re.compile(r"^broken.png: "), ignore_case=True)


def test_by_touch_on_a_phone(voila):
    """One finger moves the divider, two zoom; nothing is cut off."""
    address, log = voila
    with browser.page((390, 844), touch=True) as page:
        visitor = Visitor(page)
        page.goto(address)
        visitor.arrive()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, *places: tuple[float, float]) -> None:
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        x, y = middle(page.locator(".cs-knob"))
        fingers("touchStart", (x, y))
        for step in range(1, 9):
            fingers("touchMove", (x - 10 * step, y))
        fingers("touchEnd")
        handle = page.get_by_role("slider", name="Divider")
        assert 25 <= int(handle.get_attribute("aria-valuenow")) <= 35
        before = int(page.locator(".cs-zoom").text_content().split()[0])
        y += 60
        fingers("touchStart", (x - 20, y), (x + 20, y))
        for step in range(1, 9):
            fingers("touchMove", (x - 20 - 8 * step, y), (x + 20 + 8 * step, y))
        fingers("touchEnd")
        visitor.until(lambda: int(page.locator(".cs-zoom").text_content().split()[0]) > 2 * before, "no pinch")
        fit = page.get_by_role("button", name="Fit (0)")
        fit.click()
        page.get_by_role("button", name="Region: ").click()
        places = [visitor.at(0.3 + 0.05 * step, 0.7) for step in range(6)]
        fingers("touchStart", places[0])
        for place in places[1:]:
            fingers("touchMove", place)
        fingers("touchEnd")
        page.get_by_role("button", name="Take away region.png").wait_for()
        for control in page.locator(".cs-studio :is(button, select, input):visible").all():
            box = control.bounding_box()
            strips = "e => Boolean(e.closest('.cs-thumbs, .cs-shelf'))"
            assert control.evaluate(strips) or (box["x"] >= 0 and box["x"] + box["width"] <= 390), control
        visitor.clean(log)


def test_a_preview_comes_into_sight_on_a_phone(voila, tmp_path):
    """Its button is far below the picture."""
    address, log = voila
    pan = scene.camera(photo(5, 600, 400), (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 10, (160, 100))
    with browser.page((390, 844), touch=True) as page:
        visitor = Visitor(page)
        page.goto(address)
        visitor.arrive()
        visitor.open(scene.write_gray(pan, tmp_path / "pan.mp4"))
        visitor.button("Preview 2 s").click()
        page.wait_for_function("document.querySelector('video').videoWidth == 160")
        sync_api.expect(page.locator("video")).to_be_in_viewport(ratio=0.9)
        visitor.clean(log)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_by_axe(voila, theme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make bundle")
    address, _ = voila
    with browser.page() as page:
        page.goto(f"{address}&theme={theme}")
        visitor = Visitor(page)
        visitor.arrive()
        sync_api.expect(page.locator(".cs-studio")).to_have_attribute("data-theme", theme)
        visitor.tool("p")
        page.mouse.click(*visitor.at(0.7, 0.7))
        visitor.dots(1)
        visitor.tool("m")
        visitor.drag(visitor.at(0.2, 0.3), visitor.at(0.4, 0.6))
        page.locator(".cs-further summary").first.click()
        page.add_script_tag(path=AXE)
        for opened in (False, True):
            if opened:
                visitor.button("Open").click()
            found = page.evaluate("axe.run('.cs-studio').then((found) => found.violations)")
            bad = [(one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]]) for one in found]
            assert not [one for one in bad if one[1] in ("serious", "critical")], bad


def test_the_keyboard_reaches_everything(visitor):
    """In the order in which it is seen; every control says its name."""
    page = visitor.page
    said = page.locator(".cs-studio").aria_snapshot()
    roles = "button|slider|textbox|combobox|checkbox|switch"
    assert len(re.findall(rf'^\s*- (?:{roles}) "\S', said, re.MULTILINE)) > 30, said
    assert not re.findall(rf'^\s*- (?:{roles})(?! ").*$', said, re.MULTILINE), said
    page.evaluate("""() => {
        const controls = "button:enabled, input:enabled, select:enabled, summary, [tabindex='0']";
        window.waiting = new Set([...document.querySelectorAll(".cs-studio :is(" + controls + ")")]
            .filter((control) => control.checkVisibility() && control.tabIndex >= 0));
        window.order = [];
        document.addEventListener("focusin", (event) => {
            window.waiting.delete(event.target);
            for (const part of ["bar", "stage", "below", "panel"]) {
                if (event.target.closest(`.cs-${part}`) && window.order.at(-1) !== part) window.order.push(part);
            }
        });
        document.activeElement.blur();
    }""")
    for _ in range(200):
        page.keyboard.press("Tab")
        if not page.evaluate("window.waiting.size"):
            break
    left = page.evaluate("[...window.waiting].map((control) => control.outerHTML)")
    assert not left and page.evaluate("window.order")[:4] == ["bar", "stage", "below", "panel"]


def test_motion_is_reduced_for_who_asks(voila):
    address, _ = voila
    with browser.page() as page:
        page.emulate_media(reduced_motion="reduce")
        page.goto(address)
        Visitor(page).arrive()
        moving = """[...document.querySelectorAll('.cs-studio *')]
            .filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length"""
        assert page.evaluate(moving) == 0


def test_a_knob_of_a_large_picture_is_quick(visitor, tmp_path):
    """12 megapixels go to the page once; a knob costs its chroma alone."""
    photo(7, 4000, 3000).save(tmp_path / "large.jpg", quality=95)
    visitor.open(tmp_path / "large.jpg")
    visitor.page.locator(".cs-facts", has_text=re.compile("4000 . 3000")).wait_for()
    visitor.page.wait_for_timeout(5000)
    for name, values in {
        "saturation": np.linspace(0.2, 2.2, 9).tolist(),
        "blur": np.linspace(60, 260, 9).tolist(),
        "temperature": np.linspace(0.1, 0.9, 9).round(2).tolist(),
    }.items():
        if name == "temperature":
            visitor.take("Lowres")
            visitor.page.wait_for_timeout(2000)
        before, spent = visitor.bytes, []
        for value in values:
            visitor.page.wait_for_timeout(100)
            spent.append(visitor.page.evaluate(LATENCY, [name, value]))
        print(name, f"{statistics.median(spent):.0f} ms, at best {min(spent):.0f} ms, from event to pixels")
        assert min(spent) < 100 and (visitor.bytes - before) / len(values) < 1e6


def test_kernels_end_with_their_page(voila):
    address, _ = voila

    def kernels() -> set[int]:
        found = set()
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it has just ended
                found |= {one.pid} if "ipykernel" in " ".join(one.cmdline()) else set()
        return found

    before = kernels()
    with browser.page() as page:
        page.goto(address)
        visitor = Visitor(page)
        visitor.arrive()
        own = kernels() - before
        assert own
        page.goto("about:blank")
        visitor.until(lambda: not own & kernels(), "the kernel goes on")
