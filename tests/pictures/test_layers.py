"""Layers: the gray is untouched, what lies over it is the color, and other programs can read both."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from colorify import batch, pictures
from colorify.cli import app
from colorify.inputs import Job
from colorify.models import checkpoint as checkpoints
from colorify.pictures import PictureError, layers
from conftest import photo

OPTIONS = batch.BatchOptions(layers=True)


def colored(colorizer, source: Path, target: Path) -> list[str]:
    return batch.colorize_file(colorizer, Job(source, target), OPTIONS)


def member(path: Path, name: str) -> Image.Image:
    with zipfile.ZipFile(path) as file:
        return Image.open(io.BytesIO(file.read(name)))


@pytest.fixture
def gray(tmp_path) -> Path:
    photo(0, 300, 200).convert("L").save(tmp_path / "a.jpg", dpi=(300, 300), quality=95)
    return tmp_path / "a.jpg"


def test_open_raster_is_as_the_standard_says(colorizer, gray, tmp_path):
    colored(colorizer, gray, tmp_path / "a.ora")
    content = (tmp_path / "a.ora").read_bytes()
    assert content[30:54] == b"mimetypeimage/openraster" and zipfile.is_zipfile(tmp_path / "a.ora")
    with zipfile.ZipFile(tmp_path / "a.ora") as file:
        first = file.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED) and file.testzip() is None
        root = ElementTree.fromstring(file.read("stack.xml"))
        assert (root.tag, root.get("w"), root.get("h")) == ("image", "300", "200")
        upper, lower = root.findall("stack/layer")
        assert (upper.get("composite-op"), lower.get("composite-op")) == ("svg:color", "svg:src-over")
        assert {upper.get("src"), lower.get("src"), "mergedimage.png", "Thumbnails/thumbnail.png"} <= set(
            file.namelist()
        )
    assert max(member(tmp_path / "a.ora", "Thumbnails/thumbnail.png").size) == 256


def test_open_raster_holds_the_gray_and_the_color(colorizer, gray, tmp_path):
    colored(colorizer, gray, tmp_path / "a.ora")
    below, above, merged = (
        member(tmp_path / "a.ora", name) for name in ("data/gray.png", "data/color.png", "mergedimage.png")
    )
    with Image.open(gray) as source:
        assert below.mode == "L" and np.array_equal(below, source)
        assert np.array_equal(above, colorizer(source)) and np.array_equal(above, merged)
    assert round(below.info["dpi"][0]) == 300


def test_the_layers_together_show_the_result(colorizer, gray, tmp_path):
    """By the blend mode `color` of the W3C: the hue and saturation of the upper layer, the luminosity of the lower."""
    colored(colorizer, gray, tmp_path / "a.ora")
    upper, lower = (
        np.asarray(member(tmp_path / "a.ora", f"data/{name}.png").convert("RGB"), float) / 255
        for name in ("color", "gray")
    )
    weights = np.array((0.3, 0.59, 0.11))
    shown = upper + (lower @ weights - upper @ weights)[..., None]
    light = (shown @ weights)[..., None]
    low, high = shown.min(-1, keepdims=True), shown.max(-1, keepdims=True)
    shown = np.where(low < 0, light + (shown - light) * light / np.maximum(light - low, 1e-9), shown)
    shown = np.where(high > 1, light + (shown - light) * (1 - light) / np.maximum(high - light, 1e-9), shown)
    assert np.abs(shown - upper).mean() < 0.04


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_tiff_has_two_named_pages(colorizer, tmp_path, depth, alpha):
    values = np.random.default_rng(0).random((40, 60, 1 + alpha))
    top = np.iinfo(depth).max if depth != np.float32 else 1
    array = (values * top).astype(depth)
    picture = pictures.Picture(array[..., 0], array[..., 1] if alpha else None)
    pictures.write(picture, tmp_path / "a.tif")
    colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif")
    below, above = pictures.pages(tmp_path / "b.tif")
    assert np.array_equal(below.pixels, picture.pixels) and above.pixels.shape == (40, 60, 3)
    assert not alpha or np.array_equal(above.alpha, picture.alpha)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert [page.tags["PageName"].value for page in file.pages] == ["gray", "color"]
        assert np.array_equal(file.pages[1].asarray()[..., :3], above.pixels)


def test_pages_of_a_tiff_each_get_both(colorizer, tmp_path):
    first, *rest = (photo(n, 40, 30).convert("L") for n in range(3))
    first.save(tmp_path / "a.tif", save_all=True, append_images=rest)
    colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif")
    assert [page.pixels.ndim for page in pictures.pages(tmp_path / "b.tif")] == [2, 3] * 3
    with pytest.raises(PictureError, match=r"has 3 pages: choose \.tif"):
        colored(colorizer, tmp_path / "a.tif", tmp_path / "b.ora")
    assert not (tmp_path / "b.ora").exists()


def test_16_bits_alpha_and_orientation_in_open_raster(colorizer, tmp_path):
    array = np.random.default_rng(0).integers(0, 65536, (20, 30, 2), np.uint16)
    pictures.write(pictures.Picture(array[..., 0], array[..., 1]), tmp_path / "a.png")
    colored(colorizer, tmp_path / "a.png", tmp_path / "a.ora")
    with zipfile.ZipFile(tmp_path / "a.ora") as file:
        below, above = (pictures.decode(file.read(f"data/{name}.png"), name) for name in ("gray", "color"))
    assert np.array_equal(below.pixels, np.dstack((array[..., 0],) * 3)) and np.array_equal(above.alpha, array[..., 1])
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(0, 60, 40).convert("L").save(tmp_path / "b.png", exif=exif)
    colored(colorizer, tmp_path / "b.png", tmp_path / "b.ora")
    assert member(tmp_path / "b.ora", "data/color.png").size == (40, 60)


def test_what_open_raster_cannot_hold_is_said(colorizer, tmp_path):
    pictures.write(pictures.Picture(np.random.default_rng(0).random((20, 30), np.float32)), tmp_path / "a.tif")
    with pytest.raises(PictureError, match=r"the picture has floats: choose \.tif"):
        colored(colorizer, tmp_path / "a.tif", tmp_path / "a.ora")
    photo(0).convert("L").save(tmp_path / "b.tif", tiffinfo={65000: "a word"})
    assert any("TIFF tags" in note for note in colored(colorizer, tmp_path / "b.tif", tmp_path / "b.ora"))
    with pytest.raises(PictureError, match="exists already"):
        colored(colorizer, tmp_path / "b.tif", tmp_path / "b.ora")
    with pytest.raises(ValueError, match="choose --layers or --side-by-side"):
        batch.BatchOptions(layers=True, side_by_side=True)


def test_targets():
    names = {"a.jpg": "a.jpg.ora", "a.tif": "a.tif", "a.TIFF": "a.TIFF", "a.ora": "a.ora"}
    assert {name: layers.target_of(Path(name)).name for name in names} == names


def test_the_commands(checkpoint, gray, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    model, run = ["--model", str(tmp_path / "model.safetensors")], CliRunner().invoke
    assert run(app, ["image", str(gray), "-o", str(tmp_path / "b.ora"), *model]).exit_code == 0
    for command in ("image", "bulk"):
        result = run(app, [command, str(gray), "-o", f"{tmp_path / command}/", "--layers", *model])
        assert result.exit_code == 0
        assert (tmp_path / command / "a.jpg.ora").read_bytes() == (tmp_path / "b.ora").read_bytes()
