"""What the commands share: the options that several have, knobs, errors as one line, bars."""

from __future__ import annotations

import inspect
import json
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import Field, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from colorify.knobs import Knobs

if TYPE_CHECKING:
    from rich.console import Console

    from colorify.inference import Colorizer, Mix
    from colorify.pictures.credentials import Credentials

Model = Annotated[str, typer.Option(help="A released model, or the path of a checkpoint.")]
Blended = Annotated[str | None, typer.Option("--blend", help="A second model and its share: lowres:0.3.")]
Device = Annotated[
    str,
    typer.Option(help="auto, cpu, cuda, or cpu-bf16: half the time on processors with bfloat16, colors move a little."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, an object a line, instead of sentences.")]
SignKey = Annotated[Path | None, typer.Option(help="Your private key (PEM): results are signed, C2PA; extra sign.")]
SignCertificate = Annotated[
    Path | None, typer.Option(help="Its certificate, and those above it (PEM), for --sign-key.")
]
Values = dict[str, Any]
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


def emit(**facts: object) -> None:
    """One JSON object as a line on stdout; paths and what else JSON has not become text."""
    print(json.dumps(facts, default=str, ensure_ascii=False))


def load(model: str, device: str = "auto", concurrency: int = 1, blend: str | None = None) -> Colorizer | Mix:
    """A model, or two of them mixed as ``blend``, ``NAME:SHARE``, says; wrong usage for a share outside 0..1."""
    from colorify.inference import Colorizer, Mix

    first = Colorizer.load(model, device, concurrency)
    if blend is None:
        return first
    name, _, share = blend.rpartition(":")
    try:
        part = float(share)
    except ValueError:
        part = -1.0
    if not name or not 0 <= part <= 1:
        raise typer.BadParameter(f"{blend!r}: expected a model and its share, 0 to 1: lowres:0.3", param_hint="--blend")
    return Mix(first, Colorizer.load(name, device, concurrency), part)


def say(message: str) -> None:
    """One line on stderr."""
    print(f"colorify: {message}", file=sys.stderr)


@contextmanager
def plainly(facts: Values | None = None) -> Iterator[None]:
    """Errors of the user's making end as one line and status 1; with facts, of JSON, as an object of them."""
    try:
        yield
    except (ValueError, OSError) as error:  # every error of the package is a ValueError
        if modes.verbose:
            traceback.print_exc()
        if facts is None:
            say(str(error))
        else:
            emit(**facts, state="failed", reason=str(error))
        raise typer.Exit(1) from None


def with_options(name: str, options: Sequence[inspect.Parameter]) -> Callable[[Callable], Callable]:
    """Give a command more options; it gets their values, by their names, in its parameter ``name``."""

    def decorate(command: Callable) -> Callable:
        signature = inspect.signature(command, eval_str=True)

        @wraps(command)
        def wrapper(**values: object) -> None:
            given = {option.name: values.pop(option.name) for option in options}
            command(**values, **{name: given})

        own = [parameter for parameter in signature.parameters.values() if parameter.name != name]
        vars(wrapper)["__signature__"] = signature.replace(parameters=[*own, *options])
        return wrapper

    return decorate


_UNTOLD = {"Hint": object, "Reference": object, "Color": object, "Mask": object}
"""Types of knobs that no command line tells as such."""


def _option(knob: Field, kind: object) -> inspect.Parameter:
    """How the command line takes a knob."""
    told = dict(knob.metadata)
    flags = [told.pop("option")] if "option" in told else []
    return option(knob.name, told.pop("told", kind), knob.default, *flags, **told)


def knobbed(without: Collection[str] = ()) -> Callable[[Callable], Callable]:
    """Give a command an option for each field of `Knobs`; it gets their values as ``knobs``."""
    types = get_type_hints(Knobs, localns=_UNTOLD)
    named = [knob for knob in fields(Knobs) if knob.metadata and knob.name not in without]
    return with_options("knobs", [_option(knob, types[knob.name]) for knob in named])


def option(name: str, kind: Any, default: object, *flags: str, **said: Any) -> inspect.Parameter:
    """An option of a command."""
    annotation = Annotated[kind, typer.Option(*flags, **said)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


FILM = [
    option("steady", float, 1.0, min=0, max=1, help="0: each frame for itself; 1: no flicker."),
    option(
        "every",
        int,
        1,
        min=1,
        help="Run the network on every N-th frame: 4 takes a fifth less time, and colors of fast things are worse.",
    ),
    option("memory", int, 0, min=0, help="Frames of earlier shots, at most, that later ones take colors from: 8."),
    option("keep_color", bool, False, "--keep-color", help="Leave alone what is in colour."),
    option(
        "codec", str | None, None, help="libx264, libx265, libsvtav1, libvpx-vp9, ffv1, prores, dnxhr, mpeg2video, gif."
    ),
    option("quality", str, "high", help="high, small or lossless."),
    option("chroma", str | None, None, help="420, 422 or 444; default: what is usual with the codec."),
    option("deinterlace", bool, False, "--deinterlace", help="Make fields into progressive frames."),
    option("strict", bool, False, "--strict", help="What cannot be kept of a film is an error."),
    option("start", float, 0.0, min=0, help="Seconds: where to begin."),
    option("end", float | None, None, help="Seconds: where to stop."),
]
"""Options of all commands that color films, after the fields of `colorify.video.job.FilmOptions`."""


def read_knobs(values: Values, hints: Path | None = None) -> Knobs:
    """The knobs, with the hints of a CSV file."""
    if hints is None:
        return Knobs(**values)
    from colorify.hints import read

    return Knobs(**values, hints=tuple(read(hints)))


def read_credentials(key: Path | None, certificate: Path | None) -> Credentials | None:
    """What results are signed with, checked; None where nobody asks."""
    if key is None and certificate is None:
        return None
    if key is None or certificate is None:
        raise typer.BadParameter("--sign-key and --sign-certificate go together")
    from colorify.pictures.credentials import Credentials

    return Credentials.load(key, certificate)


def progress(items: list, what: str = "coloring") -> Iterator:
    """The items, with a bar on stderr when there are several."""
    if len(items) < 2:
        return iter(items)
    from rich.progress import track

    return iter(track(items, what, console=console()))
