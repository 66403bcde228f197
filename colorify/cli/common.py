"""What the commands share: the options that several have, knobs, errors as one line, bars."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import Field, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from colorify.knobs import Knobs

if TYPE_CHECKING:
    from rich.console import Console

Model = Annotated[str, typer.Option(help="A released model, or the path of a checkpoint.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Values = dict[str, object]
"""Those of the knobs, by name; see `knobbed`."""


@dataclass
class Modes:
    """What was asked of all commands."""

    quiet: bool = False  # no bars
    verbose: bool = False  # tracebacks


modes = Modes()


def console() -> Console:
    """Where bars are drawn: stderr, or nowhere."""
    from rich.console import Console

    return Console(stderr=True, quiet=modes.quiet)


def say(message: str) -> None:
    """One line on stderr."""
    print(f"colorify: {message}", file=sys.stderr)


@contextmanager
def plainly() -> Iterator[None]:
    """Errors of the user's making end as one line and status 1."""
    try:
        yield
    except (ValueError, OSError) as error:  # every error of the package is a ValueError
        if modes.verbose:
            traceback.print_exc()
        say(str(error))
        raise typer.Exit(1) from None


def knobbed(without: Collection[str] = ()) -> Callable[[Callable], Callable]:
    """Give a command an option for each field of `Knobs`; it gets their values as ``knobs``."""

    def decorate(command: Callable) -> Callable:
        signature, types = inspect.signature(command, eval_str=True), get_type_hints(Knobs, localns=_UNTOLD)
        named = {knob.name: knob for knob in fields(Knobs) if knob.metadata and knob.name not in without}

        @wraps(command)
        def wrapper(**values: object) -> None:
            knobs = {name: values.pop(name) for name in named}
            command(**values, knobs=knobs)

        own = [parameter for parameter in signature.parameters.values() if parameter.name != "knobs"]
        options = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=knob.default, annotation=_option(knob, types[name])
            )
            for name, knob in named.items()
        ]
        wrapper.__signature__ = signature.replace(parameters=[*own, *options])
        return wrapper

    return decorate


_UNTOLD = {"Hint": object, "Reference": object, "Color": object, "Mask": object}
"""Types of knobs that no command line tells as such."""


def _option(knob: Field, kind: object) -> object:
    """How the command line takes a knob."""
    told = dict(knob.metadata)
    names = [told.pop("option")] if "option" in told else []
    return Annotated[told.pop("told", kind), typer.Option(*names, **told)]


def read_knobs(values: Values, hints: Path | None = None) -> Knobs:
    """The knobs, with the hints of a CSV file."""
    if hints is None:
        return Knobs(**values)
    from colorify.hints import read

    return Knobs(**values, hints=read(hints))


def progress(items: list, what: str = "coloring") -> Iterator:
    """The items, with a bar on stderr when there are several."""
    if len(items) < 2:
        return iter(items)
    from rich.progress import track

    return iter(track(items, what, console=console()))
