"""Released models are found by name."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage.color import rgb2lab
from skimage.data import astronaut

from colorify import inference
from colorify.inference import Colorizer
from colorify.models import checkpoint as files
from colorify.models import released
from colorify.models.checkpoint import CheckpointError


def test_models_are_found(checkpoint, tmp_path):
    path = tmp_path / "mine.safetensors"
    files.save(replace(checkpoint, training={}), path)
    assert Colorizer.load(path, "cpu").size == inference.DEFAULT_SIZE
    assert "highres" in released.models()
    with pytest.raises(CheckpointError, match="did you mean 'highres'"):
        Colorizer.load("hires")
    with pytest.raises(CheckpointError, match="no such file"):
        Colorizer.load("missing.safetensors")


WORDS = ("an", "old", "newspaper", "tells", "about", "ships", "trains", "and", "people", "in", "1912")
SHEETS = {"white": (255, 0), "gray": (225, 3), "dull": (190, 4)}  # level of the paper, and its grain


def sheet(level: int, grain: float, size: int = 0, picture: Image.Image | None = None) -> Image.Image:
    """Paper with grain; printed in letters of so many pixels, or with a picture on it."""
    drawn, generator = Image.new("L", (640, 800), level), np.random.default_rng(size)
    if size:
        pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(size)
        for line in range(40, 740, size * 3 // 2):
            pen.text((40, line), " ".join(generator.choice(WORDS, 900 // size)), level // 8, font)
        drawn.paste(level, (600, 0, 640, 800))
    if picture:
        drawn.paste(picture.convert("L").resize((480, 600)), (80, 80))
    noise = generator.normal(0, max(grain, 1e-9), (800, 640))
    return Image.fromarray((np.asarray(drawn) + noise).clip(0, 255).astype(np.uint8))


def chroma(model: Colorizer, gray: Image.Image) -> np.ndarray:
    lab = rgb2lab(np.asarray(model(gray).convert("RGB")))
    return np.hypot(lab[..., 1], lab[..., 2])


@pytest.mark.parametrize("name", ["highres", "lowres"])
def test_paper_has_no_color(name):
    """Blank pages, print, and the margin of a photo; the photo has. Large print on dull paper has a little."""
    model = Colorizer.load(name, "cpu")
    blank = [chroma(model, sheet(*paper)).mean() for paper in SHEETS.values()]
    print_ = [chroma(model, sheet(*paper, size)).mean() for paper in SHEETS.values() for size in (14, 22, 36)]
    assert np.mean(blank) < 1.5 and np.mean(print_) < 4
    on_paper = chroma(model, sheet(*SHEETS["white"], picture=Image.fromarray(astronaut())))
    assert on_paper[90:670, 90:550].mean() > 6
    on_paper[70:690, 70:570] = np.nan
    assert np.nanmean(on_paper) < 1.5
