"""Backbones go from any model into any other: the whole U-Net but its head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colorify.codec import Bits, Channels, Codec, to_text
from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint, CheckpointError
from colorify.models.imagenet import imagenet
from colorify.models.unet import UNet

Start = Callable[[UNet], None]
"""Gives a fresh network its start values."""

PREFIX = "backbone."


def export_backbone(model: Path, out: Path) -> None:
    """Write the backbone of a trained model, with what it saw; `CheckpointError` if ``model`` cannot be read."""
    trained = checkpoint.load(model)
    checkpoint.save(replace(trained, weights=_backbone(trained), method=f"backbone of {trained.method}"), out)


def insert_backbone(backbone: Path, model: Path, out: Path) -> None:
    """Write ``model`` with another backbone, its head kept: to fine-tune from; `CheckpointError` if they do not fit.

    What the file says of training and metrics is true of neither part any more, so only the statistics stay.
    """
    target = checkpoint.load(model)
    network = target.build()
    import_backbone(checkpoint.load(backbone))(network)
    kept: dict[str, Any] = {name: target.training[name] for name in ("mean_ab", "prior") if name in target.training}
    checkpoint.save(replace(target, weights=network.state_dict(), training=kept), out)


def import_backbone(source: Checkpoint) -> Start:
    """Start values for a network: the backbone of ``source`` (a model or an exported backbone); its head stays.

    Raises `CheckpointError` naming both networks when they differ.
    """

    def start(network: UNet) -> None:
        _same_network(source, network)
        weights = {name.removeprefix(PREFIX): tensor for name, tensor in _backbone(source).items()}
        network.backbone.load_state_dict(weights)

    return start


def import_head(source: Checkpoint, codec: Bits, spread: float = 13.0) -> Start:
    """Start values for the head of a classifier: a Gaussian around what the regression ``source`` predicts.

    ``spread`` is its standard deviation in ab units, about what a regression errs by. The log of a Gaussian is linear
    in its centre, but for a term that all classes share, so a 1x1 head can hold it exactly.
    """

    if not isinstance(source.codec, Channels):
        raise CheckpointError(f"the head of a {source.method} model predicts classes: start from a regression's")
    scale = source.codec.scale

    @torch.no_grad()
    def start(network: UNet) -> None:
        centers = torch.from_numpy(codec.centers)  # (Q, 2)
        weight, bias = (source.weights[f"head.{part}"] * scale for part in ("weight", "bias"))
        network.head.weight.copy_((centers @ weight.flatten(1) / spread**2).view_as(network.head.weight))
        network.bias.copy_((centers @ bias - centers.square().sum(1) / 2) / spread**2)

    return start


def import_model(source: Checkpoint, codec: Codec) -> Start:
    """Start values for a network: all weights of ``source``, which must have the same network and ``codec``."""

    def start(network: UNet) -> None:
        _same_network(source, network)
        if source.codec != codec:
            raise CheckpointError(
                f"the {source.method} model predicts {to_text(source.codec)}, this method {to_text(codec)}:"
                " import its backbone alone, by --import-backbone"
            )
        network.load_state_dict(source.weights)

    return start


def import_imagenet(network: UNet) -> None:
    """Start values for the encoder of a network: what others learnt on ImageNet."""
    network.backbone.encoder.load_state_dict(imagenet(network.config.encoder))


def _same_network(source: Checkpoint, network: UNet) -> None:
    if source.network != network.config:
        raise CheckpointError(f"the {source.method} is of {source.network}, the network to train is {network.config}")


def _backbone(model: Checkpoint) -> dict[str, Tensor]:
    weights = {name: tensor for name, tensor in model.weights.items() if name.startswith(PREFIX)}
    if not weights:
        raise CheckpointError("the file holds no backbone")
    return weights
