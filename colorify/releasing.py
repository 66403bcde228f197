"""Releasing a trained model: the network size, the metrics and the model card that its file carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
import yaml
from PIL import Image
from torch import Tensor

from colorify import evaluation, report
from colorify.codec import Bits, Channels, rebalancing
from colorify.evaluation import Summary, as_table
from colorify.inference import Colorizer
from colorify.metrics import HEADLINES
from colorify.models import checkpoint, released
from colorify.models.checkpoint import Checkpoint

_BASES = {f"efficientnet_lite{n}": f"timm/tf_efficientnet_lite{n}.in1k" for n in (0, 2)}
"""Encoder -> whose ImageNet weights it starts from (`colorify.models.imagenet`), by the name that hubs know them by."""


@dataclass(frozen=True)
class Changes:
    """What is done to a model before it is released."""

    start: Path | None = None  # of `averaged`: the model that the training started from
    start_before: Path | None = None  # of `moved`: `start` as it was then, when it has learnt more since
    share: float = 0.0  # of `averaged`
    logit_adjustment: float = 0.0  # of `adjusted`
    saturation: float = 1.0  # of `saturated`

    def made(self, model: Checkpoint) -> Checkpoint:
        """The model so changed."""
        start = checkpoint.load(self.start) if self.start else None
        if start and self.start_before:
            model = moved(model, checkpoint.load(self.start_before), start)
        model = averaged(model, start, self.share) if start else model
        model = adjusted(model, self.logit_adjustment) if self.logit_adjustment else model
        return saturated(model, self.saturation) if self.saturation != 1 else model


def release(
    model: Path,
    out: Path,
    truths: Sequence[Image.Image],
    sizes: Sequence[int],
    note: str = "",
    changes: Changes = Changes(),
) -> Summary:
    """Store a trained model as float16 at ``out``, with the network size of the lowest ab error, and its metrics.

    The metrics are those of the stored weights at the chosen size.
    """
    trained = changes.made(checkpoint.load(model))
    colorizer = Colorizer(trained)
    tried: evaluation.Rows = {str(size): partial(colorizer, size=size) for size in sizes}
    trial = evaluation.score(tried, truths, trained.training["prior"], names=["mse_ab"])
    errors = {size: trial[str(size)]["mse_ab"].mean() for size in sizes}
    best = min(errors, key=lambda size: errors[size])
    by_size = {str(size): round(float(error), 3) for size, error in errors.items()}
    training = trained.training | {"size": best, "mse_ab_by_size": by_size, "note": note}
    checkpoint.save(replace(trained, training=training), out, torch.float16)
    result = evaluation.summary(evaluation.evaluate({out.stem: Colorizer.load(out)}, truths))
    checkpoint.save(replace(checkpoint.load(out), training=training | {"metrics": result}), out, torch.float16)
    return result


def averaged(model: Checkpoint, start: Checkpoint, share: float) -> Checkpoint:
    """Take a ``share`` (0..1) of every weight from the model that the training started from.

    What a fine-tuning gains and what it loses both fade, and not alike (Wortsman et al. 2022, Robust fine-tuning of
    zero-shot models). A GAN started from a regression made more saturated: so is ``start``. ValueError when the two
    are not of one network and codec.
    """
    began = _as_begun(model, start)
    weights = {name: tensor.lerp(began[name], share) for name, tensor in _learnt(model)}
    return replace(model, weights=model.weights | weights, training=model.training | {"start_share": share})


def moved(model: Checkpoint, before: Checkpoint, after: Checkpoint) -> Checkpoint:
    """Add to a model what the one that it started from, ``before``, has learnt since, and is now: ``after``.

    The differences of weights that fine-tunings of one model make can be added (Ilharco et al. 2023, Editing models
    with task arithmetic). A GAN's start is made more saturated, as in `averaged`; ValueError as there.
    """
    old, new = _as_begun(model, before), _as_begun(model, after)
    weights = {name: tensor + new[name] - old[name] for name, tensor in _learnt(model)}
    return replace(model, weights=model.weights | weights, training=model.training | {"moved": True})


def _learnt(model: Checkpoint) -> list[tuple[str, Tensor]]:
    return [(name, tensor) for name, tensor in model.weights.items() if tensor.is_floating_point()]


def _as_begun(model: Checkpoint, start: Checkpoint) -> Mapping[str, Tensor]:
    """The weights that the training of ``model`` began with, if it was from ``start``."""
    if (model.network, model.codec) != (start.network, start.codec):
        raise ValueError(f"the {model.method} and the {start.method} are not of one network: no mean of their weights")
    if model.method == "gan" and start.method != "gan":
        start = saturated(start, model.training["config"]["saturation"])
    return start.weights


def adjusted(model: Checkpoint, share: float) -> Checkpoint:
    """Take back a share (0..1) of what the class weights of its training did to a classifier.

    A network that learnt with weights w answers p * w; a share of log w is taken from its logits (Menon et al. 2021,
    Long-tail learning via logit adjustment). ValueError for a model that learnt without such weights.
    """
    config = model.training.get("config", {})
    if config.get("weighting") != "rebalanced" or not isinstance(model.codec, Bits):
        raise ValueError(f"a {model.method} model without rebalanced classes has nothing to take back")
    weights = rebalancing(torch.tensor(model.training["prior"]), model.codec, config["rebalance"])
    bias = model.weights["head.bias"] - share * weights.log()
    training = model.training | {"logit_adjustment": share}
    return replace(model, weights=model.weights | {"head.bias": bias}, training=training)


def saturated(model: Checkpoint, factor: float) -> Checkpoint:
    """Multiply the colours that a model of two channels predicts, once more if it was; ValueError for a classifier."""
    if not isinstance(model.codec, Channels):
        raise ValueError(f"the colours of a {model.method} model are those of its classes: it cannot be saturated")
    head = {name: model.weights[name] * factor for name in ("head.weight", "head.bias")}
    training = {**model.training, "saturation": round(model.training.get("saturation", 1) * factor, 3)}
    if training["saturation"] == 1:
        del training["saturation"]
    return replace(model, weights=model.weights | head, training=training)


def card(model: Checkpoint, name: str) -> str:
    """The model card of a released model, from what its file says of itself."""
    training, config = model.training, model.training["config"]
    parameters = sum(tensor.numel() for tensor in model.weights.values() if tensor.is_floating_point()) / 1e6
    table = report.table(("network size", "mean ab squared error"), list(training["mse_ab_by_size"].items()))
    sizes = f", chosen by the ab error at full size.\n\n{table}" if len(training["mse_ab_by_size"]) > 1 else "."
    changes = {
        "moved": "\nWhat the model that the training started from had learnt since was added.\n",
        "start_share": "\nOf every weight, a share of {} is that of the model that the training started from.\n",
        "logit_adjustment": "\nOf the class weights' effect, a share of {} was taken back after training.\n",
        "saturation": "\nThe predicted chroma was multiplied by {} after training.\n",
    }
    changed = "".join(text.format(training[key]) for key, text in changes.items() if key in training)
    return f"""{front_matter(model, name)}
# {name}

{training["note"]}

Method {model.method}, {config["network"]["encoder"]} encoder, decoder {tuple(config["network"]["decoder"])},
{parameters:.1f} M numbers stored as float16. Trained for {training["step"]:,} steps of {config["batch"]} pictures:
{training["samples"]:,} samples of {training["pictures"]:,} pictures, at sides of
{", ".join(f"{side} px" for _, side in config["sizes"])}.

## Intended use

Gray photographs and films that are looked at: family pictures, archives, studies of colorization. The colours are
guesses, not history: say so where the results are shown, and do not use them as evidence of what something looked like.
To fine-tune for pictures of one kind: `colorify train {model.method} --from {name} --data FOLDER`.

## Failures

The free samples on which it errs most: truth above, answer below, with their mean CIEDE2000.

![the worst three samples](../../docs/failures-{name}.jpg)

## Measured

On held-out photos, short side 256, evaluated at full size; 95 % bootstrap intervals over pictures in brackets.
`below_gray` and `below_mean`: mean ab squared error, per cent below that row's; `de2000_below_...` and
`auc_rebalanced_above_...`: paired differences. `drift_gray` and `drift_degraded`: mean CIEDE2000 by which colours move
when the gray was made by BT.601 or BT.709 instead of L*, or is blurred, faded and grainy.

{as_table(training["metrics"])}

Short side of the picture that the network sees: {training["size"]} px{sizes}
{changed}"""


def front_matter(model: Checkpoint, name: str) -> str:
    """The facts of a card that hubs read, as YAML between dashes: license, tags, base model, metrics."""
    measured, encoder = model.training["metrics"][name], model.network.encoder
    results = [{"type": metric, "value": round(measured[metric]["value"], 2)} for metric in HEADLINES]
    dataset = {"name": "held-out photos, short side 256", "type": "colorify"}
    task = {"type": "image-to-image", "name": "colorization"}
    facts = {
        "license": "mit",
        "library_name": "colorify",
        "pipeline_tag": "image-to-image",
        "tags": ["colorization", "grayscale", "u-net", model.method, encoder],
        **({"base_model": _BASES[encoder]} if encoder in _BASES else {}),
        "metrics": list(HEADLINES),
        "model-index": [{"name": name, "results": [{"task": task, "dataset": dataset, "metrics": results}]}],
    }
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n"


def released_results() -> str:
    """What the files of the released models say that they reached, as a table."""
    result: Summary = {}
    for path in released.models().values():
        result |= released.described(path).training["metrics"]
    order = ("gray", "mean", *released.models(), "truth")
    return as_table({name: result[name] for name in order}, HEADLINES)
