"""How good a model is, beside gray and beside the mean colour, with bootstrap intervals over pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorify import metrics, pictures, report
from colorify.codec import Bits, Channels, rebalancing, to_text
from colorify.color import rgb_to_lab
from colorify.data import manifest
from colorify.inference import Colorizer, apply_chroma, small_luma
from colorify.models import checkpoint, released
from colorify.models.checkpoint import Checkpoint

BASELINES = ("gray", "mean")
HEADLINES = ("de2000", "below_gray", "auc_rebalanced", "psnr", "colorfulness", "gray_toned", "bleeding")
_RESAMPLES = 2000

Scores = dict[str, dict[str, np.ndarray]]
"""Row (model or baseline) -> metric -> one number a picture."""

Summary = dict[str, dict[str, dict[str, float]]]
"""Row -> metric -> ``value`` and its 95 % interval, ``low`` and ``high``."""


def photos(source: Path, side: int = 256, limit: int | None = None) -> Iterator[Image.Image]:
    """The colour pictures of a folder or tar, short side at most ``side``; gray and broken ones are left out."""
    usable = (manifest.examine(name, content, 32)[1] for name, content in manifest.pictures(source))
    for picture in islice((picture for picture in usable if picture), limit):
        scale = min(1.0, side / min(picture.size))
        size = tuple(max(1, round(length * scale)) for length in picture.size)
        yield picture.resize(size, Image.Resampling.LANCZOS)


def score(
    rows: dict[str, Callable[[np.ndarray], np.ndarray]],
    truths: Iterable[Image.Image],
    prior: Sequence[float],
    report_each: Callable[[], None] = lambda: None,
    names: Sequence[str] = tuple(metrics.METRICS),
) -> Scores:
    """Every metric of every row; a row is a function from a colour picture to its recolouring, uint8 both.

    ``prior`` is that of the training set over the 256 classes of 4+4 bits.
    """
    special = {"auc_rebalanced": metrics.rebalanced_auc(prior)}
    measures = {name: special.get(name) or getattr(metrics, name) for name in names}
    scores: dict[str, dict[str, list[float]]] = {row: {name: [] for name in names} for row in (*rows, "truth")}
    for truth in truths:
        original = np.asarray(truth)
        for name, recolor in (rows | {"truth": lambda array: array}).items():
            for metric, value in _measured(recolor(original), original, measures).items():
                scores[name][metric].append(value)
        report_each()
    return {name: {m: np.array(values) for m, values in row.items()} for name, row in scores.items()}


def _measured(picture: np.ndarray, truth: np.ndarray, measures: dict[str, Callable]) -> dict[str, float]:
    rgb, rgb_truth = (torch.from_numpy(array.astype(np.float32) / 255).movedim(-1, 0) for array in (picture, truth))
    lab, lab_truth = rgb_to_lab(rgb), rgb_to_lab(rgb_truth)
    seen = {"psnr": (rgb, rgb_truth), "colorfulness": (rgb,)}
    return {name: float(measure(*seen.get(name, (lab, lab_truth)))) for name, measure in measures.items()}


def recolorings(
    models: dict[str, Colorizer], mean_ab: Sequence[float], sizes: Sequence[int | None] = (None,)
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """The rows of a comparison: gray, mean, and each model at each network size (None: its own)."""

    def constant(ab: Tensor) -> Callable[[np.ndarray], np.ndarray]:
        return lambda array: apply_chroma(pictures.from_array(array), ab).pixels

    rows = {"gray": constant(torch.zeros(2, 1, 1)), "mean": constant(torch.tensor(mean_ab).view(2, 1, 1))}
    for name, colorizer in models.items():
        for size in sizes:
            label = f"{name} at {size} px" if size and len(sizes) > 1 else name
            rows[label] = lambda array, model=colorizer, size=size: model(array, size=size)
    return rows


def summary(scores: Scores, seed: int = 0) -> Summary:
    """Row -> metric -> mean and its 95 % interval; and, against each baseline, the paired gain with its interval.

    ``below_gray`` is the ab squared error in per cent below that of gray; ``de2000_below_gray`` and
    ``auc_rebalanced_above_gray`` are mean paired differences; `bleeding` is over that of the truth. Intervals are
    percentiles of a bootstrap over pictures (Efron 1979). A metric that is not finite for some picture (PSNR of the
    truth) is left out.
    """
    count = len(scores["gray"]["mse_ab"])
    draws = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    result: Summary = {}
    for name, row in scores.items():
        finite = {m: v for m, v in row.items() if not np.isinf(v).any() and not np.isnan(v).all()}
        result[name] = {m: _interval(np.nanmean(v), np.nanmean(v[draws], 1)) for m, v in finite.items()}
        ours, theirs = row["bleeding"], scores["truth"]["bleeding"]
        result[name]["bleeding"] = _interval(ours.mean() / theirs.mean(), ours[draws].mean(1) / theirs[draws].mean(1))
        for baseline in BASELINES if name not in (*BASELINES, "truth") else ():
            ours, theirs = row["mse_ab"], scores[baseline]["mse_ab"]
            ratios = 100 * (1 - ours[draws].mean(1) / theirs[draws].mean(1))
            result[name][f"below_{baseline}"] = _interval(100 * (1 - ours.mean() / theirs.mean()), ratios)
            gains = {
                f"de2000_below_{baseline}": scores[baseline]["de2000"] - row["de2000"],
                f"auc_rebalanced_above_{baseline}": row["auc_rebalanced"] - scores[baseline]["auc_rebalanced"],
            }
            result[name] |= {key: _interval(gain.mean(), gain[draws].mean(1)) for key, gain in gains.items()}
    return result


def _interval(value: float, resampled: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(resampled, (2.5, 97.5))
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def codec_loss(truths: Iterable[Image.Image]) -> dict[str, float]:
    """Mean CIEDE2000 that each codec loses by itself, on true colours at full size: what a perfect model would lose."""
    codecs = (Bits(3), Bits(4), Bits(5), Channels())
    lost: dict[str, list[float]] = {to_text(codec): [] for codec in codecs}
    for truth in truths:
        lab = rgb_to_lab(torch.from_numpy(np.asarray(truth, np.float32) / 255).movedim(-1, 0))
        for codec in codecs:
            code = codec.encode(lab[1:])
            ab = codec.lookup(code) if isinstance(codec, Bits) else codec.decode(code)
            lost[to_text(codec)].append(float(metrics.de2000(torch.cat((lab[:1], ab)), lab)))
    return {name: round(float(np.mean(values)), 4) for name, values in lost.items()}


def classification_scores(colorizer: Colorizer, truths: Iterable[Image.Image]) -> dict:
    """How well a classifier knows the true class of a pixel, at the size of its prediction.

    ``nll`` in bits a pixel, ``top1`` and ``top5`` and ``ece`` (expected calibration error, Guo et al. 2017) in per
    cent, and ``reliability``: confidence, accuracy and share of 15 equal bins of confidence.
    """
    surprise, rank, confidence = [], [], []
    for truth in truths:
        luma = small_luma(pictures.from_pil(truth), colorizer.size)
        small = truth.resize((luma.shape[2] // 2, luma.shape[1] // 2), Image.Resampling.BOX)
        lab = rgb_to_lab(torch.from_numpy(np.asarray(small, np.float32) / 255).movedim(-1, 0))
        logits = colorizer.output(luma[None])[0].cpu()
        right = logits.gather(0, colorizer.codec.encode(lab[1:])[None])
        surprise.append((logits.logsumexp(0) - right[0]).flatten())
        rank.append((logits >= right).sum(0).flatten() - 1)  # ties are no knowledge
        confidence.append(logits.softmax(0).amax(0).flatten())
    ranks, confidences = torch.cat(rank), torch.cat(confidence)
    sure, right, share = metrics.calibration(confidences, ranks == 0)
    values = {
        "nll": torch.cat(surprise).mean() / np.log(2),
        "top1": 100 * (ranks < 1).float().mean(),
        "top5": 100 * (ranks < 5).float().mean(),
        "ece": 100 * ((sure - right).abs() * share).sum(),
    }
    rounded = {name: round(float(value), 4) for name, value in values.items()}
    return rounded | {"reliability": tuple(part.numpy() for part in (sure, right, share))}


def released_results() -> str:
    """What the files of the released models say that they reached, as a table."""
    result: Summary = {}
    for path in released.models().values():
        result |= checkpoint.load(path).training["metrics"]
    order = ("gray", "mean", *released.models(), "truth")
    return as_table({name: result[name] for name in order}, HEADLINES)


def as_table(result: Summary, names: Sequence[str] = ()) -> str:
    """The summary as a Markdown table, one row a metric (default: all of them)."""
    names = names or dict.fromkeys(name for values in result.values() for name in values)
    rows = [[name, *(_cell(values.get(name)) for values in result.values())] for name in names]
    return report.table(("", *result), rows)


def _cell(value: dict[str, float] | None) -> str:
    return "" if value is None else f"{value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def release(
    model: Path, out: Path, truths: Sequence[Image.Image], sizes: Sequence[int], note: str = "", calm: float = 0.0
) -> Summary:
    """Store a trained model as float16 at ``out``, with the network size of the lowest ab error, and its metrics.

    ``calm`` is that of `calmed`. The metrics are those of the stored weights at the chosen size.
    """
    trained = checkpoint.load(model)
    trained = calmed(trained, calm) if calm else trained
    colorizer = Colorizer(trained)
    tried = {str(size): partial(colorizer, size=size) for size in sizes}
    trial = score(tried, truths, trained.training["prior"], names=["mse_ab"])
    errors = {size: trial[str(size)]["mse_ab"].mean() for size in sizes}
    best = min(errors, key=errors.get)
    by_size = {str(size): round(float(error), 3) for size, error in errors.items()}
    training = trained.training | {"size": best, "mse_ab_by_size": by_size, "note": note}
    checkpoint.save(replace(trained, training=training), out, torch.float16)
    result = summary(
        score(recolorings({out.stem: Colorizer.load(out)}, training["mean_ab"]), truths, training["prior"])
    )
    checkpoint.save(replace(checkpoint.load(out), training=training | {"metrics": result}), out, torch.float16)
    return result


def calmed(model: Checkpoint, share: float) -> Checkpoint:
    """Take back a share (0..1) of what the class weights of its training did to a classifier.

    A network that learnt with weights w answers p * w; a share of log w is taken from its logits (Menon et al. 2021,
    Long-tail learning via logit adjustment). ValueError for a model that learnt without such weights.
    """
    config = model.training["config"]
    if config.get("weighting") != "rebalanced":
        raise ValueError(f"a {model.method} model without rebalanced classes cannot be calmed")
    weights = rebalancing(torch.tensor(model.training["prior"]), model.codec, config["rebalance"])
    bias = model.weights["head.bias"] - share * weights.log()
    training = model.training | {"calm": share}
    return replace(model, weights=model.weights | {"head.bias": bias}, training=training)


def card(model: Checkpoint, name: str) -> str:
    """The model card of a released model, from what its file says of itself."""
    training, config = model.training, model.training["config"]
    parameters = sum(tensor.numel() for tensor in model.weights.values() if tensor.is_floating_point()) / 1e6
    table = report.table(("network size", "mean ab squared error"), list(training["mse_ab_by_size"].items()))
    sizes = f", chosen by the ab error at full size.\n\n{table}" if len(training["mse_ab_by_size"]) > 1 else "."
    calm = (
        f"\nOf the class weights' effect, a share of {training['calm']} was taken back.\n" if "calm" in training else ""
    )
    return f"""# {name}

{training["note"]}

Method {model.method}, {config["network"]["encoder"]} encoder, decoder {tuple(config["network"]["decoder"])},
{parameters:.1f} M numbers stored as float16. Trained for {training["step"]:,} steps of {config["batch"]} pictures:
{training["samples"]:,} samples of {training["pictures"]:,} pictures, at sides of
{", ".join(f"{side} px" for _, side in config["sizes"])}.

## Measured

On held-out photos, short side 256, judged at full size; 95 % bootstrap intervals over pictures in brackets.
`below_gray` and `below_mean`: mean ab squared error, per cent below that row's; `de2000_below_...` and
`auc_rebalanced_above_...`: paired differences.

{as_table(training["metrics"])}

Short side of the picture that the network sees: {training["size"]} px{sizes}
{calm}"""
