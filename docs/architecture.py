"""Draws the floors of the package into docs/architecture.md, from the contract in pyproject.toml.

    python docs/architecture.py

Each floor imports from those below it alone; `make lint` holds the contract, tests/test_architecture.py this picture.
"""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
MARKS = "<!-- floors: python docs/architecture.py -->\n", "<!-- end of the floors -->\n"


def floors() -> list[list[str]]:
    """The modules and packages of each floor, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"] == "Floors import downwards only")
    return [[name.strip().removeprefix("colorify.") for name in re.split(r"[|:]", layer)] for layer in layers]


def purpose(name: str) -> str:
    """The first sentence of a module or package, without its end."""
    home = ROOT / "colorify" / name
    file = home / "__init__.py" if home.is_dir() else home.with_suffix(".py")
    first = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
    return re.split(r"[.:;](?:\s|$)", first.replace("`", "").replace('"', "'"))[0]


def picture() -> str:
    """The floors as a Mermaid diagram, and what stands outside of them."""
    lines = ["```mermaid", "flowchart TD"]
    for number, names in enumerate(floors()):
        lines.append(f'    subgraph floor{number}[" "]')
        lines += [f'        {name}["<b>{name}</b><br>{purpose(name)}"]' for name in names]
        lines.append("    end")
    lines += [f"    floor{number} --> floor{number + 1}" for number in range(len(floors()) - 1)]
    return "\n".join([*lines, "```", "", f"Outside of the floors: {', '.join(f'`{name}`' for name in outside())}."])


def outside() -> list[str]:
    """What no floor has."""
    inside = {name for names in floors() for name in names}
    found = {path.stem for path in (ROOT / "colorify").glob("*") if path.suffix == ".py" or any(path.glob("*.py"))}
    return sorted(found - inside - {"__init__", "__main__"})


def drawn(page: str) -> str:
    """The page with the floors as they are now."""
    before, rest = page.split(MARKS[0])
    return before + MARKS[0] + picture() + "\n" + MARKS[1] + rest.split(MARKS[1])[1]


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
