"""Measures of colour pictures; every definition cites its source. `METRICS` has a record of each that reports give.

Pictures are sRGB 0..1 or Lab tensors ``(..., 3, H, W)``; each function returns one number a picture ``(...,)``,
unless it says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from colorify.codec import Bits, rebalancing


def mse_ab(lab: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error over both ab channels, in ab units squared."""
    return (lab[..., 1:, :, :] - truth[..., 1:, :, :]).square().mean((-3, -2, -1))


def psnr_ab(lab: Tensor, truth: Tensor) -> Tensor:
    """20 log10(255 / RMSE over both ab channels), dB."""
    return 20 * torch.log10(255 / mse_ab(lab, truth).sqrt())


def psnr(rgb: Tensor, truth: Tensor) -> Tensor:
    """10 log10(1 / MSE) on RGB in 0..1, dB."""
    return -10 * torch.log10((rgb - truth).square().mean((-3, -2, -1)))


def colorfulness(rgb: Tensor) -> Tensor:
    """Spread and strength of the opponent channels of RGB in 0..1, on the authors' 0..255 scale."""
    red, green, blue = (rgb * 255).unbind(-3)
    rg, yb = red - green, (red + green) / 2 - blue
    variances = rg.var((-2, -1), correction=0) + yb.var((-2, -1), correction=0)
    means = rg.mean((-2, -1)) ** 2 + yb.mean((-2, -1)) ** 2
    return variances.sqrt() + 0.3 * means.sqrt()


def de2000(lab: Tensor, truth: Tensor) -> Tensor:
    """Mean CIEDE2000 over the pixels."""
    return ciede2000(lab, truth).mean((-2, -1))


def ciede2000(lab: Tensor, other: Tensor) -> Tensor:
    """CIEDE2000 of every pixel ``(..., H, W)`` with kL = kC = kH = 1; names and steps as in Sharma et al. 2005."""
    (l1, a1, b1), (l2, a2, b2) = lab.unbind(-3), other.unbind(-3)
    power = ((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - torch.sqrt(power / (power + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = torch.atan2(b1, a1) % math.tau, torch.atan2(b2, a2) % math.tau
    gray = c1 * c2 == 0

    turn = h2 - h1
    turn = torch.where(turn > math.pi, turn - math.tau, torch.where(turn < -math.pi, turn + math.tau, turn))
    turn = torch.where(gray, 0.0, turn)
    delta_l, delta_c, delta_h = l2 - l1, c2 - c1, 2 * torch.sqrt(c1 * c2) * torch.sin(turn / 2)

    l, c, total = (l1 + l2) / 2, (c1 + c2) / 2, h1 + h2
    near = (h1 - h2).abs() <= math.pi
    h = torch.where(near, total, torch.where(total < math.tau, total + math.tau, total - math.tau)) / 2
    h = torch.where(gray, total, h)

    def cos(factor: int, degrees: float) -> Tensor:
        return torch.cos(factor * h + math.radians(degrees))

    t = 1 - 0.17 * cos(1, -30) + 0.24 * cos(2, 0) + 0.32 * cos(3, 6) - 0.20 * cos(4, -63)
    s_l = 1 + 0.015 * (l - 50) ** 2 / torch.sqrt(20 + (l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    power = c**7
    theta = math.radians(60) * torch.exp(-(((torch.rad2deg(h) - 275) / 25) ** 2))
    r_t = -2 * torch.sqrt(power / (power + 25**7)) * torch.sin(theta)
    l_part, c_part, h_part = delta_l / s_l, delta_c / s_c, delta_h / s_h
    return torch.sqrt((l_part**2 + c_part**2 + h_part**2 + r_t * c_part * h_part).clamp(min=0))


def auc(lab: Tensor, truth: Tensor, weights: Tensor | None = None) -> Tensor:
    """Area under the curve of pixels within an ab error of 0..150, per cent; ``weights`` ``(..., H, W)`` of pixels."""
    error = (lab - truth)[..., 1:, :, :].square().sum(-3).sqrt().clamp(max=150)
    weights = torch.ones_like(error) if weights is None else weights
    return 100 * (1 - (error * weights).sum((-2, -1)) / weights.sum((-2, -1)) / 150)


def rebalanced_auc(prior: Sequence[float]) -> Callable[[Tensor, Tensor], Tensor]:
    """`auc` with each pixel weighted by the rarity of its true class of 4+4 bits, given the training set's prior."""
    codec = Bits(4)
    weights = rebalancing(torch.tensor(prior), codec)
    return lambda lab, truth: auc(lab, truth, weights.to(truth)[codec.encode(truth[..., 1:, :, :])])


def gray_toned(lab: Tensor, truth: Tensor) -> Tensor:
    """Of the colourful pixels (true chroma over 15), the share with chroma under 5, per cent; NaN if none is."""
    chroma, true_chroma = (torch.hypot(p[..., 1, :, :], p[..., 2, :, :]) for p in (lab, truth))
    colorful = true_chroma > 15
    return 100 * (colorful & (chroma < 5)).sum((-2, -1)) / colorful.sum((-2, -1))


def bleeding(lab: Tensor, truth: Tensor) -> Tensor:
    """Mean gradient magnitude of ab over the pixels where L* of the truth is flatter than at its median pixel."""
    slope = _gradient(truth[..., :1, :, :])
    flat = slope <= slope.flatten(-2).median(-1).values[..., None, None]
    return (_gradient(lab[..., 1:, :, :]) * flat).sum((-2, -1)) / flat.sum((-2, -1))


def _gradient(planes: Tensor) -> Tensor:
    """Magnitude of the forward differences over all channels: ``(..., C, H, W)`` -> ``(..., H, W)``."""
    x = F.pad(planes.diff(dim=-1), (0, 1)).square().sum(-3)
    y = F.pad(planes.diff(dim=-2), (0, 0, 0, 1)).square().sum(-3)
    return (x + y).sqrt()


def calibration(confidence: Tensor, correct: Tensor, bins: int = 15) -> tuple[Tensor, Tensor, Tensor]:
    """Mean confidence, accuracy and share of the predictions in equal bins of confidence (Guo et al. 2017)."""
    place = (confidence * bins).long().clamp(0, bins - 1)
    count = torch.bincount(place, minlength=bins)
    mean = torch.bincount(place, confidence, bins) / count.clamp(min=1)
    accuracy = torch.bincount(place, correct.to(confidence), bins) / count.clamp(min=1)
    return mean, accuracy, count / count.sum()


def equal_shares(confidence: Tensor, correct: Tensor, bins: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """As `calibration`, in bins that hold as many predictions each: none is empty, however unsure the model is."""
    order = confidence.argsort()
    parts = [confidence[order].tensor_split(bins), correct[order].to(confidence).tensor_split(bins)]
    mean, accuracy = (torch.stack([part.mean() for part in each]) for each in parts)
    return mean, accuracy, torch.full((bins,), 1 / bins)


def below(errors: float | Tensor, reference: float | Tensor) -> float | Tensor:
    """How much smaller mean errors are than those of a reference, per cent."""
    return 100 * (1 - errors / reference)


Measure = Callable[[Tensor, Tensor], Tensor]
"""From pictures and their truth to one number a picture."""


@dataclass(frozen=True)
class Metric:
    """What reports say of a metric, and how it is measured."""

    name: str
    sentence: str
    better: Literal["lower", "higher", "near that of the truth", "near 1"]
    measure: Callable[..., Any] | None = None  # a `Measure`, or None: `colorify.evaluation` makes it from others
    sees: Literal["lab", "rgb"] = "lab"
    unit: str = ""
    over_truth: bool = False  # reports give it over that of the truth
    needs_prior: bool = False  # ``measure`` makes a `Measure` from the prior of the training set
    headline: bool = True  # it is in docs/results.md

    def of(self, prior: Sequence[float]) -> Measure:
        """The function that measures it; `ValueError` for one that is made from others."""
        if self.measure is None:
            raise ValueError(f"{self.name} is made from other metrics: choose of {', '.join(MEASURED)}")
        return self.measure(prior) if self.needs_prior else self.measure


METRICS = {
    metric.name: metric
    for metric in (
        Metric("de2000", "mean CIEDE2000 colour difference (Sharma, Wu, Dalal 2005)", "lower", de2000),
        Metric("below_gray", "ab squared error, below that of gray", "higher", unit="%"),
        Metric(
            "auc_rebalanced",
            "share of pixels near their true colour, rare colours counted as much as common ones (Zhang 2016, eq. 4)",
            "higher",
            rebalanced_auc,
            unit="%",
            needs_prior=True,
        ),
        Metric("psnr", "10 log10(1 / MSE) of RGB", "higher", psnr, "rgb", "dB"),
        Metric(
            "colorfulness",
            "spread and strength of the colours, 0 to 255 scale (Hasler and Suesstrunk 2003)",
            "near that of the truth",
            lambda rgb, truth: colorfulness(rgb),
            "rgb",
        ),
        Metric(
            "gray_toned",
            "of the pixels whose true chroma is over 15, those that came out with chroma under 5",
            "lower",
            gray_toned,
            unit="%",
        ),
        Metric(
            "bleeding",
            "gradient of ab where L* is flat, over that of the truth: colour edges where the picture has none",
            "near 1",
            bleeding,
            over_truth=True,
        ),
        Metric(
            "drift_gray",
            "mean CIEDE2000 by which colours move when the gray was made as BT.601 or BT.709 luma",
            "lower",
        ),
        Metric(
            "drift_degraded",
            "mean CIEDE2000 by which colours move when the picture is blurred, faded and grainy",
            "lower",
        ),
        Metric("mse_ab", "mean squared error of a and b, ab units squared", "lower", mse_ab, headline=False),
        Metric(
            "psnr_ab",
            "20 log10(255 / RMSE of a and b) (Deshpande 2015; Larsson 2016)",
            "higher",
            psnr_ab,
            unit="dB",
            headline=False,
        ),
        Metric(
            "auc",
            "1 - E[min(d, 150)] / 150 with d the L2 error of ab (Zhang 2016, section 3.1)",
            "higher",
            auc,
            unit="%",
            headline=False,
        ),
    )
}
"""By name, in the order of reports."""

MEASURED = {name: metric for name, metric in METRICS.items() if metric.measure}
HEADLINES = tuple(name for name, metric in METRICS.items() if metric.headline)
