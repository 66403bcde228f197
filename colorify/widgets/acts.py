"""What the page may ask the studio to do: a message ``{do, ...}`` each; places are shares of width and height, 0..1."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorify import hints
from colorify.hints import Hint
from colorify.widgets import exporting, panel
from colorify.widgets.painting import PAINTING
from colorify.widgets.reel import PREVIEW, Reel, options_of
from colorify.widgets.session import GIVEN, GRAY, Choice, Session, name_of
from colorify.widgets.shelf import History, Item, Mark

if TYPE_CHECKING:
    from colorify.widgets.studio import Studio

Act = dict[str, Any]
_NEAR = 12  # likely colours that are offered


def _part(studio: Studio, act: Act) -> None:
    """A part of a file that is dropped, pasted or chosen; the last one opens it."""
    path = studio.shelved.part(act["upload"], act["name"], act["part"], act["buffers"][0])
    if act["part"] + 1 < act["of"]:
        return
    if knob := act.get("knob"):
        studio.turn({knob: [*studio.knobs[knob], str(path)]})
    else:
        _read(studio, path, Path(act["name"]).stem)


def _read(studio: Studio, path: Path, name: str) -> None:
    if path.suffix.lower() == ".csv":
        _load(studio, path)
    else:
        studio.take(studio.shelved.add(path, name))


def _load(studio: Studio, path: Path) -> None:
    """Hints that were saved; of a film, those of its moments."""
    found, reel, item = hints.read(path), studio.reel, studio.shelved.now
    timed = [one for one in found if reel and (one.time, one.frame) != (None, None)]
    here = hints.check([one for one in found if one not in timed], studio.session.size)
    if reel and timed:
        _load_moments(item, studio.session, reel, timed)
    if here or not timed:
        studio.change([_marked(studio.session, hint) for hint in here])
    else:
        studio.refresh()
    if any(hint.region for hint in found):
        studio.say("The regions of these hints are left out: add one as a mask, and choose that it limits your hints")


def _load_moments(item: Item, session: Session, reel: Reel, timed: list[Hint]) -> None:
    """Hints of a film, each at the frame that is nearest."""
    moments: dict[float, list[Mark]] = {}
    for hint in hints.check_film(timed, session.size, reel.step, reel.length):
        time = (hint.frame or 0) * reel.step if hint.time is None else hint.time
        picture, at = reel.still(max(0.0, time - reel.step / 2))
        moments.setdefault(at, []).append(_marked(session.beside(picture), hint))
    for at, marks in moments.items():
        item.histories.setdefault(at, History()).change(marks)


def _marked(session: Session, hint: Hint) -> Mark:
    """A hint that was read, in the colour that it has in a picture."""
    x, y = ((place + 0.5) / length for place, length in zip((hint.x, hint.y), session.size, strict=True))
    return Mark(hint.x, hint.y, session.color_at(x, y, hint.ab), hint.ab)


def _path(studio: Studio, act: Act) -> None:
    path = Path(act["path"]).expanduser()
    _read(studio, path, path.stem)


def _sample(studio: Studio, act: Act) -> None:
    path = studio.shelved.sample(act["name"])
    known = [item for item in studio.shelved.items if item.path == path]
    studio.take(known[0] if known else studio.shelved.add(path, act["name"]))


def _pick(studio: Studio, act: Act) -> None:
    studio.take(studio.shelved.find(act["item"]))


def _close(studio: Studio, act: Act) -> None:
    item = studio.shelved.find(act["item"])
    if len(studio.shelved.items) == 1:
        raise ValueError("the last picture stays: open another one first")
    was = studio.shelved.item
    studio.shelved.close(item)
    if item is was:
        studio.take(studio.shelved.now)
    studio.show_shelf()


def _turn(studio: Studio, act: Act) -> None:
    studio.turn(act["knobs"])


def _reset(studio: Studio, act: Act) -> None:
    """All knobs of the picture; those of the export stay."""
    kept = {"format", "depth", "keep_luma", "beside", "layers", "provenance", "badge"}
    defaults = {control["name"]: control["default"] for group in studio.panel for control in group["controls"]}
    studio.turn({name: value for name, value in defaults.items() if name not in kept})


def _ideas(studio: Studio, act: Act) -> None:
    """Four more."""
    if studio.session.classifier is None:
        raise ValueError("no model here has ideas: name a classifier, such as lowres")
    studio.session.think(4)
    studio.refresh()


def _compare(studio: Studio, act: Act) -> None:
    studio.compare(act["name"])


def _at(studio: Studio, x: float, y: float, color: str) -> Mark:
    width, height = studio.session.size
    return studio.mark(x * width, y * height, color)


def _marks(studio: Studio) -> list[Mark]:
    return list(studio.shelved.now.history.now)


def _hint(studio: Studio, act: Act) -> None:
    """One or several: a click, or a stroke of the brush."""
    new = [_at(studio, x, y, act["color"]) for x, y in act["places"]]
    places = {(one.x, one.y) for one in new}
    studio.change([one for one in _marks(studio) if (one.x, one.y) not in places] + list(dict.fromkeys(new)))


def _move(studio: Studio, act: Act) -> None:
    marks = _marks(studio)
    old = marks[act["hint"]]
    new = _at(studio, act["x"], act["y"], old.color)
    marks[act["hint"]] = new._replace(ab=old.ab)
    studio.change(marks)


def _recolor(studio: Studio, act: Act) -> None:
    marks = _marks(studio)
    old = marks[act["hint"]]
    marks[act["hint"]] = studio.mark(old.x, old.y, act["color"])
    studio.change(marks)


def _erase(studio: Studio, act: Act) -> None:
    gone = set(act["hints"])
    studio.change([one for number, one in enumerate(_marks(studio)) if number not in gone])


def _clear(studio: Studio, act: Act) -> None:
    studio.change([])


def _undo(studio: Studio, act: Act) -> None:
    studio.step(studio.shelved.now.history.undo)


def _redo(studio: Studio, act: Act) -> None:
    studio.step(studio.shelved.now.history.redo)


def _likely(studio: Studio, act: Act) -> None:
    """What the classifier thinks a place may be."""
    found = [[color, share, name_of(color)] for color, share in studio.session.palette(act["x"], act["y"], _NEAR)]
    studio.send({"said": "likely", "x": act["x"], "y": act["y"], "colors": found})


def _moment(studio: Studio, act: Act) -> None:
    _film(studio)
    studio.show_moment(act["time"])


def _film(studio: Studio) -> Reel:
    if studio.reel is None:
        raise ValueError("open a film first")
    return studio.reel


def _preview(studio: Studio, act: Act) -> None:
    """Two seconds from the moment on."""
    start = studio.shelved.now.moment
    _colored(studio, start, start + PREVIEW, "Two seconds in colour", download=False)


def _stretch(studio: Studio, act: Act) -> None:
    """As long as the panel says."""
    start = studio.shelved.now.moment
    _colored(studio, start, start + studio.knobs["seconds"], "The film in colour", download=True)


def _whole(studio: Studio, act: Act) -> None:
    """From the beginning to the end."""
    reel = _film(studio)
    _colored(studio, 0.0, reel.length + reel.step, "The whole film in colour", download=True)


def _film_choice(studio: Studio) -> Choice:
    choice = studio.choice(film=True)
    if choice.model in (GRAY, GIVEN) or choice.other == GIVEN:
        raise ValueError("a film takes its colours from a model: choose one in the strip")
    return choice


def _colored(studio: Studio, start: float, end: float, text: str, download: bool) -> None:
    reel, item = _film(studio), studio.shelved.now
    choice = studio.session.plainly(_film_choice(studio))
    options, mix = options_of(studio.knobs, choice.knobs, start, end), studio.session.mix(choice)
    out = Path(studio.shelved.home, f"{secrets.token_hex(8)}.mp4")

    def work(progress: Callable[[float], None]) -> None:
        reel.color(mix, options, out, progress)
        content = out.read_bytes()
        if studio.reel is reel:
            studio.clip = {"start": start, "film": content}
        if download:
            _give(studio, f"{item.name}-color.mp4", content)

    studio.jobs.start(text, work)
    if unheard := [time for time in item.times() if reel.shot(start) <= time < start - reel.step / 2]:
        studio.say(f"Hints at {unheard[0]:.2f} s come before this stretch: colour from there on, or all of it")


def _give(studio: Studio, name: str, content: bytes) -> None:
    """Let the page download a file."""
    studio.send({"said": "file", "name": name}, buffers=[content])


def _export(studio: Studio, act: Act) -> None:
    """The picture as the panel says; another one may be opened meanwhile."""
    choice, values, item = studio.choice(), panel.used(studio.knobs, studio.disabled), studio.shelved.now
    session, luma = copy(studio.session), studio.luma
    path = Path(studio.shelved.home, f"{secrets.token_hex(8)}{values['format']}")

    def work(progress: Callable[[float], None]) -> None:
        written, lost = exporting.save(session, luma, choice, values, path, progress)
        moment = f"-{item.moment:.2f}s" if item.film else ""
        _give(studio, f"{item.name}{moment}-color{''.join(written.suffixes)}", written.read_bytes())
        if lost:
            studio.say(f"Saved; {'; '.join(lost)}")

    studio.jobs.start("The whole picture", work)


def _save_hints(studio: Studio, act: Act) -> None:
    item = studio.shelved.now
    _give(studio, f"{item.name}-hints.csv", exporting.csv_of(item).encode())
    if studio.knobs["mask"] and studio.knobs["bound"] == panel.HINTS:
        studio.say("The region that limits them is a file of its own: Save region")


def _session(studio: Studio, act: Act) -> None:
    """Everything on the shelf in one folder."""
    now = studio.shelved.now
    studio.jobs.start("All pictures", lambda progress: _packed(studio, now, progress))


def _packed(studio: Studio, now: Item, progress: Callable[[float], None]) -> None:
    home, made = Path(studio.shelved.home, secrets.token_hex(8)), []
    home.mkdir()
    for number, item in enumerate(studio.shelved.items):
        progress(number / len(studio.shelved.items))
        with studio.lock:
            studio.take(item)
            made.append(_made(studio, item, home))
    with studio.lock:
        studio.take(now)
    out = home / "session.zip"
    exporting.archive(made, out)
    _give(studio, "colorify-session.zip", out.read_bytes())


def _made(studio: Studio, item: Item, home: Path) -> exporting.Made:
    """The result of what is open, as a file, and how it came about."""
    choice = _film_choice(studio) if item.film else studio.choice()
    plain = panel.used(studio.knobs, studio.disabled) | {"depth": next(iter(panel.DEPTHS))}
    path = None
    if not item.film:
        path = home / f"{item.number}{plain['format']}"
        path, _ = exporting.save(studio.session, studio.luma, choice, plain, path, lambda share: None)
    return exporting.Made(item, studio.session.plainly(choice), plain, path, studio.paths)


def _stop(studio: Studio, act: Act) -> None:
    studio.jobs.stop()


ACTS: dict[str, Callable[[Studio, Act], None]] = {
    "part": _part,
    "path": _path,
    "sample": _sample,
    "pick": _pick,
    "close": _close,
    "turn": _turn,
    "reset": _reset,
    "ideas": _ideas,
    "compare": _compare,
    "hint": _hint,
    "move": _move,
    "recolor": _recolor,
    "erase": _erase,
    "clear": _clear,
    "undo": _undo,
    "redo": _redo,
    "likely": _likely,
    "moment": _moment,
    "preview": _preview,
    "stretch": _stretch,
    "whole": _whole,
    "export": _export,
    "save hints": _save_hints,
    "session": _session,
    "stop": _stop,
    **PAINTING,
}
"""What each message does."""
