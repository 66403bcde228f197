"""What `make bench` found, in one table with the floor beside each figure: ``reports/benchmarks/README.md``.

    python benchmarks/summary.py

The floor of a task is what it cannot do without: the network alone, decoding and encoding alone, another program.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import ms, two

from colorify import params, report

NAMES = ("inference", "networks", "video", "training", "scale", "collect", "studio", "growth")
Found = dict[str, dict[str, Any]]
"""The reports by name; of each its tables by title."""
Row = tuple[str, str, str, float, str]
"""What, measured, its floor, how many times as long, and the report."""


def read(folder: Path) -> Found:
    """All reports."""
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES}


def table(found: Found, name: str, title: str) -> list[dict[str, Any]]:
    """The one whose title begins so."""
    (rows,) = (rows for key, rows in found[name].items() if key.startswith(title))
    return rows


def photos(found: Found) -> Iterator[Row]:
    """One, a folder, the command, the network."""
    by_size = {row["picture"]: row for row in table(found, "inference", "One photo")}
    one, large = by_size["1 MP"], by_size["12 MP"]
    yield (
        "a photo of 1 megapixel",
        ms(one["whole"]),
        f"the network, {ms(one['bare'])}",
        one["whole / bare"],
        "inference",
    )
    files = large["bare"] + large["decode + encode"]
    whole = large["whole"] + large["decode + encode"]
    yield (
        "12 megapixels, from file to file",
        ms(whole),
        f"network, decode, encode, {ms(files)}",
        whole / files,
        "inference",
    )
    folder, _, network, *_ = table(found, "inference", "A folder")
    rates = (f"{row['pictures a second']:.1f} a second" for row in (folder, network))
    yield (
        "a folder of 1 megapixel each",
        next(rates),
        f"the network, {next(rates)}",
        folder["time / max(network, files)"],
        "inference",
    )
    (start,) = table(found, "inference", "Cold start")
    command, floor = start["colorify image, 1 MP JPEG"], start["import torch"] + start["the work, warm"]
    yield "the command, cold", ms(command), f"import torch, the work, {ms(floor)}", command / floor, "inference"
    (taken,) = (row for row in table(found, "inference", "The network") if "taken" in row["backend"])
    floor = taken["time"] * taken["of that rate"]
    yield (
        "the network, both looks",
        ms(taken["time"]),
        f"as many products of matrices, {ms(floor)}",
        1 / taken["of that rate"],
        "inference",
    )


def films(found: Found) -> Iterator[Row]:
    """Every frame and every fourth, at each height."""
    for title, rows in found["video"].items():
        if "lines, " in title and title[0].isdigit():
            alone, *ways = rows
            for row in ways:
                floor = f"decode, encode, {alone['frames/s']:.1f} a second"
                what = f"a film of {title.split()[0]} lines, {row['']}"
                yield what, f"{row['frames/s']:.1f} a second", floor, alone["frames/s"] / row["frames/s"], "video"


def others(found: Found) -> Iterator[Row]:
    """Training and collecting."""
    (row,) = table(found, "training", next(title for title in found["training"] if "batch 16" in title))
    ours, plain = row["colorify"], row["plain fastai, samples a second"]
    yield "training", f"{ours:.0f} samples a second", f"a plain fastai loop, {plain:.0f}", 1 / row["ratio"], "training"
    for title, what in (("A crawl", "a crawl"), ("Normalizing", "normalizing what was found")):
        rows = table(found, "collect", title)
        floor = next(row for row in rows if row["time"] == 1)
        rate = f"{rows[0]['pictures a second']:.0f} a second"
        yield what, rate, f"{floor['']}, {floor['pictures a second']:.0f}", rows[0]["time"], "collect"


def peers(found: Found) -> Iterator[Row]:
    """A photo by the networks of others: ours is the floor."""
    ours, *rows = table(found, "networks", "A square photo")
    for row in rows:
        yield (
            f"a photo by {row['network']}",
            ms(row["photo"]),
            f"ours, {ms(ours['photo'])}",
            row["over ours"],
            "networks",
        )


def growth(found: Found) -> Iterator[Row]:
    """The largest beside the one of a tenth of its size: 1 is in proportion."""
    units = {"One picture": ("megapixels", "ms a megapixel"), "A folder": ("files", "ms a file")}
    for title, (size, unit) in (units | {"A film": ("seconds of film", "ms a frame")}).items():
        *_, smaller, largest = (row for row in table(found, "growth", title))
        smaller = next(row for row in table(found, "growth", title) if row[size] >= largest[size] / 10)
        what = f"{largest[size]:,} {size}"
        yield (
            what,
            f"{largest[unit]:.1f} {unit}",
            f"{smaller[size]:,}, {smaller[unit]:.1f}",
            largest[unit] / smaller[unit],
            "growth",
        )


def text(found: Found) -> str:
    """The page."""
    rows = [row for part in (photos, films, others, peers, growth) for row in part(found)]
    columns = ["what", "measured", "its floor", "over the floor", "report"]
    cells = [[what, measured, floor, two(ratio), f"`{name}.md`"] for what, measured, floor, ratio, name in rows]
    about = next(iter(found.values()))["machine"]
    commits = sorted({str(tables["machine"]["commit"]) for tables in found.values()})
    machine = f"{about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}"
    longest = table(found, "growth", "A film")[-1]["seconds of film"]
    return (
        f"# Speed, in one table\n\nMade by `make bench FILM={longest}`; the machine is shared, read the ratios.\n\n"
        f"{report.table(columns, cells)}\n\n{machine}; commit {', '.join(commits)}.\n"
    )


def main() -> None:
    folder = params.root() / "reports" / "benchmarks"
    page = text(read(folder))
    (folder / "README.md").write_text(page)
    print(page, file=sys.stderr)


if __name__ == "__main__":
    main()
