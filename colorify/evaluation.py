"""How good a model is, beside gray and beside the mean colour, with bootstrap intervals over pictures."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorify import metrics, pictures, report
from colorify.codec import Bits, Channels, to_text
from colorify.color import GRAYS, luma_to_gray, rgb_to_lab, rgb_to_luma, to_planes, to_rgb
from colorify.data import degradation, manifest
from colorify.hints import Hint
from colorify.inference import Colorizer
from colorify.laying import apply_chroma
from colorify.network_input import small_luma

BASELINES = ("gray", "mean")
DRIFTS = ("drift_gray", "drift_degraded")
_RESAMPLES = 2000
_SMALL_GROUP = 10

Rows = dict[str, Callable[[np.ndarray], Any]]
"""What recolours a picture, uint8 both, by the name of its row."""

Scores = dict[str, dict[str, np.ndarray]]
"""Row (model or baseline) -> metric -> one number a picture."""

Summary = dict[str, dict[str, dict[str, float]]]
"""Row -> metric -> ``value`` and its 95 % interval, ``low`` and ``high``."""


def photos(source: Path, side: int = 256, limit: int | None = None) -> Iterator[tuple[str, Image.Image]]:
    """Path and picture of the colour pictures of a folder or tar; gray and broken ones are left out.

    Those with a short side over ``side`` pixels are shrunk to it.
    """
    examined = (manifest.examine(item, 32) for item in manifest.items(source))
    found = ((entry.path, picture) for entry, picture in examined if picture)
    for path, picture in islice(found, limit):
        scale = min(1.0, side / min(picture.size))
        width, height = (max(1, round(length * scale)) for length in picture.size)
        yield path, picture.resize((width, height), Image.Resampling.LANCZOS)


def read_groups(path: Path, names: Iterable[str]) -> list[str]:
    """The group of each picture, from a CSV file with the columns ``name`` (of the file) and ``group``.

    Raises ValueError when a column or a picture lacks.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"name", "group"} <= rows[0].keys():
        raise ValueError(f"{path}: expected the columns name and group")
    groups = {row["name"]: row["group"] for row in rows}
    files = [Path(name).name for name in names]
    lacking = [file for file in files if file not in groups]
    if lacking:
        raise ValueError(f"{path}: no group for {lacking[0]} and {len(lacking) - 1} others")
    return [groups[file] for file in files]


def score(
    rows: Rows,
    truths: Iterable[Image.Image],
    prior: Sequence[float],
    report_each: Callable[[], None] = lambda: None,
    names: Sequence[str] = tuple(metrics.MEASURED),
) -> Scores:
    """Every metric of every row; a row is a function from a colour picture to its recolouring, uint8 both.

    ``prior`` is that of the training set over the 256 classes of 4+4 bits.
    """
    measures = {name: metrics.METRICS[name].of(prior) for name in names}
    scores: dict[str, dict[str, list[float]]] = {row: {name: [] for name in names} for row in (*rows, "truth")}
    for truth in truths:
        original = np.asarray(truth)
        for name, recolor in (rows | {"truth": lambda array: array}).items():
            for metric, value in _measured(recolor(original), original, measures).items():
                scores[name][metric].append(value)
        report_each()
    return {name: {m: np.array(values) for m, values in row.items()} for name, row in scores.items()}


def evaluate(
    models: dict[str, Colorizer],
    truths: Sequence[Image.Image],
    sizes: Sequence[int | None] = (None,),
    hints: Sequence[int] = (),
    temperatures: Sequence[float] = (),
    without_tta: bool = False,
    report_each: Callable[[], None] = lambda: None,
) -> Scores:
    """Every metric, and the `drifts`, of the models beside gray and mean; the first model says what the mean is.

    ``hints``: rows of their own for each model with so many random places whose true colour it is told;
    ``temperatures``: of each classifier, for the annealed mean; ``without_tta``: of each model, without test-time
    augmentation.
    """
    name, first = next(iter(models.items()))
    seen = first.training
    if not {"mean_ab", "prior"} <= seen.keys():
        raise ValueError(f"{name}: its file does not say what colours it learnt from: name a trained model first")
    rows = recolorings(models, seen["mean_ab"], sizes) | _hinted(models, hints) | _tempered(models, temperatures)
    rows |= {f"{name} without tta": partial(model, tta=False) for name, model in models.items() if without_tta}
    scores = score(rows, truths, seen["prior"], report_each)
    for name in models.keys() & scores.keys():  # not for a comparison of network sizes
        scores[name] |= drifts(models[name], truths)
    return scores


def _measured(picture: np.ndarray, truth: np.ndarray, measures: dict[str, metrics.Measure]) -> dict[str, float]:
    rgb = [to_planes(array) for array in (picture, truth)]
    seen = {"rgb": rgb, "lab": [rgb_to_lab(each) for each in rgb]}
    return {name: float(measure(*seen[metrics.METRICS[name].sees])) for name, measure in measures.items()}


def recolorings(models: dict[str, Colorizer], mean_ab: Sequence[float], sizes: Sequence[int | None] = (None,)) -> Rows:
    """The rows of a comparison: gray, mean, and each model at each network size (None: its own)."""

    def constant(ab: Sequence[float]) -> Callable[[np.ndarray], np.ndarray]:
        return lambda array: apply_chroma(pictures.from_array(array), np.array([[ab]], np.float32)).pixels

    rows: Rows = {"gray": constant((0, 0)), "mean": constant(mean_ab)}
    for name, colorizer in models.items():
        for size in sizes:
            label = f"{name} at {size} px" if size and len(sizes) > 1 else name
            rows[label] = partial(colorizer, size=size)
    return rows


def _hinted(models: dict[str, Colorizer], counts: Sequence[int]) -> Rows:
    return {
        f"{name}, hints: {count}": partial(_told, model, count) for name, model in models.items() for count in counts
    }


def _told(model: Colorizer, count: int, array: np.ndarray) -> np.ndarray:
    return model(array, hints=true_hints(array, count))


def _tempered(models: dict[str, Colorizer], temperatures: Sequence[float]) -> Rows:
    return {
        f"{name}, temperature {t:g}": partial(model, temperature=t)
        for name, model in models.items()
        for t in temperatures
        if isinstance(model.codec, Bits)
    }


def true_hints(rgb: np.ndarray, count: int, seed: int = 0) -> list[Hint]:
    """The true colours at random places of a picture ``(H, W, 3)`` uint8; more of them begin with the same."""
    height, width = rgb.shape[:2]
    places = (np.random.default_rng(seed).random((count, 2)) * (width, height)).astype(int)
    labs = ((x, y, rgb_to_lab(to_rgb(rgb[y, x]))) for x, y in places)
    return [Hint(x, y, (float(a), float(b))) for x, y, (_, a, b) in labs]


def summary(scores: Scores, seed: int = 0) -> Summary:
    """Row -> metric -> mean and its 95 % interval; and, against each baseline, the paired gain with its interval.

    ``below_gray`` and ``below_mean`` are `metrics.below` of the ab squared error; ``de2000_below_gray`` and
    ``auc_rebalanced_above_gray`` are mean paired differences. Intervals are
    percentiles of a bootstrap over pictures (Efron 1979). A metric that is not finite for some picture (PSNR of the
    truth) is left out.
    """
    count = len(scores["gray"]["mse_ab"])
    draws = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    result: Summary = {}
    for name, row in scores.items():
        finite = {m: v for m, v in row.items() if not np.isinf(v).any() and not np.isnan(v).all()}
        result[name] = {m: _interval(np.nanmean(v), np.nanmean(v[draws], 1)) for m, v in finite.items()}
        for metric in [m for m in row if m in metrics.METRICS and metrics.METRICS[m].over_truth]:
            ours, theirs = row[metric], scores["truth"][metric]
            result[name][metric] = _interval(ours.mean() / theirs.mean(), ours[draws].mean(1) / theirs[draws].mean(1))
        for baseline in BASELINES if name not in (*BASELINES, "truth") else ():
            ours, theirs = row["mse_ab"], scores[baseline]["mse_ab"]
            ratios = metrics.below(ours[draws].mean(1), theirs[draws].mean(1))
            result[name][f"below_{baseline}"] = _interval(metrics.below(ours.mean(), theirs.mean()), ratios)
            gains = {
                f"de2000_below_{baseline}": scores[baseline]["de2000"] - row["de2000"],
                f"auc_rebalanced_above_{baseline}": row["auc_rebalanced"] - scores[baseline]["auc_rebalanced"],
            }
            result[name] |= {key: _interval(gain.mean(), gain[draws].mean(1)) for key, gain in gains.items()}
    return result


def _interval(value: Any, resampled: Any) -> dict[str, float]:
    low, high = np.percentile(resampled, (2.5, 97.5))
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def drifts(colorizer: Colorizer, truths: Sequence[Image.Image]) -> dict[str, np.ndarray]:
    """How far the colours of a picture move when its gray was made in another way: mean CIEDE2000, one a picture.

    Against the colouring from L*: the mean of those from BT.601 and BT.709 luma (``drift_gray``), and one of a
    picture that was blurred, faded and strewn with grain (``drift_degraded``; sigma 1 px, three quarters of the
    contrast, grain of 4 L*). Colours are compared on the same L*: that of the grays differs by itself. Of more than 200
    pictures a hundred or more, evenly spread, are asked, to save time; the others are NaN.
    """
    moved = {name: np.full(len(truths), np.nan) for name in DRIFTS}
    for number in range(0, len(truths), max(1, len(truths) // 100)):
        rgb = to_planes(truths[number])
        luma = rgb_to_luma(rgb)
        others = [rgb_to_luma(rgb, gray) for gray in GRAYS[1:]]
        first, *rest = (_recolored(colorizer, gray, luma) for gray in (luma, *others, _degraded(luma)))
        *grays, degraded = (float(metrics.de2000(one, first)) for one in rest)
        moved["drift_gray"][number], moved["drift_degraded"][number] = np.mean(grays), degraded
    return moved


def _degraded(luma: Tensor) -> Tensor:
    """L* ``(1, H, W)`` as a moderately degraded picture has it."""
    one = torch.ones(1, 1, 1, 1)
    soft = degradation.fade(degradation.blur(luma[None], one, 3), one, 0.75 * one, 0.5 * one)
    grain = torch.randn(soft.shape, generator=torch.Generator().manual_seed(0))
    return (soft + 4 * grain).clamp(0, 100)[0]


def _recolored(colorizer: Colorizer, gray: Tensor, luma: Tensor) -> Tensor:
    """Lab of ``luma`` with the colours that ``gray``, L* both, is given."""
    picture = colorizer((luma_to_gray(gray[0]) * 255).round().byte().numpy())
    lab = rgb_to_lab(to_planes(picture))
    return torch.cat((luma, lab[1:]))


def codec_loss(truths: Iterable[Image.Image]) -> dict[str, float]:
    """Mean CIEDE2000 that each codec loses by itself, on true colours at full size: what a perfect model would lose."""
    codecs = (Bits(3), Bits(4), Bits(5), Channels())
    lost: dict[str, list[float]] = {to_text(codec): [] for codec in codecs}
    for truth in truths:
        lab = rgb_to_lab(to_planes(truth))
        for codec in codecs:
            code = codec.encode(lab[1:])
            ab = codec.lookup(code) if isinstance(codec, Bits) else codec.decode(code)
            lost[to_text(codec)].append(float(metrics.de2000(torch.cat((lab[:1], ab)), lab)))
    return {name: round(float(np.mean(values)), 4) for name, values in lost.items()}


def classification_scores(colorizer: Colorizer, truths: Iterable[Image.Image]) -> dict:
    """How well a classifier knows the true class of a pixel, at the size of its prediction.

    ``nll`` in bits a pixel, ``top1`` and ``top5`` and ``ece`` (expected calibration error, Guo et al. 2017) in per
    cent, and ``reliability``: confidence, accuracy and share of ten bins that hold as many pixels each.
    """
    nlls, ranks, confidences = [], [], []
    for truth in truths:
        luma = small_luma(pictures.from_pil(truth), colorizer.size)
        small = truth.resize((luma.shape[1] // 2, luma.shape[0] // 2), Image.Resampling.BOX)
        lab = rgb_to_lab(to_planes(small))
        logits = torch.from_numpy(colorizer.output(luma[None])[0])
        true = logits.gather(0, colorizer.codec.encode(lab[1:])[None])
        nlls.append((logits.logsumexp(0) - true[0]).flatten())
        ranks.append((logits >= true).sum(0).flatten() - 1)  # ties are no knowledge
        confidences.append(logits.softmax(0).amax(0).flatten())
    rank = torch.cat(ranks)
    confidence, accuracy, share = metrics.calibration(torch.cat(confidences), rank == 0)
    values = {
        "nll": torch.cat(nlls).mean() / np.log(2),
        "top1": 100 * (rank < 1).float().mean(),
        "top5": 100 * (rank < 5).float().mean(),
        "ece": 100 * ((confidence - accuracy).abs() * share).sum(),
    }
    rounded = {name: round(float(value), 4) for name, value in values.items()}
    bins = metrics.equal_shares(torch.cat(confidences), rank == 0)
    return rounded | {"reliability": tuple(part.numpy() for part in bins)}


def color_histograms(columns: dict[str, Sequence[Image.Image]], bins: int = 36) -> dict[str, dict[str, np.ndarray]]:
    """Of each column of pictures, in ``bins``: ``chroma``, the share (%) of its pixels over 0 to 100 ab units and more,
    and ``hue``, the share of its chroma over 0 to 360 degrees.
    """
    found: dict[str, dict[str, np.ndarray]] = {"chroma": {}, "hue": {}}
    for name, pictures_ in columns.items():
        ab = torch.cat([rgb_to_lab(to_planes(picture))[1:].flatten(1) for picture in pictures_], 1).numpy()
        chroma, hue = np.hypot(*ab), np.degrees(np.arctan2(ab[1], ab[0])) % 360
        for title, (values, end, weights) in {"chroma": (chroma, 100, None), "hue": (hue, 360, chroma)}.items():
            counts = np.histogram(values.clip(0, end), bins, (0, end), weights=weights)[0]
            found[title][name] = 100 * counts / max(counts.sum(), 1e-9)
    return found


def grouped(scores: Scores, groups: Sequence[str]) -> dict[str, Summary]:
    """The `summary` of each group of pictures, the largest first; those of under ten pictures are put together.

    Keys are ``GROUP, PICTURES``.
    """
    counts = Counter(groups)
    merged = np.array([group if counts[group] >= _SMALL_GROUP else "others" for group in groups])
    parts = {}
    for group, count in Counter(merged.tolist()).most_common():
        chosen = merged == group
        rows = {name: {m: v[chosen] for m, v in row.items() if m not in DRIFTS} for name, row in scores.items()}
        parts[f"{group}, {count}"] = summary(rows)
    return parts


def headline(result: Summary, rows: Sequence[str]) -> dict[str, dict[str, float]]:
    """What experiments are compared by: three numbers of each of ``rows``."""
    return {
        row: {name: result[row][name]["value"] for name in ("de2000", "below_gray", "colorfulness")} for row in rows
    }


def by_group(scores: Scores, groups: Sequence[str], metric: str = "de2000") -> str:
    """A Markdown table of one metric: a line for each group of pictures, the largest first, a column for each row.

    ``groups`` names the group of every picture. Mean and 95 % interval; groups of under ten pictures are put together.
    """
    columns = [name for name in scores if name != "truth"]
    lines = [
        [*title.rsplit(", ", 1), *(_cell(part[name].get(metric)) for name in columns)]
        for title, part in grouped(scores, groups).items()
    ]
    return report.table((metric, "photos", *columns), lines)


def as_table(result: Summary, names: Sequence[str] = ()) -> str:
    """The summary as a Markdown table, one row a metric (default: all of them)."""
    names = names or list(dict.fromkeys(name for values in result.values() for name in values))
    rows = [[name, *(_cell(values.get(name)) for values in result.values())] for name in names]
    return report.table(("", *result), rows)


def _cell(value: dict[str, float] | None) -> str:
    return "" if value is None else f"{value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def table_of_metrics() -> str:
    """What the headline metrics say, as a Markdown table: that of docs/results.md."""
    chosen = [metrics.METRICS[name] for name in metrics.HEADLINES]
    rows = [(f"`{m.name}`", m.sentence + (f", {m.unit}" if m.unit else ""), m.better) for m in chosen]
    return report.table(("metric", "what it says", "better"), rows)
