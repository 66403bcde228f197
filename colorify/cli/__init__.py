"""The commands; each parses, calls one function below, and turns errors into one line and an exit status."""

from __future__ import annotations

import io
import sys
import warnings

import typer

from colorify.cli import collect, film, models, pictures, train


class _App(typer.Typer):
    """The commands, on any console: what its encoding lacks is written as an escape, a name of bytes as those bytes."""

    def __call__(self, *args: object, **knobs: object) -> object:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                whole = stream.encoding.lower().replace("-", "") == "utf8"
                stream.reconfigure(errors="surrogateescape" if whole else "backslashreplace")
        return super().__call__(*args, **knobs)


app = _App(
    help="Colorize gray photographs and films; train the models that do it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_COMMANDS = pictures.image, pictures.bulk, film.video, pictures.demo, models.models, models.evaluate, models.release
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(train.app, name="train")
app.add_typer(collect.app, name="collect")
app.add_typer(train.backbone_app, name="backbone")
app.add_typer(train.export_app, name="export")


@app.callback()
def _begin() -> None:
    """What libraries think of a stranger's file is not said."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
