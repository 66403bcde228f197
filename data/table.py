"""Write the table of data/README.md from sample/manifest.csv: ``python data/table.py``."""

import csv
from pathlib import Path

HERE = Path(__file__).parent
START, END = "<!-- the table of the sample: data/table.py -->", "<!-- end -->"


def table() -> str:
    """One line a picture: its name, group and split, author, license, and the package and file that it comes from."""
    lines = ["| picture | group | used | author | license | package and version: file |", "| --- " * 6 + "|"]
    with (HERE / "sample" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            used = {"train": "to learn", "valid": "held out"}.get(row["split"], f"not: {row['refused']}")
            author, source = row["caption"].removeprefix("by "), row["page"]
            lines.append(f"| `{row['path']}` | {row['source']} | {used} | `{author}` | {row['license']} | `{source}` |")
    return "\n".join(lines)


def written(text: str) -> str:
    """The README with the table of today."""
    before, after = text.partition(START)[0], text.partition(END)[2]
    return f"{before}{START}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    readme = HERE / "README.md"
    readme.write_text(written(readme.read_text()))
