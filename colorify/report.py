"""The only writer of ``reports/``: numbers as JSON, tables as Markdown, pictures as WebP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    path.write_text("\n".join([",".join(("step", *names)), *lines]) + "\n")
    return _shown(path)


def slim(notebook: Path) -> None:
    """Drop what an executed notebook need not keep: papermill's times and paths, and the PNG beside each JPEG."""
    book = json.loads(Path(notebook).read_text(encoding="utf-8"))
    for part in (book, *book["cells"]):
        part["metadata"].pop("papermill", None)
    for cell in book["cells"]:
        for output in cell.get("outputs", ()):
            if "image/jpeg" in output.get("data", {}):
                output["data"].pop("image/png", None)
    Path(notebook).write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def _shown(path: Path) -> Path:
    """A path that tells nothing of the machine: an executed notebook keeps what a cell returns."""
    return Path(relative(path, Path.cwd()))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
