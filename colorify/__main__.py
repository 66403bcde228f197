"""``python -m colorify`` is the command ``colorify``."""

from colorify.cli import app

app(prog_name="colorify")
