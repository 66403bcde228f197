"""How good a model is, beside gray and beside the mean colour, with bootstrap intervals over pictures."""

from __future__ import annotations

import csv
from collections import Counter
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
from colorify.color import GRAYS, luma_to_gray, rgb_to_lab, rgb_to_luma
from colorify.data import film, manifest
from colorify.hints import Hint
from colorify.inference import Colorizer, apply_chroma, small_luma
from colorify.models import checkpoint, released
from colorify.models.checkpoint import Checkpoint

BASELINES = ("gray", "mean")
DRIFTS = ("drift_gray", "drift_film")
HEADLINES = ("de2000", "below_gray", "auc_rebalanced", "psnr", "colorfulness", "gray_toned", "bleeding", *DRIFTS)
_RESAMPLES = 2000
_SMALL_GROUP = 10

Scores = dict[str, dict[str, np.ndarray]]
"""Row (model or baseline) -> metric -> one number a picture."""

Summary = dict[str, dict[str, dict[str, float]]]
"""Row -> metric -> ``value`` and its 95 % interval, ``low`` and ``high``."""


def photos(source: Path, side: int = 256, limit: int | None = None) -> Iterator[tuple[str, Image.Image]]:
    """Path and picture of the colour pictures of a folder or tar; gray and broken ones are left out.

    Those with a short side over ``side`` pixels are shrunk to it.
    """
    examined = (manifest.examine(item, 32) for item in manifest.items(source))
    for entry, picture in islice((pair for pair in examined if pair[1]), limit):
        scale = min(1.0, side / min(picture.size))
        size = tuple(max(1, round(length * scale)) for length in picture.size)
        yield entry.path, picture.resize(size, Image.Resampling.LANCZOS)


def read_groups(path: Path, names: Iterable[str]) -> list[str]:
    """The group of each picture, from a CSV file with the columns ``name`` (of the file) and ``group``.

    Raises ValueError when a column or a picture lacks.
    """
    with open(path, newline="") as file:
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


def judge(
    models: dict[str, Colorizer],
    truths: Sequence[Image.Image],
    sizes: Sequence[int | None] = (None,),
    hints: Sequence[int] = (),
    temperatures: Sequence[float] = (),
    once: bool = False,
    report_each: Callable[[], None] = lambda: None,
) -> Scores:
    """Every metric, and the `drifts`, of the models beside gray and mean; the first model says what the mean is.

    ``hints``: rows of their own for each model with so many random places whose true colour it is told;
    ``temperatures``: of each classifier, for the annealed mean; ``once``: of each model, without the second look.
    """
    name, first = next(iter(models.items()))
    seen = first.training
    if not {"mean_ab", "prior"} <= seen.keys():
        raise ValueError(f"{name}: its file does not say what colours it learnt from: name a trained model first")
    rows = recolorings(models, seen["mean_ab"], sizes) | _hinted(models, hints) | _tempered(models, temperatures)
    rows |= {f"{name}, one look": partial(model, tta=False) for name, model in models.items() if once}
    scores = score(rows, truths, seen["prior"], report_each)
    for name in models.keys() & scores.keys():  # not for a comparison of network sizes
        scores[name] |= drifts(models[name], truths)
    return scores


def _measured(picture: np.ndarray, truth: np.ndarray, measures: dict[str, Callable]) -> dict[str, float]:
    rgb, rgb_truth = (torch.from_numpy(array.astype(np.float32) / 255).movedim(-1, 0) for array in (picture, truth))
    lab, lab_truth = rgb_to_lab(rgb), rgb_to_lab(rgb_truth)
    seen = {"psnr": (rgb, rgb_truth), "colorfulness": (rgb,)}
    return {name: float(measure(*seen.get(name, (lab, lab_truth)))) for name, measure in measures.items()}


def recolorings(
    models: dict[str, Colorizer], mean_ab: Sequence[float], sizes: Sequence[int | None] = (None,)
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """The rows of a comparison: gray, mean, and each model at each network size (None: its own)."""

    def constant(ab: Sequence[float]) -> Callable[[np.ndarray], np.ndarray]:
        return lambda array: apply_chroma(pictures.from_array(array), np.float32(ab)[None, None]).pixels

    rows = {"gray": constant((0, 0)), "mean": constant(mean_ab)}
    for name, colorizer in models.items():
        for size in sizes:
            label = f"{name} at {size} px" if size and len(sizes) > 1 else name
            rows[label] = lambda array, model=colorizer, size=size: model(array, size=size)
    return rows


def _hinted(models: dict[str, Colorizer], counts: Sequence[int]) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    return {
        f"{name}, hints: {count}": lambda array, model=model, count=count: model(array, hints=true_hints(array, count))
        for name, model in models.items()
        for count in counts
    }


def _tempered(
    models: dict[str, Colorizer], temperatures: Sequence[float]
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    return {
        f"{name}, temperature {t:g}": lambda array, model=model, t=t: model(array, temperature=t)
        for name, model in models.items()
        for t in temperatures
        if isinstance(model.codec, Bits)
    }


def true_hints(rgb: np.ndarray, count: int, seed: int = 0) -> list[Hint]:
    """The true colours at random places of a picture ``(H, W, 3)`` uint8; more of them begin with the same."""
    height, width = rgb.shape[:2]
    places = (np.random.default_rng(seed).random((count, 2)) * (width, height)).astype(int)
    return [Hint(x, y, tuple(map(float, rgb_to_lab(rgb[y, x] / 255)[1:]))) for x, y in places]


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


def drifts(colorizer: Colorizer, truths: Sequence[Image.Image]) -> dict[str, np.ndarray]:
    """How far the colours of a picture move when its gray was made in another way: mean CIEDE2000, one a picture.

    Against the colouring from L*: the mean of those from BT.601 and BT.709 luma (``drift_gray``), and one of a
    picture that was blurred, faded and strewn with grain (``drift_film``; sigma 1 px, three quarters of the contrast,
    grain of 4 L*). Colours are compared on the same L*: that of the grays differs by itself. Of more than 200
    pictures a hundred or more, evenly spread, are asked, to save time; the others are NaN.
    """
    moved = {name: np.full(len(truths), np.nan) for name in DRIFTS}
    for number in range(0, len(truths), max(1, len(truths) // 100)):
        rgb = torch.from_numpy(np.asarray(truths[number], np.float32) / 255).movedim(-1, 0)
        luma = rgb_to_luma(rgb)
        others = [rgb_to_luma(rgb, gray) for gray in GRAYS[1:]]
        first, *rest = (_recolored(colorizer, gray, luma) for gray in (luma, *others, _worn(luma)))
        *grays, worn = (float(metrics.de2000(one, first)) for one in rest)
        moved["drift_gray"][number], moved["drift_film"][number] = np.mean(grays), worn
    return moved


def _worn(luma: Tensor) -> Tensor:
    """L* ``(1, H, W)`` as a moderately worn picture has it."""
    one = torch.ones(1, 1, 1, 1)
    soft = film.fade(film.blur(luma[None], one, 3), one, 0.75 * one, 0.5 * one)
    grain = torch.randn(soft.shape, generator=torch.Generator().manual_seed(0))
    return (soft + 4 * grain).clamp(0, 100)[0]


def _recolored(colorizer: Colorizer, gray: Tensor, luma: Tensor) -> Tensor:
    """Lab of ``luma`` with the colours that ``gray``, L* both, is given."""
    picture = colorizer((luma_to_gray(gray[0]) * 255).round().byte().numpy())
    lab = rgb_to_lab(torch.from_numpy(picture.astype(np.float32) / 255).movedim(-1, 0))
    return torch.cat((luma, lab[1:]))


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
        small = truth.resize((luma.shape[1] // 2, luma.shape[0] // 2), Image.Resampling.BOX)
        lab = rgb_to_lab(torch.from_numpy(np.asarray(small, np.float32) / 255).movedim(-1, 0))
        logits = torch.from_numpy(colorizer.output(luma[None])[0])
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


def by_group(scores: Scores, groups: Sequence[str], metric: str = "de2000") -> str:
    """A Markdown table of one metric: a line for each group of pictures, the largest first, a column for each row.

    ``groups`` names the group of every picture. Mean and 95 % interval; groups of under ten pictures are put together.
    """
    counts = Counter(groups)
    merged = np.array([group if counts[group] >= _SMALL_GROUP else "others" for group in groups])
    columns = [name for name in scores if name != "truth"]
    lines = []
    for group, count in Counter(merged.tolist()).most_common():
        chosen = merged == group
        part = summary(
            {name: {m: v[chosen] for m, v in row.items() if m not in DRIFTS} for name, row in scores.items()}
        )
        lines.append([group, count, *(_cell(part[name].get(metric)) for name in columns)])
    return report.table((metric, "photos", *columns), lines)


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
    model: Path,
    out: Path,
    truths: Sequence[Image.Image],
    sizes: Sequence[int],
    note: str = "",
    calm: float = 0.0,
    saturation: float = 1.0,
) -> Summary:
    """Store a trained model as float16 at ``out``, with the network size of the lowest ab error, and its metrics.

    ``calm`` is that of `calmed`, ``saturation`` that of `saturated`. The metrics are those of the stored weights at the
    chosen size.
    """
    trained = checkpoint.load(model)
    trained = calmed(trained, calm) if calm else trained
    trained = saturated(trained, saturation) if saturation != 1 else trained
    colorizer = Colorizer(trained)
    tried = {str(size): partial(colorizer, size=size) for size in sizes}
    trial = score(tried, truths, trained.training["prior"], names=["mse_ab"])
    errors = {size: trial[str(size)]["mse_ab"].mean() for size in sizes}
    best = min(errors, key=errors.get)
    by_size = {str(size): round(float(error), 3) for size, error in errors.items()}
    training = trained.training | {"size": best, "mse_ab_by_size": by_size, "note": note}
    checkpoint.save(replace(trained, training=training), out, torch.float16)
    result = summary(judge({out.stem: Colorizer.load(out)}, truths))
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
        "calm": "\nOf the class weights' effect, a share of {} was taken back after training.\n",
        "saturation": "\nThe predicted chroma was multiplied by {} after training.\n",
    }
    changed = "".join(text.format(training[key]) for key, text in changes.items() if key in training)
    return f"""# {name}

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

On held-out photos, short side 256, judged at full size; 95 % bootstrap intervals over pictures in brackets.
`below_gray` and `below_mean`: mean ab squared error, per cent below that row's; `de2000_below_...` and
`auc_rebalanced_above_...`: paired differences. `drift_gray` and `drift_film`: mean CIEDE2000 by which colours move when
the gray was made by BT.601 or BT.709 instead of L*, or is blurred, faded and grainy.

{as_table(training["metrics"])}

Short side of the picture that the network sees: {training["size"]} px{sizes}
{changed}"""
