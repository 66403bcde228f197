"""Validation metrics as fastai shows and records them: the network beside gray and beside the mean colour.

They are taken at the size of the prediction, without the rounding to 8 bit; `colorify evaluate` has the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from fastai.learner import AvgLoss, Learner
from fastai.metrics import Metric
from torch import Tensor
from torch.nn import functional as F

from colorify import metrics
from colorify.codec import Codec
from colorify.color import render
from colorify.training import processes

Measure = Callable[[Tensor, Tensor], Tensor]
"""From Lab and true Lab ``(B, 3, H, W)`` to one number a picture ``(B,)``."""


class _Decoder:
    """The ab of a prediction, decoded once for all metrics of a batch."""

    def __init__(self, codec: Codec):
        self.codec = codec
        self.pred: Tensor | None = None

    def __call__(self, pred: Tensor) -> Tensor:
        if self.pred is not pred:
            self.pred, self.ab = pred, self.codec.decode(pred)
        return self.ab


class MeanMetric(Metric):
    """Mean of a measure over the validation pictures, for the network or for one colour everywhere."""

    def __init__(self, name: str, measure: Measure, decode: Callable[[Tensor], Tensor], constant: Tensor | None = None):
        self.label, self.measure, self.decode, self.constant = name, measure, decode, constant

    @property
    def name(self) -> str:
        return self.label

    def reset(self) -> None:
        self.total, self.count = 0.0, 0

    def accumulate(self, learn: Learner) -> None:
        luma, ab = F.avg_pool2d(learn.xb[0], 2), learn.yb[0]
        predicted = self.decode(learn.pred) if self.constant is None else _everywhere(self.constant, ab)
        self.total += float(self.measure(torch.cat((luma, predicted), 1), torch.cat((luma, ab), 1)).sum())
        self.count += len(ab)
        self.device = ab.device

    @property
    def value(self) -> float:
        total, count = processes.summed((self.total, self.count), self.device)
        return total / count


class MeanLoss(AvgLoss):
    """fastai's, over the pictures of all processes; they may have different numbers of batches."""

    def accumulate(self, learn: Learner) -> None:
        size = len(learn.yb[0])
        self.total += float(learn.loss.detach().mean()) * size
        self.count += size
        self.device = learn.loss.device

    @property
    def value(self) -> float | None:
        total, count = processes.summed((self.total, self.count), self.device)
        return total / count if count else None


class Ratio(Metric):
    """One mean over another; ``below`` turns it into per cent below."""

    def __init__(self, name: str, metric: MeanMetric, reference: MeanMetric, below: bool = False):
        self.label, self.metric, self.reference, self.below = name, metric, reference, below

    @property
    def name(self) -> str:
        return self.label

    def reset(self) -> None:
        self.metric.reset()
        self.reference.reset()

    def accumulate(self, learn: Learner) -> None:
        self.metric.accumulate(learn)
        self.reference.accumulate(learn)

    @property
    def value(self) -> float:
        value, reference = self.metric.value, max(self.reference.value, 1e-9)
        return float(metrics.below(value, reference)) if self.below else value / reference


def validation_metrics(codec: Codec, mean_ab: Sequence[float], prior: Sequence[float]) -> list[Metric]:
    """What every method prints: ab error and CIEDE2000 beside gray and mean, rare colours, and ratios to the truth."""
    decode = _Decoder(codec)
    rows = {"gray": torch.zeros(2), "mean": torch.tensor(mean_ab)}

    def mean(name: str, measure: Measure, constant: Tensor | None = None) -> MeanMetric:
        return MeanMetric(name, measure, decode, constant)

    mse = mean("mse_ab", metrics.mse_ab)
    return [
        *(Ratio(f"below_{row}", mse, mean(row, metrics.mse_ab, ab), below=True) for row, ab in rows.items()),
        mean("de2000", metrics.de2000),
        *(mean(f"de2000_{row}", metrics.de2000, ab) for row, ab in rows.items()),
        mean("auc_rebalanced", metrics.rebalanced_auc(prior)),
        Ratio("colorfulness", mean("ours", _colorfulness), mean("truth", _of_truth(_colorfulness))),
        Ratio("bleeding", mean("ours", metrics.bleeding), mean("truth", _of_truth(metrics.bleeding))),
    ]


def _colorfulness(lab: Tensor, truth: Tensor) -> Tensor:
    return metrics.colorfulness(render(lab[:, :1], lab[:, 1:]))


def _of_truth(measure: Measure) -> Measure:
    return lambda lab, truth: measure(truth, truth)


def _everywhere(color: Tensor, ab: Tensor) -> Tensor:
    return color.to(ab).view(1, 2, 1, 1).expand_as(ab)
