"""The commands that train models and carry their weights on."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from colorify.cli.common import Device, Json, Values, emit, plainly
from colorify.methods import registry

app = typer.Typer(help="Train a model; the same command goes on after a stop or a kill.", no_args_is_help=True)
backbone_app = typer.Typer(help="Move the trained U-Net between methods.", no_args_is_help=True)
export_app = typer.Typer(help="Write a model for other programs to run.", no_args_is_help=True)


Profile = Annotated[str | None, typer.Option(help="A profile of params.yaml; default: the one it names.")]
Params = Annotated[Path | None, typer.Option(help="Another params.yaml.")]
Data = Annotated[list[str] | None, typer.Option(help="Folders or tar shards instead of the profile's.")]
Valid = Annotated[list[str] | None, typer.Option(help="The same for validation; default: a share of the data.")]
Out = Annotated[Path | None, typer.Option(help="A folder; default: checkpoints/PROFILE/METHOD.")]
From = Annotated[str | None, typer.Option("--from", help="A model whose weights to start from.")]
Backbone = Annotated[str | None, typer.Option("--import-backbone", help="A model whose backbone to start from.")]
Minutes = Annotated[float | None, typer.Option(help="Stop after so long; the same command goes on.")]
Restart = Annotated[bool, typer.Option("--restart", help="Forget the checkpoint.")]
Compile = Annotated[bool, typer.Option("--compile", help="Compile the network first: pays on a GPU.")]


def _train_command(name: str, text: str) -> None:
    """Add ``colorify train NAME``."""

    def command(
        profile: Profile = None,
        data: Data = None,
        valid: Valid = None,
        out: Out = None,
        params: Params = None,
        begin: From = None,
        backbone: Backbone = None,
        minutes: Minutes = None,
        restart: Restart = False,
        compile: Compile = False,
        json: Json = False,
        device: Device = "auto",
    ) -> None:
        facts = {"method": name} if json else None
        with plainly(facts):
            from colorify import params as numbers
            from colorify.models import released
            from colorify.models.checkpoint import find_device
            from colorify.training import processes
            from colorify.training.stage import pictures, train_stage

            first, base = (released.find(name) if name else None for name in (begin, backbone))
            with processes.joined(str(find_device(device))) as mine:
                if processes.first() and not json:
                    print(f"by the numbers of {profile or numbers.profile(params)} in {params or numbers.find()}")
                with redirect_stdout(sys.stderr) if json else nullcontext():  # what is found, and fastai's losses
                    with processes.in_turn():
                        sets = pictures(profile, params, data or (), valid or ())
                    rest: dict[str, Any] = {"out": out, "stop_minutes": minutes, "restart": restart, "compile": compile}
                    written = train_stage(
                        registry.method(name), profile, params, sets, first, base, device=mine, **rest
                    )
                if processes.first():
                    _told(written, facts)

    app.command(name, help=text)(command)


def _told(written: Path, facts: Values | None) -> None:
    """Say which model was written, or how far its training is: a sentence, or with facts JSON."""
    from colorify.models import released
    from colorify.training.config import STATE_FILE

    text, state, reached = str(written), "done", {}
    if written.name == STATE_FILE:
        training = released.described(written).training
        step, steps = training["step"], training["config"]["steps"]
        text = f"{written}: step {step:,} of {steps:,}, {step / steps:.0%}: the same command goes on"
        state, reached = "stopped", {"step": step, "steps": steps}
    if facts is None:
        print(text)
    else:
        emit(**facts, target=written, state=state, reason="", **reached)


for _name, _text in registry.METHODS.items():
    _train_command(_name, _text)


@backbone_app.command("export")
def export_backbone(
    model: Annotated[str, typer.Argument(help="A released model, or the path of a checkpoint.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .safetensors file.")],
) -> None:
    """Write the backbone of a model: the whole U-Net but its head."""
    with plainly():
        from colorify.models import released
        from colorify.training.transfer import export_backbone

        export_backbone(released.find(model), out)
    print(out)


@backbone_app.command("import")
def import_backbone(
    backbone: Annotated[str, typer.Argument(help="An exported backbone, or a model to take it from.")],
    model: Annotated[str, typer.Argument(help="The model of any method that gets it, and keeps its own head.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .safetensors file, to fine-tune with train --from.")],
) -> None:
    """Put a backbone into a model. To train from a backbone, `colorify train METHOD --import-backbone` is enough."""
    with plainly():
        from colorify.models import released
        from colorify.training.transfer import insert_backbone

        insert_backbone(released.find(backbone), released.find(model), out)
    print(out)


@export_app.command("onnx")
def export_onnx(
    model: Annotated[str, typer.Argument(help="A released model, or the path of a checkpoint.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="An .onnx file; default: small, beside MODEL.")
    ] = None,
) -> None:
    """Write a model as an ONNX file, for pictures of any size; it is checked against torch.

    A .safetensors file with its .onnx file of the same name beside it runs by that on the CPU: faster. Without -o that
    file is written: it takes the weights out of the .safetensors file, so the two stay together and keep their names.
    """
    with plainly():
        from colorify.models import onnx, released

        out = onnx.export(released.find(model), out)
    print(out)
