"""How steady the colours of a film are, and what steadiness has cost; on arrays of frames ``(T, H, W, ...)``."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from colorify.color import lab_to_rgb
from colorify.inference import Colorizer
from colorify.video import media
from colorify.video.flow import confidence, flow_by, warp
from colorify.video.paint import Look, Painter
from colorify.video.scene import Scene
from colorify.video.steady import Steady


def changes(ab: np.ndarray, on: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """T_ab of each pair of frames ``(T - 1,)``: how much ``ab (T, H, W, 2)`` changes along the motion, ab units.

    ``on (T - 1, H, W, 2)``: where each pixel goes; ``seen (T - 1, H, W)``: whether it is in sight there. A pair that
    shares nothing, as at a cut, gives NaN.
    """
    pairs = zip(pairwise(ab), on, seen, strict=True)
    return np.array([_mean(np.hypot(*np.moveaxis(warp(b, flow) - a, -1, 0)), there) for (a, b), flow, there in pairs])


def flicker_energy(ab: np.ndarray, on: np.ndarray, seen: np.ndarray) -> float:
    """Root mean square of ``(a - 2 b + c) / sqrt(6)`` over three frames along the motion: flashes, not slow changes."""
    found = []
    for t in range(len(ab) - 2):
        on_two = on[t] + warp(on[t + 1], on[t])
        there = seen[t] & (warp(seen[t + 1].astype(np.float32), on[t]) > 0.99)
        second = ab[t] - 2 * warp(ab[t + 1], on[t]) + warp(ab[t + 2], on_two)
        found.append(_mean((second**2).sum(-1) / 6, there))
    return float(np.sqrt(np.nanmean(found)))


def color_distribution_consistency(rgb: np.ndarray) -> float:
    """CDC of 8-bit frames ``(T, H, W, 3)``: how much the histograms change; lower is steadier, gray best of all.

    Mean Jensen-Shannon divergence of each channel's 256 bins between frames 1, 2 and 4 apart (Liu et al. 2024).
    """
    shares = np.stack(
        [[np.bincount(frame[..., c].ravel(), minlength=256) for c in range(3)] for frame in rgb]
    ) / np.prod(rgb.shape[1:3])
    return float(np.mean([_divergence(shares[:-d], shares[d:]).mean() for d in (1, 2, 4)]))


def chroma_ratio(ab: np.ndarray, other: np.ndarray) -> float:
    """Mean chroma of one film over that of another: steadiness is no art where colours fade."""
    return float(np.hypot(*np.moveaxis(ab, -1, 0)).mean() / np.hypot(*np.moveaxis(other, -1, 0)).mean())


def lag(ab: np.ndarray, truth: np.ndarray, at: int, share: float = 0.9) -> int:
    """Frames after ``at`` until that share of a change of colour is reached; the camera stands."""
    change = truth[at] - truth[at - 1]
    reached = ((ab[at:] - truth[at - 1]) * change).sum((1, 2, 3)) / (change**2).sum()
    late = np.flatnonzero(reached >= share)
    return int(late[0]) if len(late) else len(reached)


def motion(lumas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``on`` and ``seen`` of a film ``(T, H, W)`` L* whose motion is not known, by DIS optical flow (Kroeger 2016)."""
    on, seen = [], []
    for here, there in pairwise(lumas):
        one, two = ((luma * 2.55).clip(0, 255).astype(np.uint8) for luma in (here, there))
        forth, back = (flow_by(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, *pair) for pair in ((one, two), (two, one)))
        on.append(forth)
        seen.append(confidence(forth, back, here, there) > 0.5)
    return np.stack(on), np.stack(seen)


def colors(film: Path, colorizer: Colorizer, steady: float = 1.0, every: int = 1) -> np.ndarray:
    """The ab ``(T, h, w, 2)`` that are laid over a film, at the size that the network sees."""
    painter = Painter(colorizer, Look())
    held = Steady(painter.predict, steady, every)
    with media.opened(film) as opened:
        found = [ab for frame in media.frames(opened) for ab in held.add(painter.small(frame))]
    return np.stack(found + list(held.flush()))


def judge(films: Mapping[str, np.ndarray], scene: Scene, base: str) -> dict[str, dict[str, float]]:
    """The numbers of the colours ``(T, h, w, 2)`` laid over a scene; ``base`` names those of chroma ratio 1.

    Beside them the true colours, and none.
    """
    height, width = films[base].shape[1:3]
    small = scene.resized(width, height)
    truth = small.lab
    rows: dict[str, np.ndarray] = {"original": truth[..., 1:], "gray": np.zeros_like(truth[..., 1:]), **films}
    return {name: _numbers(ab, truth, small, films[base]) for name, ab in rows.items()}


def _numbers(ab: np.ndarray, truth: np.ndarray, scene: Scene, base: np.ndarray) -> dict[str, float]:
    shown = np.rint(lab_to_rgb(np.concatenate((truth[..., :1], ab), -1)) * 255).astype(np.uint8)
    return {
        "t_ab": float(np.nanmean(changes(ab, scene.on, scene.seen))),
        "flicker_energy": flicker_energy(ab, scene.on, scene.seen),
        "cdc": 1000 * color_distribution_consistency(shown),
        "chroma_ratio": chroma_ratio(ab, base),
        "mse_ab": float(((ab - truth[..., 1:]) ** 2).mean()),
    }


def filter_faults(lit: Scene, at: int, two: Scene, cut: int) -> dict[str, float]:
    """Lag, in frames, where a scene is ``lit`` from a frame on; leak, in ab units, over the ``cut`` of two scenes.

    Of the filter alone: its network knows the true colours. Behind the change of light they are 60 units off; the
    leak is what is left after the cut of paint, 60 units off, before it.
    """
    lab, painted = lit.lab, two.lab
    lab[at:, ..., 1:] += 60
    plain = _steadied(painted)[cut:]
    painted[:cut, ..., 1:] += 60
    return {
        "lag": lag(_steadied(lab), lab[..., 1:], at),
        "leak": float(np.abs(_steadied(painted)[cut:] - plain).max()),
    }


def _steadied(lab: np.ndarray) -> np.ndarray:
    """What the filter makes of known colours ``(T, H, W, 3)``."""
    known = {luma.tobytes(): ab for luma, ab in zip(lab[..., 0], lab[..., 1:], strict=True)}
    steady = Steady(lambda luma: known[luma.tobytes()])
    found = [ab for luma in np.ascontiguousarray(lab[..., 0]) for ab in steady.add(luma)]
    return np.stack(found + list(steady.flush()))


def _mean(values: np.ndarray, there: np.ndarray) -> float:
    return float(values[there].mean()) if there.any() else float("nan")


def _divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon, natural logarithm, over the last axis."""
    middle = (p + q) / 2
    parts = (np.where(x > 0, x * np.log(np.where(x > 0, x / np.where(middle > 0, middle, 1), 1)), 0) for x in (p, q))
    return sum(part.sum(-1) for part in parts) / 2
