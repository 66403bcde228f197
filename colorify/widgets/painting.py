"""What the page may ask of the region: strokes, inverting, saving; each stroke is a mask file that `mask` names."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from colorify.widgets import panel, region
from colorify.widgets.region import Stroke

if TYPE_CHECKING:
    from colorify.masks import Mask
    from colorify.widgets.studio import Studio

Act = dict[str, Any]
_NONE = "paint a region first"


def _stroke(studio: Studio, act: Act) -> None:
    """A line of the region brush."""
    stroke = Stroke(act["places"], act["radius"], act["soft"], act["mode"])
    mask, path = panel.mask_of(studio.knobs), next(iter(studio.knobs["mask"]), "")
    if mask is None and stroke.mode == region.ERASE:
        raise ValueError(_NONE)
    values = region.blank(studio.session.size, stroke.mode) if mask is None else region.fitted(mask.values)
    ground, begun = studio.shelved.now.grounds.get(path, (values, path))
    made = region.painted(values, stroke, ground)
    if np.array_equal(made, ground):  # nothing painted is left
        studio.turn({"mask": [begun] if begun else []})
    else:
        _take(studio, made, ground, begun)


def _take(studio: Studio, values: np.ndarray, ground: np.ndarray, begun: str) -> None:
    """Use this mask ``(h, w)`` from now on; it was ``ground``, of the file ``begun`` or none, before any paint."""
    path = Path(tempfile.mkdtemp(dir=studio.shelved.home), "region.png")
    path.write_bytes(region.png(values))
    studio.shelved.now.grounds[str(path)] = ground, begun
    studio.turn({"mask": [str(path)]})


def _mask(studio: Studio) -> Mask:
    """That in use; `ValueError` if there is none."""
    mask = panel.mask_of(studio.knobs)
    if mask is None:
        raise ValueError(_NONE)
    return mask


def _invert(studio: Studio, act: Act) -> None:
    """Colour what was left, and leave what was coloured."""
    values = region.fitted(_mask(studio).values)
    ground, _ = studio.shelved.now.grounds.get(studio.knobs["mask"][0], (values, ""))
    _take(studio, 255 - values, 255 - ground, "")


def _save(studio: Studio, act: Act) -> None:
    """As the file that `colorify image --mask` and `colorify video --mask` read."""
    values = _mask(studio).values
    studio.send({"said": "file", "name": f"{studio.shelved.now.name}-region.png"}, buffers=[region.png(values)])


PAINTING: dict[str, Callable[[Studio, Act], None]] = {"stroke": _stroke, "invert": _invert, "save region": _save}
"""What each message does."""
