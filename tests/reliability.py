"""What was tried to break the program, in tables: each part leaves its own, and all of them go into one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from colorify import params, report

FOLDER = params.root() / "reports" / "reliability"
Row = Mapping[str, int | str]
"""By heading; the first names it."""


def publish(part: str, rows: Sequence[Row], found: Sequence[str]) -> None:
    """Keep rows of a part in the place of older ones of these names, and renew ``reports/reliability.md``.

    ``found`` is what broke; it begins with the name of its row.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{part}.json"
    before = json.loads(path.read_text()) if path.exists() else {"rows": [], "found": []}
    names = {_name(row) for row in rows}
    kept = [row for row in before["rows"] if _name(row) not in names]
    found = [*(what for what in before["found"] if what.partition(":")[0] not in names), *found]
    rows = sorted([*kept, *rows], key=_name)
    path.write_text(json.dumps({"rows": rows, "found": found}, indent=2) + "\n")
    cells = [[f"{value:,}" if isinstance(value, int) else value for value in row.values()] for row in rows]
    text = report.table(list(rows[0]), cells) + "".join(f"\n- {what}" for what in found)
    print(f"\n{text}")
    report.write_table(text, FOLDER, part)
    parts = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
    report.write_table(summary(parts), FOLDER.parent, FOLDER.name)


def _name(row: Row) -> str:
    return str(next(iter(row.values())))


def summary(parts: Mapping[str, Mapping]) -> str:
    """One table of all parts: how much was tried, how much of it went wrong, and the most memory that it took.

    Empty is what a part does not count: damaged inputs lose nothing, and a long run that crashes leaves no row.
    """
    rows = [row for name, part in parts.items() for row in _SHORT[name](part["rows"], part["found"])]
    return report.table(("what was tried", "how often", "losses", "crashes", "peak memory"), rows)


def _of_fuzz(rows: Sequence[Row], found: Sequence[str]) -> list[tuple]:
    return [(f"damaged inputs, of {len(rows)} readers", _sum(rows, "damaged inputs"), "", len(found), _mib(rows))]


def _of_faults(rows: Sequence[Row], found: Sequence[str]) -> list[tuple]:
    kinds = {
        "killed": "kills, at random moments",
        "disk full": "full disks",
        "no permission": "folders that may not be written to",
        "checkpoint corrupted": "corrupted checkpoints",
    }
    names = ", ".join(_name(row) for row in rows)
    crashes = sum(": traceback: " in what for what in found)
    rounds = f"rounds of {names}: broken off, started again"
    first = (rounds, _sum(rows, "rounds"), len(found) - crashes, crashes, _mib(rows))
    return [first, *((f"- in them: {text}", _sum(rows, key), "", "", "") for key, text in kinds.items())]


def _of_endurance(rows: Sequence[Row], found: Sequence[str]) -> list[tuple]:
    return [
        (
            f"{row['what']} through one process",
            f"{row['how many']:,}",
            row["lost"],
            "",
            f"{row['peak memory, MiB']:,} MiB, {row['growth, MiB']:+,} MiB in the second half",
        )
        for row in rows
    ]


def _sum(rows: Sequence[Row], key: str) -> str:
    return f"{sum(row[key] for row in rows):,}"


def _mib(rows: Sequence[Row]) -> str:
    return f"{max(row['peak memory, MiB'] for row in rows):,} MiB"


def _of_soak(rows: Sequence[Row], found: Sequence[str]) -> list[tuple]:
    names = ", ".join(_name(row) for row in rows)
    return [(f"fresh processes of {names}, 30 s each at most", _sum(rows, "fresh processes"), "", len(found), "")]


_SHORT = {"endurance": _of_endurance, "faults": _of_faults, "fuzz": _of_fuzz, "soak": _of_soak}
