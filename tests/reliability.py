"""What was tried to break the program, in tables: each part leaves its own, and all of them go into one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from colorify import params, report

FOLDER = params.root() / "reports" / "reliability"
Columns = Mapping[str, Sequence[int | str]]
"""By heading; the first names the rows."""


def publish(part: str, columns: Columns, found: Sequence[str]) -> None:
    """Keep the figures of a part, ``found`` being what broke, and renew ``reports/reliability.md``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = {"columns": columns, "found": found}
    (FOLDER / f"{part}.json").write_text(json.dumps(content, indent=2) + "\n")
    text = report.table(list(columns), _rows(columns)) + "".join(f"\n- {what}" for what in found)
    print(f"\n{text}")
    report.write_table(text, FOLDER, part)
    parts = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
    report.write_table(summary(parts), FOLDER.parent, FOLDER.name)


def _rows(columns: Columns) -> list[list[str]]:
    shown = ([f"{value:,}" if isinstance(value, int) else value for value in column] for column in columns.values())
    return [list(row) for row in zip(*shown, strict=True)]


def summary(parts: Mapping[str, Mapping]) -> str:
    """One table of all parts: how much was tried, how much of it went wrong, and the most memory that it took."""
    rows = [row for name, part in parts.items() for row in _SHORT[name](part["columns"], len(part["found"]))]
    return report.table(("what was tried", "how often", "losses", "crashes", "peak memory"), rows)


def _of_fuzz(columns: Columns, found: int) -> list[tuple]:
    tried = sum(columns["damaged inputs"])
    return [(f"damaged inputs, of {len(columns['reader'])} readers", f"{tried:,}", 0, found, _mib(columns))]


def _of_faults(columns: Columns, found: int) -> list[tuple]:
    kinds = {
        "killed": "kills, at random moments",
        "disk full": "full disks",
        "no permission": "folders that may not be written to",
        "checkpoint corrupted": "corrupted checkpoints",
    }
    names = ", ".join(columns["command"])
    rounds = (f"rounds of {names}: broken off, started again", f"{sum(columns['rounds']):,}", found, 0, _mib(columns))
    return [rounds, *((f"- in them: {text}", f"{sum(columns[key]):,}", "", "", "") for key, text in kinds.items())]


def _of_endurance(columns: Columns, found: int) -> list[tuple]:
    return [
        (
            f"{what} through one process",
            f"{count:,}",
            lost,
            0,
            f"{memory:,} MiB, {grown:+,} MiB in the second half",
        )
        for what, count, lost, memory, grown in zip(
            *(columns[key] for key in ("what", "how many", "lost", "peak memory, MiB", "growth, MiB")), strict=True
        )
    ]


def _mib(columns: Columns) -> str:
    return f"{max(columns['peak memory, MiB']):,} MiB"


_SHORT = {"endurance": _of_endurance, "faults": _of_faults, "fuzz": _of_fuzz}
