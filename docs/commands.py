"""Writes docs/commands.md, the reference of the command line, from what the commands say of themselves.

    python docs/commands.py

`tests/test_docs.py` fails when the page is not that of the commands.
"""

import re
from pathlib import Path

import typer.cli
from typer.main import get_command

from colorify.cli import app

PAGE = Path(__file__).with_name("commands.md")
INTRO = """# The commands

What `--help` says, on one page; `python docs/commands.py` writes it. Every command ends with the status 0 when all is
done, 1 when something failed, which it names, 2 for wrong usage, and 130 after Ctrl-C.

```
colorify COMMAND --help                  # any of these
colorify --install-completion            # the shell completes commands and options
colorify -q image old-photos/ -o out/    # -q draws no bars, -v says where an error came from
```
"""


def page() -> str:
    """The page as it is to be."""
    command = get_command(app)
    context = typer.Context(command, info_name="colorify")
    text = typer.cli.get_docs_for_click(obj=command, ctx=context, name="colorify")
    text = re.sub(r"^# `colorify`\n", "", text)
    text = text.replace("&#x27;", "'").replace("&gt;", ">").replace("&lt;", "<")
    text = re.sub(r"\*\*(Usage|Arguments|Options|Commands)\*\*:", r"\1:", text).replace("```console\n$ ", "```\n")
    text = re.sub(r"^\* `--(help|install-completion|show-completion)`.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^Options:\n\n(?=\n|##|\Z)", "", text, flags=re.MULTILINE)
    return INTRO + re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
