"""The commands; each parses, calls one function below, and turns errors into one line and an exit status."""

from __future__ import annotations

import io
import sys
import warnings
from typing import Annotated

import typer

from colorify import extras
from colorify.cli import collect, film, models, pictures, serve, train
from colorify.cli.common import modes, say
from colorify.version import __version__


class _App(typer.Typer):
    """The commands, on any console: what its encoding lacks is written as an escape, a name of bytes as those bytes."""

    def __call__(self, *args: object, **knobs: object) -> object:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                whole = stream.encoding.lower().replace("-", "") == "utf8"
                stream.reconfigure(errors="surrogateescape" if whole else "backslashreplace")
        try:
            return super().__call__(*args, **knobs)
        except ModuleNotFoundError as error:
            if modes.verbose or not (cure := extras.explained(error, *sys.argv[1:2])):
                raise
            say(f"this command {cure}")
            sys.exit(1)


app = _App(
    help="Colorize gray photographs and films; train the models that do it.",
    epilog="Exit status: 0 all done; 1 something failed, and is named; 2 wrong usage; 130 stopped by Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for _command in (pictures.image, pictures.bulk, film.video, serve.serve, pictures.demo):
    app.command()(_command)
for _command in (models.models, models.evaluate, models.release, models.doctor):
    app.command()(_command)
app.add_typer(train.app, name="train")
app.add_typer(collect.app, name="collect")
app.add_typer(train.backbone_app, name="backbone")
app.add_typer(train.export_app, name="export")


def _version(asked: bool) -> None:
    if asked:
        print(f"colorify {__version__}")
        raise typer.Exit


@app.callback()
def _begin(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Draw no bars.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say of errors where they came from.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    modes.quiet, modes.verbose = quiet, verbose
    warnings.filterwarnings("ignore", module=r"PIL\.")
