"""What the page is sent to be shown: chroma, masks, small pictures."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from colorify import pictures
from colorify.masks import Mask
from colorify.widgets import region
from colorify.widgets.panel import Group, Values
from colorify.widgets.reel import jpeg
from colorify.widgets.session import Session, thumb
from colorify.widgets.shelf import Item


def facts(session: Session, item: Item) -> dict:
    """What was opened, with its luma: {number, name, width, height, depth, film, original, luma: JPEG, own: its ab}."""
    width, height = session.size
    return {
        "number": item.number,
        "name": item.name,
        "width": width,
        "height": height,
        "depth": session.depth(),
        "film": item.film,
        "original": session.truth is not None,
        "luma": jpeg(Image.fromarray(session.shown.pixels), 92),
        "own": {} if session.truth is None else planes(session.truth),
    }


def planes(ab: np.ndarray) -> dict:
    """An ab ``(h, w, 2)`` as the page takes it: {width, height, ab: float16 pairs}."""
    return {"width": ab.shape[1], "height": ab.shape[0], "ab": ab.astype(np.float16).tobytes()}


@lru_cache(maxsize=2)
def png(mask: Mask) -> bytes:
    """A mask as a file, no larger than what is painted on."""
    return region.png(mask.values)


def guides(groups: Iterable[Group], values: Values) -> dict[str, list[dict]]:
    """The files that controls were given, by the name of the control."""
    controls = [control for group in groups for control in group.controls if control.kind == "files"]
    return {control.name: [guide(path) for path in values[control.name]] for control in controls}


@lru_cache(maxsize=256)
def guide(path: str) -> dict:
    """A reference or a mask, to be shown: {path, name, image: JPEG}."""
    picture = pictures.to_pil(pictures.upright(pictures.read(Path(path)))).convert("RGB")
    return {"path": path, "name": Path(path).name, "image": jpeg(thumb(picture), 85)}
