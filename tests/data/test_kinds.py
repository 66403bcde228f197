"""One hue, negatives, pages and drawings are told from color photographs, seldom wrongly."""

import io
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from colorify.collect.normalize import no_use
from colorify.data import kinds, samples
from colorify.data.manifest import is_gray
from conftest import photo

# a toning is a curve: gray in 0..1 -> RGB in 0..1
TONINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sepia": lambda t: np.dstack((t**0.8, t * 0.9, t**1.25 * 0.75)),
    "strong sepia": lambda t: np.dstack((t * 1.07, t * 0.95, t * 0.75)),
    "cyanotype": lambda t: np.dstack((t**1.6, 0.15 + 0.85 * t**1.1, 0.35 + 0.63 * t**0.8)),
    "selenium": lambda t: np.dstack((t**0.95, t**1.05, t * 0.97)),
    "gold": lambda t: np.dstack([np.interp(t, (0, 0.3, 0.7, 1), ends) for ends in _GOLD]),
    "faded to red": lambda t: np.dstack((0.3 + 0.7 * t, 0.1 + 0.75 * t, 0.12 + 0.7 * t)),
}
_GOLD = ((0.05, 0.4, 0.85, 1), (0, 0.25, 0.65, 0.95), (0.05, 0.2, 0.4, 0.8))


def crops() -> Iterator[Image.Image]:
    """Some 60 windows of the free samples, in color, at 256 px."""
    rng = np.random.default_rng(0)
    for _, picture in samples.color():
        for _ in range(10):
            side = int(min(picture.size) * rng.uniform(0.5, 1))
            left, top = (int(rng.integers(0, length - side + 1)) for length in picture.size)
            window = picture.crop((left, top, left + side, top + side)).resize((256, 256), Image.Resampling.LANCZOS)
            if not is_gray(window):
                yield window


@pytest.fixture(scope="module")
def colorful() -> list[Image.Image]:
    return [*crops(), *(photo(seed, 256, 192) for seed in range(40))]


def image(rgb: np.ndarray) -> Image.Image:
    return Image.fromarray((rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality)
    return Image.open(content).convert("RGB")


def gray(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L"), np.float32) / 255


def share(judge: Callable[[Image.Image], str], pictures: list[Image.Image]) -> float:
    return float(np.mean([bool(judge(picture)) for picture in pictures]))


def scanned(paper: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Ink on paper of some tint, unevenly lit, turned a little, soft, noisy, and a JPEG."""
    ink = np.asarray(paper.rotate(rng.uniform(-1.5, 1.5), fillcolor=255), np.float32) / 255
    ink = rng.uniform(0.05, 0.35) * (1 - ink) + ink
    ink *= np.linspace(1, rng.uniform(0.8, 1), ink.shape[1])
    ink = cv2.GaussianBlur(ink.astype(np.float32), (0, 0), rng.uniform(0.3, 1.2))
    tint = np.array((1, rng.uniform(0.93, 1), rng.uniform(0.8, 1))) * rng.uniform(0.75, 1)
    return jpeg(image(ink[..., None] * tint + rng.normal(0, 0.02, (*ink.shape, 1))), 75)


def page(rng: np.random.Generator) -> Image.Image:
    """Lines of words in columns."""
    width, height = (int(length) for length in rng.integers(800, 1500, 2))
    paper, size = Image.new("L", (width, height), 255), int(max(width, height) / rng.uniform(45, 100))
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(size)
    columns, margin = int(rng.integers(1, 4)), width // 10
    for column in range(columns):
        wide = (width - 2 * margin) / columns
        for top in np.arange(margin, height - margin, size * 1.25):
            left = end = margin + column * wide
            end += wide * (0.95 if rng.random() > 0.1 else 0.5)
            while True:
                word = "".join(rng.choice(list("etaoinshrdlu"), int(rng.integers(2, 9)))) + " "
                if left + draw.textlength(word, font) > end:
                    break
                draw.text((left, top), word, 0, font)
                left += draw.textlength(word, font)
    return scanned(paper, rng)


def drawing(rng: np.random.Generator) -> Image.Image:
    """Thin arcs, circles and crooked lines."""
    size = rng.integers(600, 1200, 2)
    paper, width = Image.new("L", tuple(map(int, size)), 255), int(max(size) / rng.uniform(150, 400))
    draw = ImageDraw.Draw(paper)
    for _ in range(int(rng.integers(12, 60))):
        center, reach = rng.uniform((0, 0), size), rng.uniform(0.03, 0.3, 2) * min(size)
        draw.ellipse((*(center - reach), *(center + reach)), outline=0, width=width)
        points = center + np.cumsum(rng.normal(0, 1, (12, 2)) * reach / 3, 0)
        draw.line([tuple(point) for point in points], 0, width, "curve")
    return scanned(paper, rng)


def negative(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """As color film shows it: its mask is orange where nothing was exposed, and lies over all."""
    mask = np.array((rng.uniform(0.8, 1), rng.uniform(0.5, 0.65), rng.uniform(0.28, 0.45)))
    clear, gamma = rng.uniform(0.2, 0.35), rng.uniform(0.7, 1.2)
    light = 1 - np.asarray(picture, np.float32) / 255
    return image(mask * (clear + (1 - clear) * light**gamma))


def test_color_photographs_are_none_of_them(colorful):
    assert share(kinds.one_hue, colorful) <= 0.02
    assert share(kinds.look, colorful) <= 0.01


@pytest.mark.parametrize("name", TONINGS)
def test_toned_photographs_are_of_one_hue(colorful, name):
    rng = np.random.default_rng(0)
    toned = [TONINGS[name](gray(picture)) for picture in colorful]
    noisy = [rgb + rng.normal(0, 0.04, rgb.shape) for rgb in toned]
    for pictures, least in (
        ([image(rgb) for rgb in toned], 0.97),
        ([jpeg(image(rgb), 60) for rgb in toned], 0.95),
        ([jpeg(image(rgb), 60) for rgb in noisy], 0.9),
    ):
        assert share(no_use, pictures) >= least


def test_pages_drawings_and_negatives_look_like_what_they_are(colorful):
    rng = np.random.default_rng(0)
    for made, name, least in (
        ([page(rng) for _ in range(20)], "text page", 0.95),
        ([drawing(rng) for _ in range(20)], "line drawing", 0.95),
        ([negative(picture, rng) for picture in colorful], "negative", 0.6),
    ):
        found = [kinds.look(picture) for picture in made]
        assert found.count(name) >= least * len(made) and set(found) <= {name, ""}
        assert {no_use(picture) for picture in made if kinds.look(picture)} == {name}


def test_gray_photographs_look_like_photographs(colorful):
    grays = [picture.convert("L") for picture in colorful] + [picture for _, picture in samples.gray()]
    assert share(kinds.look, grays) <= 0.01


def test_one_hue_is_more_than_little_color():
    """A strong toning is refused, a faint scene in color is not: what is left beside L* decides."""
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (256, 1))
    toned = image(TONINGS["cyanotype"](ramp))
    assert kinds.one_hue(toned) and not is_gray(toned)
    two = np.dstack((ramp, ramp, ramp))
    two[:128] *= (1, 0.93, 0.85)
    two[128:] *= (0.85, 0.93, 1)
    assert not kinds.one_hue(image(two))


def test_tinted_photographs_say_where(colorful):
    assert share(lambda picture: kinds.tint(picture) is not None, colorful) <= 0.03
    inside, outside = [], []
    for picture in colorful[:20]:
        rgb = 0.3 + 0.6 * np.dstack((gray(picture),) * 3)
        height, width = rgb.shape[:2]
        rgb[height // 4 : height // 2, width // 4 : width // 2] *= (1, 0.6, 0.5)
        found = kinds.tint(jpeg(image(rgb), 85))
        assert found is not None
        inside.append(found[len(found) // 4 : len(found) // 2, found.shape[1] // 4 : found.shape[1] // 2].mean())
        outside.append(found[:, found.shape[1] * 2 // 3 :].mean())
    assert np.mean(np.array(inside) > 0.7) >= 0.6 and np.mean(outside) < 0.1


def test_small_and_plain_pictures_are_judged_too():
    for size in ((1, 1), (1, 300), (300, 1), (130, 130)):
        for color in ("white", "black", "orange"):
            assert kinds.look(Image.new("RGB", size, color)) == ""
            assert kinds.tint(Image.new("RGB", size, color)).max() == 0
