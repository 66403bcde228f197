"""What a reference picture is worth: CIEDE2000 with and without one, over photos of a manifest.

    python benchmarks/references.py --photos val.tar --manifest val.csv [--count 100]
    python benchmarks/references.py --strip docs/references.jpg

The manifest is a CSV file with the columns name, source and group. Each photo gets three references: its own self,
cut, mirrored and in other light; another photo of its source and group; one of another group. Of the shuffled photos
those at odd places are taken: the numbers of `colorify.matching` were fitted on those at even ones.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from colorify import figures, metrics, report
from colorify.color import delinearize, linearize, rgb_to_lab, to_planes, to_rgb
from colorify.data import samples
from colorify.evaluation import photos
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.pictures import from_pil

_RESAMPLES = 2000
KINDS = {
    "own": "itself, cut, mirrored, in other light",
    "same": "another of its source and group",
    "other": "one of another group",
}


def own(photo: Image.Image, rng: random.Random) -> Image.Image:
    """The photo cut to 60 to 85 % of its sides, mirrored, lighter or darker, with another contrast."""
    share = rng.uniform(0.6, 0.85)
    width, height = (round(length * share) for length in photo.size)
    left, top = rng.randint(0, photo.width - width), rng.randint(0, photo.height - height)
    cut = photo.crop((left, top, left + width, top + height)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    light = linearize(to_rgb(cut)) * 2 ** rng.uniform(-0.7, 0.7)
    coded = delinearize(light.clip(0, 1) ** 2 ** rng.uniform(-0.3, 0.3)).clip(0, 1)
    return Image.fromarray((coded * 255 + 0.5).astype(np.uint8))


def pairs(
    found: dict[str, Image.Image], manifest: Path, count: int
) -> Iterator[tuple[Image.Image, dict[str, Image.Image]]]:
    """Photos with their references, by `KINDS`."""
    with manifest.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] in found]
    rng, kin = random.Random(1), {}
    for row in rows:
        kin.setdefault((row["source"], row["group"]), []).append(row)
    random.Random(7).shuffle(order := list(rows))
    fit = [row for row in order if len(kin[row["source"], row["group"]]) > 1]
    for row in fit[1::2][:count]:
        same = rng.choice([other for other in kin[row["source"], row["group"]] if other is not row])
        other = rng.choice([other for other in rows if other["group"] != row["group"]])
        photo = found[row["name"]]
        yield photo, {"own": own(photo, rng), "same": found[same["name"]], "other": found[other["name"]]}


def error(colored: Image.Image, truth: Image.Image) -> float:
    """Mean CIEDE2000."""
    return float(metrics.de2000(*(rgb_to_lab(to_planes(picture)) for picture in (colored, truth))))


def interval(values: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> str:
    """A number of the pictures ``(n, 2)`` and its 95 % interval, by a bootstrap over them."""
    draws = np.random.default_rng(0).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile([of(values[draw]) for draw in draws], (2.5, 97.5))
    return f"{of(values):.2f} ({low:.2f} to {high:.2f})"


def timed(colorizer: Colorizer, found: dict[str, Image.Image], repeats: int = 15) -> list[float]:
    """Milliseconds of processor for a picture of a megapixel, and what a new and a known reference add: medians."""
    first, *rest = (photo.resize((1152, 864)) for photo in list(found.values())[: repeats + 1])
    gray = first.convert("L")
    colorizer(gray, references=[rest[0]])

    def spent(**knobs: object) -> float:
        begun = time.process_time()
        colorizer(gray, **knobs)
        return time.process_time() - begun

    alone, new = (np.median([spent(**knobs) for knobs in each]) for each in ([{}] * repeats, _each(rest)))
    known = np.median([spent(references=[rest[0]]) for _ in range(repeats)])
    return [1000 * float(time) for time in (alone, new - alone, known - alone)]


def strip(colorizer: Colorizer, width: int = 150) -> Image.Image:
    """Free sample photos: the reference, the gray picture, it colored alone, with the reference, and the truth."""
    shown, rng = {}, random.Random(3)
    for name, photo in list(samples.color())[::2]:
        gray, reference = photo.convert("L"), own(photo, rng)
        row = (reference, gray.convert("RGB"), colorizer(gray), colorizer(gray, references=[reference]), photo)
        shown[name] = [ImageOps.fit(picture, (width, width)) for picture in row]
    return figures.grid(shown)


def _each(references: list[Image.Image]) -> list[dict]:
    return [{"references": [reference]} for reference in references]


def measure(colorizer: Colorizer, found: dict[str, Image.Image], manifest: Path, count: int) -> tuple[str, dict]:
    """The table, and its numbers: errors without and with a reference, of every photo."""
    errors: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for photo, references in pairs(found, manifest, count):
        answer = colorizer.look(from_pil(photo))
        plain = error(_painted(answer, Knobs()), photo)
        for kind, reference in references.items():
            errors[kind].append((plain, error(_painted(answer, Knobs(references=[reference])), photo)))
    rows = []
    for kind, words in KINDS.items():
        both = np.array(errors[kind])
        change = interval(both, lambda v: v[:, 1].mean() - v[:, 0].mean())
        lower = interval(both, lambda v: 100 * (1 - v[:, 1].mean() / v[:, 0].mean()))
        rows.append((words, len(both), *(interval(both, lambda v, n=n: v[:, n].mean()) for n in (0, 1)), change, lower))
    header = ("reference", "photos", "de2000 without", "with", "change", "lower by, %")
    return report.table(header, rows), {kind: np.array(both).round(4).tolist() for kind, both in errors.items()}


def _painted(answer: object, knobs: Knobs) -> Image.Image:
    return Image.fromarray(answer.paint(knobs).pixels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="a folder or tar of colour photos")
    parser.add_argument("--manifest", type=Path, help="CSV with the columns name, source, group")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--model", default="highres")
    parser.add_argument("--strip", type=Path, help="write the free samples there, and stop")
    parser.add_argument("--out", type=Path, default=Path("reports/references"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    colorizer = Colorizer.load(options.model, "cpu")
    if options.strip:
        strip(colorizer).save(options.strip, quality=88)
        return
    found = {Path(name).name: photo for name, photo in photos(options.photos)}
    table, numbers = measure(colorizer, found, options.manifest, options.count)
    alone, new, known = timed(colorizer, found)
    said = f"Of processor time, a picture of a megapixel takes {alone:.0f} ms, a reference {new:.0f} ms more"
    said += f" when it is seen first, {known:.0f} ms when it is known from another picture."
    print(table, said, sep="\n\n")
    report.write_table(f"{table}\n\n{said}", options.out, "table")
    print(report.write_metrics({"model": options.model, "errors": numbers}, options.out))


if __name__ == "__main__":
    main()
