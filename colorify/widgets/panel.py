"""The side panel of the studio: its groups and controls, their ranges and words, and why one is out of use.

A new field of `colorify.knobs.Knobs` appears by itself in the group `Colour`; a row here gives it better words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from colorify.codec import TEMPERATURE
from colorify.knobs import Knobs
from colorify.masks import Mask, Moving
from colorify.params import nearest
from colorify.pictures import FORMATS, TABLE
from colorify.references import Reference
from colorify.widgets.luma import Luma
from colorify.widgets.session import GIVEN, GRAY, Session

Values = dict[str, Any]
COLORS, HINTS, REFERENCES = "colours", "hints", "references"
"""What a region may limit."""


@dataclass(frozen=True)
class Control:
    """One control: what it is called, what it says, and what it may be."""

    name: str
    label: str
    tip: str  # plain words, a sentence or two
    default: Any
    kind: str = "range"  # range, choice, check, text, or files: paths, at most `high` of them
    low: float = 0.0
    high: float = 1.0
    step: float = 0.05
    unit: str = ""
    late: bool = False  # its answer takes the network: sent when the slider is let go
    more: bool = False  # behind `More`


@dataclass(frozen=True)
class Group:
    """Controls under one heading; ``extra`` names what else the page puts there."""

    name: str
    title: str
    controls: tuple[Control, ...]


_SIZE = "How large a copy the model looks at. Larger finds small things, smaller sees the whole."
_KEEP = "What is in colour stays as it is; what is tinted by hand keeps its tint."
_MASK = "Paint it with the Region tool, or add a picture: white is coloured, black stays as it was."
_MODEL = (
    Control("model", "Model", "Who chooses the colours. The strip under the picture shows them all.", "", "choice"),
    Control("other", "Blend with", "A second model, whose colours are mixed in.", "", "choice"),
    Control("blend", "Share of it", "How much of the second model: at 0 nothing, at 1 that model alone.", 0.5),
    Control("size", "Network sees", _SIZE, 256, low=64, high=512, step=16, unit="px", late=True, more=True),
    Control("tta", "Look twice", "Also ask about a mirrored copy: better, but slower.", True, "check", more=True),
)
_COLOR = (
    Control("saturation", "Saturation", "How strong the colours are: 0 is gray, 1 as the model chose.", 1.0, high=3.0),
    Control(
        "temperature",
        "Temperature",
        "Low is bold: the likeliest colour wins. High is careful: the mean of all likely colours.",
        TEMPERATURE,
        low=0.02,
        step=0.02,
    ),
    Control("variety", "Variety of ideas", "How far ideas may stray from what is likely.", 0.5, high=2.0),
    Control("blur", "Soft edges", "Blurs the colours alone, never the picture.", 0.0, high=40, step=0.5, unit="px"),
    Control("keep_color", "Leave colour alone", _KEEP, False, "check"),
    Control("doubt", "Show where it is unsure", "Orange: places where a hint from you helps most.", False, "check"),
)
_GUIDES = (
    Control("references", "References", "Pictures in colour that this one is to be like.", [], "files", high=8),
    Control("reference_strength", "Follow them", "How far: 1 wherever they match for sure, 0 nowhere.", 1.0),
    Control("palette", "Palette", "Colours to keep to, such as: navy, khaki, #8b4513.", "", "text"),
    Control("palette_strength", "Keep to it", "How far: at 1 no other hues are left.", 1.0),
)
_BOUND = "What ends with the region: all colours, or how far your hints or the references reach."
_REGION = (
    Control("mask", "Mask", _MASK, [], "files", high=1),
    Control("bound", "It limits", _BOUND, COLORS, "choice"),
)
_FILM = (
    Control("steady", "Steadiness", "1 keeps colours from flickering, 0 colours every frame for itself.", 1.0),
    Control(
        "every", "Look every", "The model looks at each so-many-th frame: more is faster.", 1, low=1, high=8, step=1,
        unit="frames",
    ),
    Control(
        "memory", "Remember shots", "So many frames of earlier shots say how the same things look in later ones.", 0,
        high=16, step=1, unit="frames",
    ),
    Control("seconds", "Length", "How much is coloured, from there on.", 4.0, low=0.5, high=60, step=0.5, unit="s"),
    Control("deinterlace", "Deinterlace", "Of an interlaced film: whole frames.", False, "check"),
    Control("sides", "Gray beside colour", "Both in one film, in a row.", False, "check"),
)  # fmt: skip
_EXPORT = (
    Control("format", "Format", "PNG and TIFF lose nothing; JPEG, WebP and AVIF are smaller.", ".png", "choice"),
    Control("depth", "Depth", "Bits of a channel. 16 is for further editing.", "as the file", "choice"),
    Control("keep_luma", "Keep the luma", "From JPEG to JPEG: the gray stays as it is, bit for bit.", False, "check"),
    Control("beside", "Gray beside colour", "Both in one picture, in a row.", False, "check"),
    Control("layers", "Layers", "Colour as a layer over the gray: a TIFF of pages, or OpenRaster.", False, "check"),
    Control("provenance", "Say that it was coloured", "In the metadata: by which model and knobs.", True, "check"),
    Control("badge", "Badge", "A small mark in the corner of the picture: colorized.", False, "check"),
)
_GROUPS = (
    Group("model", "Model", _MODEL),
    Group("color", "Colour", _COLOR),
    Group("hints", "Hints", ()),
    Group("guides", "References and palette", _GUIDES),
    Group("region", "Region", _REGION),
    Group("film", "Film", _FILM),
    Group("export", "Export", _EXPORT),
)
_ELSEWHERE = {"hints", "idea"}  # knobs that the picture and the strip are for
DEPTHS = {"as the file": None, "8 bits": 8, "16 bits": 16}


def _found(knob: Any) -> Control:
    """A control for a knob that has no row above."""
    help, low, high = (knob.metadata.get(key) for key in ("help", "min", "max"))
    label = knob.name.replace("_", " ").capitalize()
    if knob.metadata.get("told", str) not in (str, str | None):
        return Control(knob.name, label, help, [], "files", high=1 if knob.default is None else 8)
    if isinstance(knob.default, bool):
        return Control(knob.name, label, help, knob.default, "check")
    if low is None or high is None:
        return Control(knob.name, label, help, knob.default or "", "text")
    step = 1 if isinstance(knob.default, int) else round((high - low) / 100, 3)
    return Control(knob.name, label, help, knob.default, low=low, high=high, step=step)


def groups(session: Session, first: str) -> tuple[Group, ...]:
    """All groups for these models, ``first`` being the one to begin with."""
    known = {control.name for group in _GROUPS for control in group.controls}
    further = tuple(_found(knob) for knob in fields(Knobs) if knob.metadata and knob.name not in known | _ELSEWHERE)
    defaults = {"model": first, "size": session.models[first].size}
    return tuple(
        replace(
            group,
            controls=tuple(
                replace(control, default=defaults.get(control.name, control.default))
                for control in group.controls + (further if group.name == "color" else ())
            ),
        )
        for group in _GROUPS
    )


def spelled(found: tuple[Group, ...]) -> list[dict]:
    """The groups as the page takes them."""
    return [asdict(group) for group in found]


def defaults(found: tuple[Group, ...]) -> Values:
    """The values to begin with."""
    return {control.name: control.default for group in found for control in group.controls}


def checked(found: tuple[Group, ...], now: Values, given: Mapping[str, Any], session: Session) -> Values:
    """The values ``now`` with those ``given``; `ValueError` names one that is unknown or out of its range."""
    controls = {control.name: control for group in found for control in group.controls}
    for name, value in given.items():
        if name not in controls:
            raise ValueError(f"unknown knob {name!r}{nearest(name, controls)}")
        control, may = controls[name], choices(session)
        if control.kind == "choice" and value not in may[name]:
            raise ValueError(f"{name} {value!r}: choose one of {', '.join(map(repr, may[name]))}")
        high = reach(session).get(name, control.high)
        if control.kind == "range" and not control.low <= float(value) <= high:
            raise ValueError(f"{name} {value}: expected {control.low:g} to {high:g}")
    values = now | {name: _typed(controls[name], value) for name, value in given.items()}
    knobs_of(values)
    return values


def _typed(control: Control, value: Any) -> Any:
    if control.kind == "files":
        return [str(path) for path in value][-int(control.high) :]
    return type(control.default)(value) if control.default is not None and control.kind != "choice" else value


def used(values: Values, disabled: Mapping[str, str]) -> Values:
    """The same values, but a switch that is out of use is off."""
    return {name: False if value is True and name in disabled else value for name, value in values.items()}


def knobs_of(values: Values, hints: tuple = ()) -> Knobs:
    """The `Knobs` that the values say."""
    named = {knob.name for knob in fields(Knobs)}
    told = {name: _told(name, value) for name, value in values.items() if name in named}
    given: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    return _bounded(Knobs(**given, hints=hints), values.get("bound", COLORS))


def mask_of(values: Values) -> Mask | None:
    """The region, whatever it limits; `ValueError` for one of many frames."""
    mask = knobs_of({"mask": values["mask"]}).mask
    if isinstance(mask, Moving):
        raise ValueError(f"{mask.name}: a mask that moves is for the command line: colorify video --mask")
    return mask


def _bounded(knobs: Knobs, bound: str) -> Knobs:
    """The same knobs, whose mask limits what it is to."""
    mask = knobs.mask
    if mask is None or bound == COLORS:
        return knobs
    if bound == HINTS:
        return replace(knobs, mask=None, hints=tuple(hint._replace(region=mask) for hint in knobs.hints))
    return replace(knobs, mask=None, references=tuple(_within(one, mask) for one in knobs.references))


@lru_cache(maxsize=16)
def _within(reference: Reference, mask: Mask) -> Reference:
    """The same reference, heard in a region alone."""
    return Reference(reference.picture, reference.name, mask)


def _told(name: str, value: Any) -> Any:
    """A value as `Knobs` take it; nothing: as they are by themselves."""
    if isinstance(value, list | str):
        return _read(name, tuple(value) if isinstance(value, list) else value) if value else None
    return value


@lru_cache(maxsize=64)
def _read(name: str, value: tuple[str, ...] | str) -> Any:
    """What files or words stand for; read once."""
    single = next(knob for knob in fields(Knobs) if knob.name == name).default is None
    given: Any = value if isinstance(value, str) else value[0] if single else list(value)
    return getattr(Knobs(**{name: given}), name)


def choices(session: Session) -> dict[str, dict[Any, str]]:
    """What the choices may be, by control: value and words."""
    words = {GRAY: "none: only your hints", GIVEN: "from the notebook"}
    models = {name: words.get(name, name) for name in session.names()}
    formats = {row.suffixes[0]: row.name for row in TABLE if row.depths and (not row.package or find_spec(row.package))}
    return {
        "model": models,
        "other": {"": "nothing"} | {name: text for name, text in models.items() if name != GRAY},
        "format": formats,
        "depth": {text: text for text in DEPTHS},
        "bound": {COLORS: "all colours", HINTS: "your hints", REFERENCES: "the references"},
    }


def reach(session: Session) -> dict[str, float]:
    """The highest values that are those of the picture: a blur as wide as a tenth of it."""
    return {"blur": max(40.0, min(session.size) // 10)}


def disabled(session: Session, values: Values, luma: Luma | None = None) -> dict[str, str]:
    """Why a control is out of use, by its name; ``luma`` is that of the picture, nothing: a film is open."""
    used = [values["model"], *([values["other"]] if values["other"] and values["blend"] else [])]
    classifier, reasons = session.classifier, {}
    if not any(map(session.classifies, used)):
        cure = f"choose {classifier} or an idea" if classifier else "no model here does that"
        reasons["temperature"] = f"{values['model']} gives one colour, not several likely ones: {cure}"
    if not any(name in session.ideas for name in used):
        reasons["variety"] = "for ideas: choose one in the strip" if classifier else "no model here has ideas"
    if not values["other"]:
        reasons["blend"] = "choose a second model first"
    if not values["references"]:
        reasons["reference_strength"] = "add a reference first"
    if not values["palette"]:
        reasons["palette_strength"] = "name a palette first"
    if classifier is None:
        reasons["doubt"] = "no model here knows how sure it is"
    if values["model"] in (GRAY, GIVEN):
        reasons |= dict.fromkeys(("size", "tta"), "no network has its say here")
    if not values["mask"]:
        reasons["bound"] = "paint a region first"
    if values["layers"]:
        reasons["beside"] = "layers lie over each other"
    if luma and session.own is None:
        reasons["keep_color"] = "the picture has no colours of its own"
    if unkept := _unkept(session, values, luma):
        reasons["keep_luma"] = unkept
    elif values["keep_luma"]:
        reasons |= dict.fromkeys(_CHANGING, "switch off Keep the luma first")
    if "16" not in FORMATS[values["format"]].depths:
        reasons["depth"] = f"{FORMATS[values['format']].name} holds 8 bits: choose PNG or TIFF for 16"
    return reasons


_CHANGING = {"layers": "Layers", "beside": "Gray beside colour", "badge": "Badge"}
"""What changes the luma of a result, or its size."""


def _unkept(session: Session, values: Values, luma: Luma | None) -> str:
    """Why the luma of the file cannot be kept; empty: it can."""
    if luma is None:
        return "a frame of a film is no JPEG file"
    if not luma.is_jpeg:
        return "the file that you opened is no JPEG"
    if FORMATS[values["format"]].name != "JPEG":
        return "choose JPEG as the format"
    if found := [words for name, words in _CHANGING.items() if values[name]]:
        return f"switch off {found[0]} first"
    if isinstance(luma.found, str):
        return luma.found
    if values["mask"] and values["bound"] == COLORS and not luma.is_gray:
        return "beside the region the file's own colours stay: clear the region first"
    if values["keep_color"] and session.own is not None:
        return "switch off Leave colour alone first"
    return ""
