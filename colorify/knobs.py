"""How a picture is coloured: one set of knobs for Python, the command line, archives, films and the studio.

A new knob is a field here, with its help and range in its metadata: the command line takes it from there. One that
changes colours does so in `Knobs.applied`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from colorify.hints import Hint
    from colorify.masks import Mask
    from colorify.palettes import Color
    from colorify.references import Reference


_TAKEN = {"references": "colorify.references", "palette": "colorify.palettes", "mask": "colorify.masks"}
"""Whose function ``taken`` makes a knob of what a user gives; imported where there is something to take."""


def _knob(default: Any, help: str, low: float | None = None, high: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "min": low, "max": high})


def _told(option: str, kind: Any, help: str) -> dict[str, Any]:
    """Of a knob that is more than a number: its option has another name, and takes another type."""
    return {"help": help, "option": option, "told": kind}


@dataclass(frozen=True)
class Knobs:
    """What may be asked of a colouring; `ValueError` for a value out of its range."""

    size: int | None = _knob(None, "Short side that the network sees, px; default: the model's own.", 16, 4096)
    saturation: float = _knob(1.0, "Multiplies the chroma: 0 is gray, 1 leaves the model's.", 0, 10)
    blur: float = _knob(0.0, "Sigma of a Gaussian blur of the chroma alone, px of the picture.", 0, 1000)
    temperature: float | None = _knob(None, "Of a classifier: 1 the mean of likely colours, 0 the likeliest.", 0, 1)
    idea: int = _knob(0, "Of a classifier: another plausible result, by its number.", 0, 1_000_000)
    variety: float = _knob(0.5, "How unlikely the colours of an idea may be: 1 as the model believes.", 0, 10)
    tta: bool = _knob(True, "Show the network a smaller, mirrored copy too: better, 1.6 times the time.")
    reference_strength: float = _knob(
        1.0, "How far references are followed: 1 where they match for sure, 0 nowhere.", 0, 1
    )
    references: tuple[Reference, ...] = field(
        default=(),
        metadata=_told("--reference", list[Path], "A picture in color that the result is to be like; may be repeated."),
    )
    palette_strength: float = _knob(1.0, "How far colors are drawn to the palette: 1 leaves no others.", 0, 1)
    palette: tuple[Color, ...] | None = field(
        default=None,
        metadata=_told("--palette", str | None, "A picture with the colors to keep to, or a list: navy,#8b4513,khaki."),
    )
    mask: Mask | None = field(
        default=None,
        metadata=_told(
            "--mask",
            Path | None,
            "A picture: white is colored, black stays as it was; of a film also a film, or m%06d.png.",
        ),
    )
    provenance: bool = _knob(True, "Say in the result's metadata that it was coloured, by which model and knobs.")
    badge: bool = _knob(False, "Draw a small mark into the corner of a picture: colorized.")
    hints: tuple[
        Hint, ...
    ] = ()  # places of the upright picture, in px, and the ab that they are to have; of a film, when

    def __post_init__(self) -> None:
        object.__setattr__(self, "hints", tuple(self.hints))
        for name, module in _TAKEN.items():
            given = getattr(self, name)
            if not (given is None or (isinstance(given, (list, tuple)) and not given and name == "references")):
                object.__setattr__(self, name, import_module(module).taken(given))
        object.__setattr__(self, "references", tuple(self.references or ()))
        for knob in fields(self):
            value, low, high = getattr(self, knob.name), knob.metadata.get("min"), knob.metadata.get("max")
            if low is not None and value is not None and not low <= value <= high:
                raise ValueError(f"{knob.name} {value}: expected {low} to {high}")

    def told(self) -> str:
        """Those that are not as they are by default, in words."""
        said = []
        for knob in fields(self):
            value = getattr(self, knob.name)
            if value != knob.default and knob.name not in ("provenance", "badge"):
                plain = isinstance(value, (bool, int, float))
                counted = len(value) if isinstance(value, tuple) else "given"
                said.append(f"{knob.name}={value if plain else counted}")
        return " ".join(said)

    def applied(self, ab: np.ndarray) -> np.ndarray:
        """What the knobs of colour make of a prediction ``(..., 2)``, for pictures and films alike."""
        return ab * self.saturation

    def undone(self, ab: np.ndarray) -> np.ndarray:
        """What `applied` makes of it is ``ab (..., 2)``; where that is always gray, ``ab`` itself."""
        return ab / self.saturation if self.saturation else ab
