"""A palette: the colors that a picture is to keep to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from colorify import pictures
from colorify.codec import Bits, Codec, softmax
from colorify.color import rgb_to_lab, to_rgb
from colorify.hints import ab_of
from colorify.pictures import PictureError

if TYPE_CHECKING:
    from colorify.pictures.taken import Source

Color = tuple[float, float]
"""a and b."""

_MOST = 16  # colors that are taken from a picture
_APART = 6.0  # ab units: nearer ones are the same color
_SHARE = 0.01  # of a picture: less is no color of it
_REACH = 15.0  # ab units: sigma of how far a turn takes what the model says, and its classes
_DECIDED = 12.0  # 1 would mix colors that are about as near
_DOUBT = 0.01  # probability of colors that a classifier rules out


def taken(given: Source | Iterable[str | Color]) -> tuple[Color, ...]:
    """The colors of a picture, or of a list of names, ``#rrggbb`` and pairs of a and b, also as ``navy,#8b4513``.

    `PictureError` for what is none, and for fewer than two different colors.
    """
    if not isinstance(given, (str, list, tuple)) or (isinstance(given, str) and _is_file(given)):
        return _enough(_of_picture(given), f"palette {given}" if isinstance(given, (str, Path)) else "palette")
    names = [name for name in given.split(",") if name.strip()] if isinstance(given, str) else list(given)
    return _enough([_color(name) for name in names], "palette")


def _is_file(text: str) -> bool:
    return Path(text).suffix.lower() in pictures.SUFFIXES or ("," not in text and Path(text).is_file())


def _color(given: str | Color) -> Color:
    try:
        a, b = ab_of(given.strip()) if isinstance(given, str) else map(float, given)
    except (TypeError, ValueError):
        raise PictureError(f"palette: {given!r} is no color: expected a name, #rrggbb, or a picture file") from None
    if not (abs(a) <= 128 and abs(b) <= 128):
        raise PictureError(f"palette: a {a:g}, b {b:g}: expected -128 to 128")
    return a, b


def _enough(colors: list[Color], name: str) -> tuple[Color, ...]:
    kept: list[Color] = []
    for color in colors:
        if all(np.hypot(*np.subtract(color, other)) >= _APART for other in kept):
            kept.append(color)
    if len(kept) < 2:
        found = "one color" if kept else "no colors"
        raise PictureError(f"{name}: has {found}: name two or more that differ in hue or chroma, such as navy,khaki")
    return tuple(kept)


def _of_picture(given: object) -> list[Color]:
    """The main colors of a picture, the commonest first."""
    try:
        picture = pictures.taken(given)
    except PictureError as error:
        raise PictureError(f"the palette {error}") from None
    image = pictures.as_srgb(picture)
    image.thumbnail((256, 256), Image.Resampling.NEAREST)  # swatches stay what they are
    few = image.quantize(_MOST, Image.Quantize.MEDIANCUT)
    counts = sorted(((count, number) for number, count in enumerate(few.histogram())), reverse=True)
    table = np.reshape(few.getpalette() or (), (-1, 3))
    wanted = [table[number] for count, number in counts if count >= _SHARE * image.width * image.height]
    return [(float(a), float(b)) for _, a, b in (rgb_to_lab(to_rgb(color)) for color in np.array(wanted, np.uint8))]


def drawn(ab: np.ndarray, palette: tuple[Color, ...], strength: float, output: np.ndarray, codec: Codec) -> np.ndarray:
    """The ab ``(h, w, 2)`` turned to hues of a palette that are near and that a classifier believes in.

    Chroma stays, up to that of the palette's color: what is neutral is no more colorful than before. ``output``
    ``(n, h, w)`` is what the head predicted; ``strength``, 0..1: 1 leaves no hues but those of the palette.
    """
    colors = np.array(palette, np.float32)
    turned = _turned(ab, colors)  # (h, w, colors, 2)
    near = -((ab[..., None, :] - turned) ** 2).sum(-1) / (2 * _REACH**2)
    if isinstance(codec, Bits):
        near = near + np.log(_believed(output, codec, colors) + _DOUBT)
    shares = np.moveaxis(softmax(_DECIDED * np.moveaxis(near, -1, 0)), 0, -1)
    return ab + np.float32(strength) * ((shares[..., None] * turned).sum(-2) - ab)


def _turned(ab: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Each ab ``(..., 2)`` in the hue of each color: ``(..., colors, 2)``."""
    most = np.linalg.norm(colors, axis=1)
    chroma = np.minimum(np.linalg.norm(ab, axis=-1)[..., None], most)
    return chroma[..., None] * (colors / np.maximum(most, 1e-3)[:, None])


def _believed(output: np.ndarray, codec: Bits, colors: np.ndarray) -> np.ndarray:
    """How likely a classifier takes colors that a turn to each one hardly changes: ``(h, w, colors)``."""
    apart = ((codec.centers[:, None] - _turned(codec.centers, colors)) ** 2).sum(-1)
    return np.moveaxis(softmax(output), 0, -1) @ np.exp(-apart / (2 * _REACH**2)).astype(np.float32)
