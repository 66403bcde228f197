"""Backbones go from any model into any other: the whole U-Net but its head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint, CheckpointError
from colorify.models.unet import UNet

PREFIX = "backbone."


def export_backbone(model: Path, out: Path) -> None:
    """Write the backbone of a trained model, with what it saw; `CheckpointError` if ``model`` cannot be read."""
    trained = checkpoint.load(model)
    checkpoint.save(replace(trained, weights=_backbone(trained), method=f"backbone of {trained.method}"), out)


def import_backbone(source: Checkpoint | None) -> Callable[[UNet], None]:
    """Start values for a network: the backbone of ``source`` (a model or an exported backbone), its head fresh.

    Raises `CheckpointError` naming both networks when they differ.
    """

    def start(network: UNet) -> None:
        if source is None:
            return
        if source.network != network.config:
            raise CheckpointError(f"the backbone is of {source.network}, the network to train is {network.config}")
        network.backbone.load_state_dict({name.removeprefix(PREFIX): t for name, t in _backbone(source).items()})

    return start


def _backbone(model: Checkpoint) -> dict[str, Tensor]:
    weights = {name: tensor for name, tensor in model.weights.items() if name.startswith(PREFIX)}
    if not weights:
        raise CheckpointError("the file holds no backbone")
    return weights
