"""Strangers' bytes meet the decoders that SECURITY.md lists, and no other."""

import ast
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from colorify import pictures
from colorify.data import manifest
from colorify.data.manifest import Entry, Item
from colorify.pictures import FORMATS, SUFFIXES, TABLE, PictureError
from colorify.video import keyframes

PACKAGE = Path(pictures.__file__).parents[1]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n"


def opened() -> list[tuple[str, ast.Call]]:
    """Every call of ``Image.open`` in the package, and of what else decodes whatever it is given."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = f"{ast.unparse(node.func.value).split('.')[-1]}.{node.func.attr}"
                if called == "Image.open" or node.func.attr in ("imread", "imdecode", "imreadmulti", "asarray_lazy"):
                    found.append((f"{path.relative_to(PACKAGE)}:{node.lineno} {called}", node))
    return found


def test_every_call_names_its_decoders():
    found = opened()
    assert len(found) >= 8, "the walk finds nothing"
    for where, call in found:
        if where.endswith("Image.open"):
            assert any(keyword.arg == "formats" for keyword in call.keywords), where
        else:
            assert where.startswith(("pictures/png.py", "pictures/raw.py")), where


def test_security_names_the_decoders():
    text = (PACKAGE.parent / "SECURITY.md").read_text()
    for row in TABLE:
        words = {"WEBP": "WebP", "JXL": "JPEG XL"}.get(row.name, row.name)
        assert words in text


def test_all_suffixes_come_from_the_table():
    assert manifest.SUFFIXES is SUFFIXES and set(FORMATS) == SUFFIXES
    assert {".jpg", ".jpe", ".jfif", ".avif", ".heic", ".heif", ".jxl", ".dng", ".tif"} <= SUFFIXES


def many() -> dict[str, bytes]:
    """What Pillow could open, under a name that lies."""
    image, found = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)), {"EPS": EPS, "PDF": b"%PDF-1.4\n"}
    for kind in ("GIF", "ICO", "PCX", "PPM", "SGI", "TGA", "DDS", "MSP", "SPIDER", "JPEG2000"):
        file = io.BytesIO()
        image.convert("1" if kind == "MSP" else "F" if kind == "SPIDER" else "L").save(file, kind)
        found[kind] = file.getvalue()
    return found


@pytest.fixture
def forbidden(monkeypatch):
    """No Ghostscript."""

    def run(*arguments: object, **options: object) -> None:
        raise AssertionError("Ghostscript was asked")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)


@pytest.mark.parametrize("kind", many())
def test_no_other_decoder_is_asked(tmp_path, forbidden, kind):
    path = tmp_path / "a.jpg"
    path.write_bytes(many()[kind])
    with pytest.raises(PictureError, match=r"not a picture in a known format|a GIF, which is not"):
        pictures.read(path)
    entry, picture = manifest.examine(Item(Entry(str(path)), path), 1)
    assert picture is None and "not a picture in a known format" in entry.refused
    with pytest.raises(PictureError, match="not a"):
        keyframes.ab(path, (8, 8))


def test_a_damaged_file_is_asked_of_one_decoder(tmp_path):
    with pytest.raises(PictureError, match="damaged: begins as WEBP does"):
        pictures.decode(b"RIFF\0\0\0\0WEBP" + bytes(90), "a.webp")
