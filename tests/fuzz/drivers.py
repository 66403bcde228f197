"""What reads bytes of others, one function each: it may refuse them with its own error, and nothing else may happen."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from parsel import Selector

from colorify import hints, params, pictures
from colorify.collect import links
from colorify.data import manifest
from colorify.laying import apply_chroma
from colorify.methods.regression import RegressionConfig
from colorify.models import CheckpointError, checkpoint, onnx
from colorify.video import media, stills

MAX_MEGAPIXELS = 4.0


def in_file(suffix: str) -> Callable:
    """Let a function of a path take bytes."""

    def around(function: Callable[[Path], None]) -> Callable[[bytes], None]:
        def driver(content: bytes) -> None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, f"fuzzed{suffix}")
                path.write_bytes(content)
                function(path)

        driver.__name__ = function.__name__
        return driver

    return around


def picture(content: bytes) -> None:
    """Read, colour and write a picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd metadata
        try:
            read = pictures.decode(content, "fuzzed", MAX_MEGAPIXELS)
        except pictures.PictureError:
            return
        colored = apply_chroma(read, np.full((2, 2, 2), 20, np.float32))
        assert colored.size == read.size
        suffix = ".png" if colored.alpha is not None or colored.pixels.dtype != np.uint8 else ".jpg"
        with (
            tempfile.TemporaryDirectory() as folder,
            suppress(pictures.PictureError),
        ):  # JPEG holds 65,500 pixels a side
            pictures.write(colored, Path(folder, f"out{suffix}"))


def pages(content: bytes) -> None:
    """Read, colour and write all that a file holds, with its metadata, into a TIFF and into a PNG."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, suppress(pictures.PictureError):
        warnings.simplefilter("ignore")
        found = pictures.pages(content, "fuzzed", MAX_MEGAPIXELS)
        colored = (apply_chroma(page, np.full((2, 2, 2), 20, np.float32)) for page in found)
        pictures.write_pages(colored, Path(folder, "out.tif"), count=len(found))
        again = pictures.pages(Path(folder, "out.tif"))
        assert len(again) == len(found)
        for page in again:
            if page.pixels.dtype != np.float32 and page.pixels.dtype != np.float64:
                pictures.write(page, Path(folder, "out.png"), overwrite=True)
                assert pictures.read(Path(folder, "out.png")).size == page.size


@in_file(".mp4")
def video(path: Path) -> None:
    """Open a film, and show a frame of it."""
    with warnings.catch_warnings(), suppress(media.VideoError):
        warnings.simplefilter("ignore")
        with media.opened(path) as opened:
            media.duration(opened)
        stills.still(path, 0)


@in_file(".safetensors")
def weights(path: Path) -> None:
    """Load a checkpoint, and build its network."""
    with suppress(CheckpointError):
        checkpoint.load(path, with_state=True).build()


@in_file(".onnx")
def onnx_model(path: Path) -> None:
    """Load an ONNX model."""
    with suppress(CheckpointError):
        onnx.load(path)


@in_file(".yaml")
def numbers(path: Path) -> None:
    """Read a section of params.yaml."""
    with suppress(params.ParamsError):
        params.load("regression", RegressionConfig, path=path)


@in_file(".csv")
def hint_list(path: Path) -> None:
    """Read hints, for a picture of 100 x 100."""
    with suppress(hints.HintError):
        hints.check(hints.read(path), (100, 100))


def listed(suffix: str) -> Callable[[bytes], None]:
    """A driver that reads a manifest, or a shard, and the pictures it lists."""

    @in_file(suffix)
    def driver(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                for item in manifest.items(path):
                    manifest.examine(item, 16)
            except manifest.DataError:
                return

    return driver


def page(content: bytes) -> None:
    """What the spider takes from a page."""
    root = Selector(text=content.decode("utf-8", "replace") or "<html></html>")
    found = list(links.pictures(root, "https://example.org/a/"))
    urls = [*(one.url for one in found), *links.follow(root, "https://example.org/a/")]
    assert all(url.startswith(("http://", "https://")) for url in urls)
    links.page_directives(root)


def robots_words(content: bytes) -> None:
    """Whether a page or a header says noai."""
    links.opts_out(content.decode("utf-8", "replace"))


DRIVERS: dict[str, Callable[[bytes], None]] = {
    "picture": picture,
    "tiff": pages,
    "modern": pages,
    "metadata": pages,
    "dng": pages,
    "video": video,
    "weights": weights,
    "onnx": onnx_model,
    "params": numbers,
    "hints": hint_list,
    "manifest": listed(".csv"),
    "parquet": listed(".parquet"),
    "shard": listed(".tar"),
    "page": page,
    "noai": robots_words,
}
