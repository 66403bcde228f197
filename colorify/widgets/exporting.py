"""What leaves the studio: a picture, and a folder with all of them that the command line makes again."""

from __future__ import annotations

import csv
import io
import shlex
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from itertools import chain
from pathlib import Path

from colorify import pictures
from colorify.files import write_beside
from colorify.knobs import Knobs
from colorify.widgets.luma import Luma
from colorify.widgets.panel import COLORS, DEPTHS, HINTS, REFERENCES, Values
from colorify.widgets.session import GIVEN, Choice, Session, deeper
from colorify.widgets.shelf import History, Item

_SCRIPT = "colorify.sh"
_KEPT = "in colour: as it was opened"
_HEAD = """#!/bin/sh
# Makes everything in results/ again, from originals/ and hints/: run it in this folder, with colorify installed.
set -e
mkdir -p again
"""


@dataclass(frozen=True)
class Made:
    """A result, what it was made of, and how."""

    item: Item
    choice: Choice
    values: Values
    result: Path | None  # nothing: a film that was not coloured
    paths: Mapping[str, str] = field(default_factory=dict)  # of models that were not released, by name


def save(
    session: Session,
    luma: Luma | None,
    choice: Choice,
    values: Values,
    path: Path,
    progress: Callable[[float], None],
) -> tuple[Path, tuple[str, ...]]:
    """Colour the whole picture, and write it as the panel asks, its ``luma`` kept where that is asked.

    Returns where, as layers are not for every format, and what could not be held.
    """
    if values["keep_luma"] and luma and not isinstance(luma.found, str):
        scans, gray = luma.found
        return path, pictures.write_grafted(scans, *session.under_luma(choice, gray), path, overwrite=True)
    kept = values["keep_color"] and session.own is not None and bool(session.own.all())
    if kept and luma and _is_copied(luma.path, values):
        write_beside(path, luma.path.read_bytes())
        return path, (_KEPT,)
    depth = DEPTHS[values["depth"]] if "16" in pictures.FORMATS[values["format"]].depths else 8
    result = deeper(session.source, depth) if kept else session.full(choice, depth, progress)
    if is_beside(values):
        result = pictures.beside(deeper(session.source, depth), result)
    if values["layers"]:
        path, deep = pictures.layers.target_of(path), 8 * result.pixels.dtype.itemsize
        lost = pictures.layers.write_layers([(deeper(session.source, deep), result)], path, overwrite=True)
    else:
        lost = pictures.write(result, path, overwrite=True)
    return path, (_KEPT,) * kept + lost


def _is_copied(path: Path, values: Values) -> bool:
    """Whether a file that is in colour is itself what is asked for."""
    same = pictures.FORMATS.get(path.suffix.lower()) is pictures.FORMATS[values["format"]]
    return same and DEPTHS[values["depth"]] is None and not values["layers"] and not values["beside"]


def is_beside(values: Values) -> bool:
    """Whether gray and colour are to stand in a row; layers lie over each other."""
    return values["beside"] and not values["layers"]


def csv_of(item: Item, region: str = "") -> str:
    """Hints as the command line reads them: ``x,y,color``, or ``a,b`` where these are no colour of a screen.

    Those of a film have the ``time`` of their moment, too. ``region``: the path of the mask that they are bound to.
    """
    times = item.times() if item.film else [item.moment]
    marks = [(time, mark) for time in times for mark in item.histories.get(time, History()).now]
    plain, out = all(mark.plain for _, mark in marks), io.StringIO()
    head = ("time",) * item.film, ("x", "y", "color"), () if plain else ("a", "b"), ("region",) * bool(region)
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(chain(*head))
    for time, mark in marks:
        when = (f"{time:.3f}",) * item.film
        ab = () if plain else (f"{value:.3f}" for value in mark.ab)
        color = mark.color if mark.plain else ""
        rows.writerow((*when, f"{mark.x:g}", f"{mark.y:g}", color, *ab, *[region] * bool(region)))
    return out.getvalue()


def archive(made: Sequence[Made], out: Path) -> None:
    """Write the folder, as a ZIP file: originals, results, hints, and the commands."""
    lines = [_HEAD]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as folder:
        for one, name in zip(made, _unlike([one.item.name for one in made]), strict=True):
            original = f"originals/{name}{one.item.path.suffix}"
            folder.write(one.item.path, original)
            if one.result:
                folder.write(one.result, f"results/{name}-color{_suffix(one.result)}")
            if one.choice.knobs.hints:
                folder.writestr(f"hints/{name}.csv", csv_of(one.item, _region(one, HINTS)))
            for path in {Path(path) for value in one.values.values() if isinstance(value, list) for path in value}:
                if _guide(path) not in folder.namelist():
                    folder.write(path, _guide(path))
            lines.append(_line(one, name, original))
        script = zipfile.ZipInfo(_SCRIPT)
        script.external_attr = 0o755 << 16
        folder.writestr(script, "\n".join(lines) + "\n")


def _suffix(path: Path) -> str:
    return "".join(path.suffixes)


def _line(one: Made, name: str, original: str) -> str:
    if GIVEN in (one.choice.model, one.choice.other):
        return f"# {name}: its colours came from a notebook, so that no command makes them again"
    if (one.choice.other or "").startswith("idea ") and one.choice.blend:
        return f"# {name}: the command line blends models, not ideas, so that no command makes it again"
    suffix = _suffix(one.result) if one.result else ".mp4"
    asked = ["colorify", "video" if one.item.film else "image", original, "-o", f"again/{name}-color{suffix}"]
    return shlex.join([*asked, *arguments(one, name)])


def arguments(one: Made, name: str) -> list[str]:
    """The options of the command line for a choice."""
    choice, plain = one.choice, Knobs()
    found = ["--model", one.paths.get(choice.model, choice.model)]
    for knob in fields(Knobs):
        value = getattr(choice.knobs, knob.name)
        if "told" in knob.metadata:
            found += _guides(knob, one)
            continue
        if not knob.metadata or value == getattr(plain, knob.name):
            continue
        option = "--" + knob.name.replace("_", "-")
        if isinstance(value, bool):
            found.append(option if value else option.replace("--", "--no-", 1))
        else:
            found += [option, str(value)]
    if choice.other and choice.blend:
        found += ["--blend", f"{one.paths.get(choice.other, choice.other)}:{choice.blend:g}"]
    if choice.knobs.hints:
        found += ["--hints", f"hints/{name}.csv"]
    return found + (_film_arguments(one) if one.item.film else _picture_arguments(one))


def _picture_arguments(one: Made) -> list[str]:
    values = one.values
    switches = {name.replace("_", "-"): values[name] for name in ("keep_color", "keep_luma", "layers")}
    return _asked(switches | {"side-by-side": is_beside(values)})


def _asked(options: Mapping[str, bool]) -> list[str]:
    return [f"--{option}" for option, wanted in options.items() if wanted]


def _guides(knob: Field, one: Made) -> list[str]:
    """References, a palette, a mask: files are in the folder too."""
    given = one.values.get(knob.name) or []
    if knob.name == "mask" and one.values.get("bound", COLORS) != COLORS:
        given = []
    within = _region(one, REFERENCES) if knob.name == "references" else ""
    words = [given] if isinstance(given, str) else [_guide(Path(path)) + (within and f"@{within}") for path in given]
    return [part for word in words for part in (knob.metadata["option"], word)]


def _region(one: Made, bound: str) -> str:
    """Where the mask that limits this is in the folder; empty: none does."""
    masks = one.values.get("mask") if one.values.get("bound") == bound else None
    return _guide(Path(masks[0])) if masks else ""


def _guide(path: Path) -> str:
    """Where a reference or a mask is in the folder."""
    return f"guides/{path.parent.name}-{path.name}"


def _film_arguments(one: Made) -> list[str]:
    values = one.values
    found = ["--steady", f"{values['steady']:g}", "--every", f"{values['every']:g}"]
    if values["memory"]:
        found += ["--memory", f"{values['memory']:g}"]
    switches = {"keep-color": values["keep_color"], "deinterlace": values["deinterlace"]}
    return found + _asked(switches | {"side-by-side": values["sides"]})


def _unlike(names: Sequence[str]) -> list[str]:
    """The same names, with a number where one comes again."""
    found: list[str] = []
    for name in names:
        taken, number = name, 1
        while taken in found:
            number += 1
            taken = f"{name}-{number}"
        found.append(taken)
    return found
