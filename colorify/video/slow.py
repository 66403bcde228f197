"""Colors that drift no faster than nobody minds, where neither the light nor what is seen gives a reason."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from colorify.video.flow import warp

DRIFT = 1.8  # ab units a second that gray may drift, about 3 CIEDE2000; colors, which are told apart less well, more
_COARSE = 0.02  # share more for each unit of chroma
_LIGHT, _CALM = 2.0, 0.05  # ab units that each unit of L* more or less allows, beyond so many a frame
_GRAIN = 21  # px: what is finer is no light
_FOLLOWS = 0.1  # share of a change of light that is seen a frame later: flicker is none
_SLIP, _NEAR = 0.02, np.ones((3, 3), np.uint8)  # px, about, that motion is off by a frame; px around
_STEP, _OTHER = 1.5, 1.0  # ab units from one frame to the next that are a drift; beyond them: another color
_SURE = 0.5  # confidence of the motion from which on a color is held
_NOTHING = np.zeros((0, 0, 4), np.float32)


class Slow:
    """Takes the colors of one frame after the other, and gives those to show."""

    def __init__(self, rate: float):
        """``rate``: frames a second."""
        self.most = DRIFT / rate
        self.last: np.ndarray = _NOTHING  # what was shown and asked for of the last frame, (h, w, 4)
        self.luma: np.ndarray = _NOTHING[..., 0]  # its light

    def __call__(self, luma: np.ndarray, ab: np.ndarray, back: np.ndarray, sure: np.ndarray) -> np.ndarray:
        """The ab ``(h, w, 2)`` to show for those of a frame with this L* ``(h, w)``.

        ``back (h, w, 2)`` leads to the frame before, as sure ``(h, w)`` as 0..1 says; at 0 they are as they come.
        """
        (a, b), seen = cv2.split(ab), cv2.blur(luma, (_GRAIN, _GRAIN))
        shown = a, b
        if self.luma.shape == luma.shape and sure.any():
            *last, was_a, was_b = cv2.split(warp(self.last, back))
            before = warp(self.luma, back)
            light = _FOLLOWS * (seen - before)
            seen = np.where(sure > _SURE, before + light, seen)
            most = self.most * (1 + _COARSE * cv2.magnitude(a, b)) + _LIGHT * np.maximum(np.abs(light) - _CALM, 0)
            most += _SLIP * cv2.magnitude(*(cv2.morphologyEx(one, cv2.MORPH_GRADIENT, _NEAR) for one in (a, b)))
            gap_a, gap_b = a - last[0], b - last[1]
            steps = np.maximum(cv2.magnitude(a - was_a, b - was_b) - _STEP, 0) / _OTHER
            held = np.minimum(sure / _SURE, 1) * np.exp(-(steps**2))
            held *= 1 - np.minimum(most / np.maximum(cv2.magnitude(gap_a, gap_b), 1e-6), 1)
            shown = a - gap_a * held, b - gap_b * held
        self.last, self.luma = cv2.merge((*shown, a, b)), seen
        return cv2.merge(shown)

    def state(self) -> dict[str, np.ndarray]:
        """What must be remembered."""
        return {"slow.last": self.last, "slow.luma": self.luma}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state`."""
        self.last, self.luma = state["slow.last"], state["slow.luma"]
