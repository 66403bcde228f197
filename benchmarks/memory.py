"""What the memory of a film is worth and costs, and whether unrelated shots catch colors.

    python benchmarks/memory.py [--memory 8] [--photos val.tar] [--count 100] [--repeats 3] [--model highres]

The films have three shots of the same objects: a camera over a free photograph; over its mirrored self, nearer, in half
the light; from farther, in more light. Of the object, an ellipse in the photo, the mean color of each shot counts, at
the same lightness. The unrelated shots are one of each photo, in a random order: without ``--photos`` the free ones.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps

from colorify import figures, metrics, report
from colorify.color import lab_to_rgb
from colorify.data import samples
from colorify.evaluation import photos
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.pictures import from_pil
from colorify.references import Reference
from colorify.video import film, measure, media, scene
from colorify.video.film import FilmOptions
from colorify.video.job import target_of
from colorify.video.run import Run
from colorify.video.scene import Scene

_RESAMPLES = 2000
_SHOT, _BRIEF = 24, 6  # frames of a shot; of an unrelated one
_SHOWN, _WIDTH = ("astronaut", "cat", "hopper", "flower"), 180
OBJECTS = {
    "astronaut": ("the suit", 0.42, 0.66, 0.3),
    "cat": ("the face", 0.5, 0.45, 0.3),
    "coffee": ("the cup", 0.5, 0.45, 0.28),
    "rocket": ("the rocket", 0.5, 0.5, 0.2),
    "hopper": ("the face", 0.5, 0.42, 0.25),
    "china": ("the roof", 0.6, 0.35, 0.25),
    "flower": ("the flower", 0.53, 0.4, 0.3),
}
"""What the object is, where its middle is, and how wide it is, in shares of the photo."""


def three_shots(name: str, frames: int = _SHOT, size: tuple[int, int] = (480, 270)) -> tuple[Scene, np.ndarray]:
    """A film of a free photo, and where its object is, ``(T, H, W)``."""
    photo, (_, x, y, wide) = samples.picture(name), OBJECTS[name]
    mask = Image.new("L", photo.size)
    (left, top), (right, bottom) = (
        ((x + side * wide / 2) * photo.width, (y + side * wide / 2) * photo.height) for side in (-1, 1)
    )
    ImageDraw.Draw(mask).ellipse((left, top, right, bottom), fill=255)
    shown, there = (_cameras(picture, x, frames, size) for picture in (photo, mask))
    lit = [shot.lit(0, light) for shot, light in zip(shown, (1, 0.5, 1.6), strict=True)]
    return _joined(lit), _joined(there).rgb[..., 0] > 0.5


def _cameras(picture: Image.Image, x: float, frames: int, size: tuple[int, int]) -> list[Scene]:
    windows = (
        (picture, (x - 0.08, 0.5, 0.8), (x - 0.02, 0.5, 0.8)),
        (ImageOps.mirror(picture), (1.1 - x, 0.45, 0.6), (1.05 - x, 0.5, 0.6)),
        (picture, (x + 0.1, 0.5, 0.95), (x + 0.06, 0.52, 0.85)),
    )
    return [scene.camera(of, begin, end, frames, size) for of, begin, end in windows]


def _joined(shots: Sequence[Scene]) -> Scene:
    """Shots end to end."""
    height, width = shots[0].rgb.shape[1:3]
    cut = np.zeros((1, height, width, 2), np.float32), np.zeros((1, height, width), bool)
    on = [part for shot in shots for part in (shot.on, cut[0])][:-1]
    seen = [part for shot in shots for part in (shot.seen, cut[1])][:-1]
    return Scene(np.concatenate([shot.rgb for shot in shots]), np.concatenate(on), np.concatenate(seen))


def colored(shown: Scene, colorizer: Colorizer, options: Sequence[FilmOptions]) -> list[np.ndarray]:
    """The ab ``(T, h, w, 2)`` that a film of a scene gets, with each of the options."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = scene.write_gray(shown, Path(folder, "in.mkv"), grain=0.01)
        for asked in options:
            with media.opened(path) as opened:
                run = Run(opened, target_of(path, asked), colorizer, asked)
                with closing(run.colored()) as frames:
                    found.append(np.stack([moments[0] for _, moments in frames]))
    return found


def between(ab: np.ndarray, lab: np.ndarray, there: np.ndarray, shots: int = 3) -> float:
    """Mean CIEDE2000 of the mean color of an object from one of the shots to another, all at the mean lightness."""
    whole = np.concatenate((lab[..., :1], ab), -1)
    parts = zip(np.split(whole, shots), np.split(there, shots), strict=True)
    means = np.stack([part[mask].mean(0) for part, mask in parts])
    lightness = means[:, 0].mean()
    means[:, 1:] *= (lightness + 16) / (means[:, :1] + 16)
    means[:, 0] = lightness
    pairs = combinations(torch.from_numpy(means)[..., None, None], 2)
    return float(np.mean([metrics.ciede2000(*pair).item() for pair in pairs]))


def measured(name: str, colorizer: Colorizer, count: int, frames: int = _SHOT, size=(480, 270)) -> dict[str, list]:
    """Numbers of a film of three shots without a memory and with one of ``count`` frames, and pictures of both."""
    shown, there = three_shots(name, frames, size)
    both = colored(shown, colorizer, [FilmOptions(), FilmOptions(memory=count)])
    height, width = both[0].shape[1:3]
    small = shown.resized(width, height)
    lab = small.lab
    mask = np.stack([cv2.resize(one.astype(np.float32), (width, height)) > 0.5 for one in there])
    middles = slice(frames // 2, None, frames)
    return {
        "between": [between(ab, lab, mask) for ab in both],
        "t_ab": [float(np.nanmean(measure.changes(ab, small.on, small.seen))) for ab in both],
        "shown": [lab_to_rgb(np.concatenate((lab[..., :1], ab), -1)[middles]) for ab in both],
    }


def unrelated(pictures: Sequence[Image.Image], colorizer: Colorizer, count: int) -> np.ndarray:
    """CIEDE2000 of shots of photos ``(n, 2)``, without a memory and with one."""
    size, moves = (320, 240), ((0.49, 0.5, 0.96), (0.51, 0.5, 0.96))
    shown = _joined([scene.camera(ImageOps.fit(picture, size), *moves, _BRIEF, size) for picture in pictures])
    both = colored(shown, colorizer, [FilmOptions(), FilmOptions(memory=count)])
    lab = shown.resized(*both[0].shape[2:0:-1]).lab
    return np.stack([_errors(ab, lab).reshape(-1, _BRIEF).mean(1) for ab in both], 1)


def _errors(ab: np.ndarray, lab: np.ndarray) -> np.ndarray:
    planes = torch.from_numpy(np.moveaxis(np.concatenate((lab[..., :1], ab), -1), -1, 1))
    truth = torch.from_numpy(np.moveaxis(lab, -1, 1))
    return np.array([metrics.de2000(*pair).item() for pair in zip(planes, truth, strict=True)])


def costs(colorizer: Colorizer, count: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of a film of seven short shots, 480 lines: plain, with a memory, with a reference, taken in turn."""
    size, moves = (854, 480), ((0.45, 0.5, 0.8), (0.55, 0.5, 0.8))
    pictures = dict(samples.color())
    shown = _joined([scene.camera(picture, *moves, 24, size) for picture in pictures.values()])
    reference = Reference(from_pil(pictures["astronaut"]), "astronaut")
    ways = {
        "alone": FilmOptions(overwrite=True),
        "memory": FilmOptions(overwrite=True, memory=count),
        "reference": FilmOptions(overwrite=True, knobs=Knobs(references=(reference,))),
    }
    spent: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = scene.write_gray(shown, Path(folder, "in.mkv"), grain=0.01)
        for _ in range(repeats + 1):  # the first to warm up
            for way, options in ways.items():
                begun = time.perf_counter()
                film.colorize(path, Path(folder, "out.mkv"), colorizer, options)
                spent[way].append(time.perf_counter() - begun)
    return {way: seconds[1:] for way, seconds in spent.items()} | {"frames": [len(shown.rgb)]}


def _told(seconds: dict[str, list[float]], count: int) -> str:
    alone, memory, reference = (seconds[way] for way in ("alone", "memory", "reference"))
    more = [statistics.median(b / a for a, b in zip(alone, way, strict=True)) for way in (memory, reference)]
    rates = [seconds["frames"][0] / statistics.median(way) for way in (alone, memory, reference)]
    rows = [
        ("alone", f"{rates[0]:.1f}", "1.00"),
        (f"--memory {count}", f"{rates[1]:.1f}", f"{more[0]:.2f}"),
        ("--reference, one", f"{rates[2]:.1f}", f"{more[1]:.2f}"),
    ]
    return report.table(("seven shots of 24 frames, 480 lines", "frames/s", "time over alone"), rows)


def _interval(values: np.ndarray) -> str:
    draws = np.random.default_rng(0).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(1), (2.5, 97.5))
    return f"{values.mean():.2f} ({low:.2f} to {high:.2f})"


def films_table(found: dict[str, dict[str, list]]) -> str:
    """The films, one a row, and their mean."""
    rows = [(name, OBJECTS[name][0], *one["between"], *one["t_ab"]) for name, one in found.items()]
    rows.append(("mean", "", *np.mean([row[2:] for row in rows], 0)))
    cells = [(*row[:2], f"{row[2]:.2f}", f"{row[3]:.2f}", f"{row[3] / row[2]:.2f}", f"{row[4]:.3f}", f"{row[5]:.3f}")
             for row in rows]  # fmt: skip
    header = ("film", "object", "de2000 between shots", "with memory", "ratio", "t_ab", "with memory")
    return report.table(header, cells)


def strip(found: dict[str, dict[str, list]]) -> Image.Image:
    """The middle frames of the three shots of some films: without a memory, and beside them with it."""
    columns = {}
    for name in _SHOWN:
        for words, frames in zip(("", ", remembering"), found[name]["shown"], strict=True):
            pictures = (Image.fromarray(np.uint8(frame.clip(0, 1) * 255)) for frame in frames)
            columns[f"{name}{words}"] = [ImageOps.contain(picture, (_WIDTH, _WIDTH)) for picture in pictures]
    return figures.grid(columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", type=int, default=8)
    parser.add_argument("--photos", type=Path, help="a folder or tar of colour photos")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="highres")
    parser.add_argument("--out", type=Path, default=Path("reports/memory"))
    given = parser.parse_args()
    colorizer = Colorizer.load(given.model, "cpu")
    found = {name: measured(name, colorizer, given.memory) for name in OBJECTS}
    pictures = [photo for _, photo in (photos(given.photos) if given.photos else samples.color())]
    random.Random(5).shuffle(pictures)
    print(films_table(found), flush=True)
    errors = unrelated(pictures[: given.count], colorizer, given.memory)
    seconds, change = costs(colorizer, given.memory, given.repeats), errors[:, 1] - errors[:, 0]
    row = (len(errors), *map(_interval, errors.T), _interval(change), f"{change.max():.2f}", f"{change.min():.2f}")
    header = ("unrelated shots", "de2000", "with memory", "change", "of the worst", "of the best")
    text = "\n\n".join((films_table(found), report.table(header, [row]), _told(seconds, given.memory)))
    print("", *text.split("\n\n")[1:], sep="\n\n")
    report.write_table(text, given.out, "table")
    report.write_figure(strip(found), given.out, "strip")
    numbers = {name: {key: one[key] for key in ("between", "t_ab")} for name, one in found.items()}
    exact = {"model": given.model, "memory": given.memory, "films": numbers, "seconds": seconds}
    print(report.write_metrics(exact | {"unrelated": errors.round(4).tolist()}, given.out))


if __name__ == "__main__":
    main()
