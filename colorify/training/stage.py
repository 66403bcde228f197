"""A stage of training from end to end: what ``params.yaml`` says, on the pictures that it names, into its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from colorify import params
from colorify.data.cache import DataConfig, Pictures, collected, prepare
from colorify.data.manifest import MANIFEST, DataError
from colorify.models import checkpoint
from colorify.models.checkpoint import CheckpointError
from colorify.training.config import MODEL_FILE, Run, TrainConfig
from colorify.training.method import Method
from colorify.training.transfer import Start, import_backbone, import_model


def home(stage: str, profile: str | None = None, file: Path | None = None) -> Path:
    """Where a stage keeps its checkpoint, model and grids."""
    return params.root(file) / "checkpoints" / (profile or params.profile(file)) / stage


def pictures(
    profile: str | None = None, file: Path | None = None, data: Sequence[str] = (), valid: Sequence[str] = ()
) -> tuple[Pictures, Pictures]:
    """The train and valid pictures of a profile, or of ``data`` and ``valid`` instead."""
    config, root = params.load("data", DataConfig, profile, file), params.root(file)
    if data:
        config = replace(config, sources=tuple(data), valid=tuple(valid))
    elif config.sources:
        inside: dict[str, Any] = {
            key: tuple(str(root / source) for source in getattr(config, key)) for key in ("sources", "valid")
        }
        config = replace(config, **inside)
    else:
        home = collected(profile, file)
        if not (home / MANIFEST).exists():
            cure = f"run `colorify collect profile {home.name}`, or name pictures with --data"
            raise DataError(f"{home / MANIFEST}: no such file: {cure}")
        config = replace(config, sources=(str(home),))
    return prepare(config, root / "data" / "cache")


def train_stage(
    method: Method,
    profile: str | None = None,
    file: Path | None = None,
    sets: tuple[Pictures, Pictures] | None = None,
    begin: Path | None = None,
    backbone: Path | None = None,
    numbers: Mapping[str, Any] | None = None,
    **run: Any,
) -> Path:
    """Train by a method as ``params.yaml`` says, and return the path of its model.

    ``begin`` is a model whose weights to start from, ``backbone`` one whose backbone alone to take; by default the
    profile's model of the method's base. ``numbers`` take the place of those of ``params.yaml``; ``run`` goes to `Run`.
    """
    config = replace(params.load(method.name, method.config, profile, file), **(numbers or {}))
    if method.base and begin is None and backbone is None:
        base = home(method.base, profile, file) / MODEL_FILE
        if not base.exists():
            raise CheckpointError(f"{base}: no such file: train the {method.base} first, or name a model to start from")
        begin, backbone = (base, None) if method.takes == "model" else (None, base)
    starts = _starts(method, config, begin, backbone)
    pair = sets or pictures(profile, file)
    run["out"] = run.get("out") or home(method.name, profile, file)
    return method.train(config, *pair, Run(**run), starts)


def variants(
    method: Method,
    key: str,
    values: Sequence[str],
    profile: str | None = None,
    file: Path | None = None,
    **rest: Any,
) -> dict[str, Path]:
    """Train by a method once with each of ``values`` for the number ``key``, everything else equal; value -> model.

    The value of ``params.yaml`` is the stage's own model; the others go to ``KEY-VALUE/`` beside it.
    """
    own = getattr(params.load(method.name, method.config, profile, file), key)
    folder = home(method.name, profile, file)
    outs = {value: folder if value == own else folder / f"{key}-{value}" for value in values}
    return {
        value: train_stage(method, profile, file, out=out, numbers={key: value}, **rest) for value, out in outs.items()
    }


def _starts(method: Method, config: TrainConfig, begin: Path | None, backbone: Path | None) -> list[Start]:
    """What the files give, in order, and what the method makes of it."""
    starts, source = [], None
    for path, give in ((begin, lambda model: import_model(model, method.codec)), (backbone, import_backbone)):
        if path:
            source = checkpoint.load(path)
            starts.append(give(source))
    return starts + method.prepare(config, source, bool(begin) and not backbone)
