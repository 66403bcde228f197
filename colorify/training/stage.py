"""A stage of training from end to end: what ``params.yaml`` says, on the pictures that it names, into its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from colorify import params
from colorify.codec import Bits, Channels
from colorify.data.cache import DataConfig, Pictures, collected, prepare
from colorify.data.manifest import MANIFEST, DataError
from colorify.models import checkpoint
from colorify.models.checkpoint import CheckpointError
from colorify.training.classification import ClassificationConfig, classification
from colorify.training.gan import GanConfig, gan, saturate
from colorify.training.learner import MODEL_FILE, PRIOR_BITS, Run
from colorify.training.regression import RegressionConfig, regression
from colorify.training.transfer import Start, import_backbone, import_head, import_model

STAGES = {
    "regression": (RegressionConfig, regression),
    "classification": (ClassificationConfig, classification),
    "gan": (GanConfig, gan),
}


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
        inside = {key: tuple(str(root / source) for source in getattr(config, key)) for key in ("sources", "valid")}
        config = replace(config, **inside)
    else:
        home = collected(profile, file)
        if not (home / MANIFEST).exists():
            cure = f"run `colorify collect profile {home.name}`, or name pictures with --data"
            raise DataError(f"{home / MANIFEST}: no such file: {cure}")
        config = replace(config, sources=(str(home),))
    return prepare(config, root / "data" / "cache")


def train_stage(
    stage: str,
    profile: str | None = None,
    file: Path | None = None,
    sets: tuple[Pictures, Pictures] | None = None,
    out: Path | None = None,
    begin: Path | None = None,
    backbone: Path | None = None,
    numbers: Mapping[str, object] | None = None,
    **run: object,
) -> Path:
    """Train one of `STAGES` and return the path of its model.

    ``begin`` is a model whose weights to start from, ``backbone`` one whose backbone alone to take; by default the
    regression starts fresh, and the others from the profile's regression model. ``numbers`` take the place of those
    of ``params.yaml``; ``run`` goes to `Run`.
    """
    config_type, method = STAGES[stage]
    config = replace(params.load(stage, config_type, profile, file), **(numbers or {}))
    starts = _starts(stage, home("regression", profile, file) / MODEL_FILE, begin, backbone)
    if stage == "gan" and not (begin and checkpoint.load(begin).method == "gan"):
        starts.append(saturate(config.saturation))
    return method(config, *(sets or pictures(profile, file)), Run(out or home(stage, profile, file), **run), starts)


def variants(
    stage: str, key: str, values: Sequence[str], profile: str | None = None, file: Path | None = None, **rest: object
) -> dict[str, Path]:
    """Train a stage once with each of ``values`` for the number ``key``, everything else equal; value -> model.

    The value of ``params.yaml`` is the stage's own model; the others go to ``KEY-VALUE/`` beside it.
    """
    own, folder = getattr(params.load(stage, STAGES[stage][0], profile, file), key), home(stage, profile, file)
    outs = {value: folder if value == own else folder / f"{key}-{value}" for value in values}
    return {
        value: train_stage(stage, profile, file, out=out, numbers={key: value}, **rest) for value, out in outs.items()
    }


def _starts(stage: str, base: Path, begin: Path | None, backbone: Path | None) -> list[Start]:
    if stage != "regression" and begin is None and backbone is None:
        if not base.exists():
            raise CheckpointError(f"{base}: no such file: train the regression first, or name a model to start from")
        begin, backbone = (base, None) if stage == "gan" else (None, base)
    starts = []
    if begin:
        source = checkpoint.load(begin)
        starts.append(import_model(source, source.codec if stage == "classification" else Channels()))
    if backbone:
        source = checkpoint.load(backbone)
        starts.append(import_backbone(source))
        whole = source.method == "regression"  # not a bare backbone: its answer is worth a start
        if stage == "classification" and whole:
            starts.append(import_head(source, Bits(PRIOR_BITS)))
    return starts
