"""The only writer of ``reports/``: numbers as JSON, tables as Markdown, pictures as WebP."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from colorify import params
from colorify.files import relative


def home(stage: str, profile: str | None = None) -> Path:
    """The folder of a stage: ``reports/PROFILE/STAGE``, so that a smoke run never overwrites a full one."""
    return params.root() / "reports" / (profile or params.profile()) / stage


def write_metrics(values: Mapping, folder: Path, name: str = "metrics") -> Path:
    """``NAME.json`` of a stage."""
    path = Path(folder) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8", newline="\n")
    return _shown(path)


def write_figure(picture: Image.Image, folder: Path, name: str) -> Path:
    """``figures/NAME.webp`` of a stage; charts, which have few colours, without loss."""
    path = Path(folder) / "figures" / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").save(path, lossless=picture.mode == "P", quality=80)
    return _shown(path)


def write_table(text: str, folder: Path, name: str) -> Path:
    """``NAME.md`` of a stage, from the text of a `table`."""
    path = Path(folder) / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return _shown(path)


def comparison(rows: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> str:
    """A Markdown table of the numbers ``names``, one column for each of ``rows``."""
    return table(("", *rows), [[name, *(f"{row[name]:.2f}" for row in rows.values())] for name in names])


def write_history(rows: Sequence[Mapping[str, float]], folder: Path, names: Sequence[str]) -> Path:
    """``history.csv`` of a stage, a line a validation: what ``dvc plots`` draws."""
    path = Path(folder) / "history.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(str(row[name]) for name in ("step", *names)) for row in rows]
    path.write_text("\n".join([",".join(("step", *names)), *lines]) + "\n", encoding="utf-8", newline="\n")
    return _shown(path)


def slim(notebook: Path) -> None:
    """Drop what an executed notebook need not keep: papermill's times and paths, the PNG beside each JPEG, and bytes
    that nobody sees.
    """
    book = json.loads(Path(notebook).read_text(encoding="utf-8"))
    for part in (book, *book["cells"]):
        part["metadata"].pop("papermill", None)
    for output in (output for cell in book["cells"] for output in cell.get("outputs", ())):
        data = output.get("data", {})
        if "image/jpeg" in data:
            data.pop("image/png", None)
        for kind in data.keys() & _LIGHTER.keys():
            data[kind] = _lighter(data[kind], *_LIGHTER[kind])
    Path(notebook).write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


_LIGHTER: dict[str, tuple[str, dict[str, Any]]] = {
    "image/jpeg": ("JPEG", {"quality": 45, "optimize": True}),  # photos, at their own size
    "image/png": ("PNG", {"optimize": True}),  # charts, of few colours
}


def _lighter(text: str | list[str], kind: str, options: dict) -> str:
    """A picture in base64, saved anew if that is smaller; what is no picture stays as it is."""
    text = "".join(text)
    try:
        content = base64.b64decode(text)
        with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
            saved = io.BytesIO()
            picture.save(saved, kind, **options)
    except (OSError, ValueError):
        return text
    return base64.b64encode(saved.getvalue()).decode() if saved.tell() < len(content) else text


def _shown(path: Path) -> Path:
    """A path that tells nothing of the machine: an executed notebook keeps what a cell returns."""
    return Path(relative(path, Path.cwd()))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
