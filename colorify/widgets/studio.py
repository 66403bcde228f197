"""The studio: one widget, whose page (in `js`) draws and whose `Session` computes.

The page sends what the user does as messages, one each, so that no click is lost; what it shows are traits. The picture
goes to it once; a knob costs its chroma alone, which the page lays over the luma.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import RLock
from time import sleep
from typing import Any

import anywidget
import numpy as np
import traitlets
from PIL import Image

from colorify import pictures
from colorify.containers import is_film
from colorify.data import samples
from colorify.inference import Colorizer
from colorify.models import released
from colorify.widgets import panel
from colorify.widgets.acts import ACTS
from colorify.widgets.jobs import Jobs
from colorify.widgets.luma import Luma
from colorify.widgets.reel import Reel, jpeg
from colorify.widgets.session import GRAY, ORIGINAL, Choice, Session, name_of, thumb
from colorify.widgets.shelf import Mark, Shelf, mark
from colorify.widgets.shown import facts, guides, planes, png

_HERE = Path(__file__).parent
_IDEAS = 4
_CALM = 0.4  # seconds without a change before thumbnails are drawn anew
_FIRST = "china"  # the sample to begin with


def studio(models: Mapping[str, str | Path | Colorizer] | None = None, device: str = "auto") -> Studio:
    """The studio with the released models, and further ones by name: a checkpoint's path, or a `Colorizer`."""
    given = dict.fromkeys(released.models()) | dict(models or {})
    loaded = {
        name: model if isinstance(model, Colorizer) else Colorizer.load(model or name, device)
        for name, model in given.items()
    }
    paths = {name: str(model) for name, model in given.items() if isinstance(model, str | Path)}
    return Studio(Session(loaded), paths)


def _synced(trait: traitlets.TraitType) -> traitlets.TraitType:
    return trait.tag(sync=True)


class Studio(anywidget.AnyWidget):
    """The studio in a notebook: `knobs` and `hints` are read and set, `result` too, `show` takes another picture."""

    _esm = _HERE / "studio.js"
    _css = _HERE / "studio.css"
    knobs = _synced(traitlets.Dict(help="The values of the panel, by name; a part of them may be set."))
    hints = _synced(traitlets.List(help="{x, y, color, name} of each, in px of the upright picture."))
    panel = _synced(traitlets.List())  # the groups and their controls
    choices = _synced(traitlets.Dict())  # by control: [value, words] of each
    reach = _synced(traitlets.Dict())  # the highest value, by control, where it is that of the picture
    disabled = _synced(traitlets.Dict())  # why, by control
    picture = _synced(traitlets.Dict())  # see `facts`
    color = _synced(traitlets.Dict())  # {width, height, ab: float16 pairs}: to be laid over the luma
    left = _synced(traitlets.Dict())  # the same, on the other side of the divider, and whose: {..., name}
    strip = _synced(traitlets.List())  # {name, image}: gray, models, ideas
    shelf = _synced(traitlets.List())  # {number, name, image}: what was opened
    film = _synced(traitlets.Dict())  # {name, length, step, moment, shots, keys}; empty: a picture
    stills = _synced(traitlets.List())  # {time, image} along the film
    clip = _synced(traitlets.Dict())  # {start, film: MP4}: a stretch in colour
    samples = _synced(traitlets.List())  # {name, image}
    region = _synced(traitlets.Dict())  # {mask: PNG, laid: whether colours end with it, painted}; empty: no mask
    guides = _synced(traitlets.Dict())  # by control: {path, name, image} of each file
    notice = _synced(traitlets.Dict())  # {text, kind: error or note}
    progress = _synced(traitlets.Dict())  # {text, share}; empty: nothing is under way
    can = _synced(traitlets.Dict())  # {undo, redo}
    near = _synced(traitlets.Unicode())  # how near to the picture's own colours, in words
    answered = _synced(traitlets.Int())  # number of the last message that was answered

    def __init__(self, session: Session, paths: Mapping[str, str] | None = None):
        self.session, self.shelved, self.paths = session, Shelf(), dict(paths or {})
        self.reel: Reel | None = None
        self.luma: Luma | None = None  # of a file that is open; nothing: a frame of a film
        self.jobs, self.lock, self._quiet = Jobs(self), RLock(), False
        self._groups = panel.groups(session, session.first)
        self._drawn: tuple | None = None  # what the strip was made with
        super().__init__()
        self._quietly(knobs=panel.defaults(self._groups), panel=panel.spelled(self._groups))
        self.on_msg(self._heard)
        self.act({"do": "sample", "name": _FIRST})
        self.jobs.strip(self._sampled)

    # -- for notebooks --------------------------------------------------------------------------------------------

    @property
    def result(self) -> Image.Image:
        """The whole picture, coloured as the studio shows it, 8 bit; one that is set is taken as its colours."""
        with self.lock:
            return pictures.to_pil(pictures.upright(self.session.full(self.choice())))

    @result.setter
    def result(self, picture: Image.Image) -> None:
        with self.lock:
            self.session.give(picture)
            self.turn({"model": "yours"})
            self.draw_strip()

    def show(self, picture: str | Path | Image.Image, name: str = "picture") -> None:
        """Take another picture or film: a path, or a Pillow image; raises what is wrong with it."""
        if isinstance(picture, Image.Image):
            path = Path(self.shelved.home, f"{name}.png")
            picture.save(path)
            picture = path
        with self.lock:
            self.take(self.shelved.add(Path(picture), Path(picture).stem))

    def choice(self, film: bool = False) -> Choice:
        """What the panel and the hints say, of the picture or of the whole film; what is out of use says nothing."""
        values, item = (
            {name: value for name, value in self.knobs.items() if name not in self.disabled},
            self.shelved.now,
        )
        hints = item.timed() if film else tuple(mark.hint for mark in item.history.now)
        knobs = panel.knobs_of(values | ({"tta": True, "badge": False} if film else {}), hints)  # films have neither
        knobs = self.session.sparing(knobs) if values.get("keep_color") and not film else knobs
        return Choice(self.knobs["model"], self.knobs["other"] or None, values.get("blend", 0.0), knobs)

    # -- messages -------------------------------------------------------------------------------------------------

    def _heard(self, _: Any, content: dict, buffers: list[memoryview]) -> None:
        self.act(content, buffers)

    def act(self, content: dict, buffers: list[memoryview] | tuple = ()) -> None:
        """Do what a message of the page says, one at a time; an error becomes a notice."""
        with self.lock, self.hold_sync():
            self.notice = {}
            self.guarded(lambda: ACTS[content["do"]](self, {**content, "buffers": buffers}))
            self.answered = content.get("number", self.answered)

    def guarded(self, work: Callable[[], None]) -> None:
        """Do it; an error becomes a notice, in the user's own names."""
        try:
            work()
        except (ValueError, OSError, MemoryError, traitlets.TraitError) as error:
            self.say(self.shelved.own(str(error)) or type(error).__name__, "error")

    def say(self, text: str, kind: str = "note") -> None:
        """Show a line."""
        self.notice = {"text": text, "kind": kind}

    # -- what is worked on ----------------------------------------------------------------------------------------

    def take(self, item: Any) -> None:
        """Open what is on the shelf, or is to be."""
        reel = Reel(item.path, item.name) if is_film(item.path) else None
        if reel:
            source, item.moment = reel.still(item.moment)
        else:
            source = pictures.read(item.path)
        before = self.shelved.item
        if before:
            before.values = dict(self.knobs)
        self.reel = reel
        self.shelved.put(item)
        self.luma = None if reel else Luma(item.path, source)
        self._opened(source, item.values)
        if reel and not (before is item and self.stills):
            self.stills, self.clip = [], {}
            self.jobs.along(reel)
        elif not reel:
            self.film, self.stills, self.clip = {}, [], {}
        self.show_shelf()

    def show_moment(self, time: float) -> None:
        """Another frame of the film."""
        if self.reel:
            item, mask = self.shelved.now, self.knobs["mask"]
            source, item.moment = self.reel.still(time)
            item.history.change(item.history.now, mask)  # a region is that of the whole film
            self._opened(source, self.knobs)

    def _opened(self, source: pictures.Picture, values: Mapping[str, Any]) -> None:
        item, session, ideas = self.shelved.now, self.session, self.session.ideas
        session.open(source)
        if session.classifier:
            session.think(max(_IDEAS, len(ideas)))
        self._drawn = None
        self.picture = facts(session, item)
        if not item.thumb:
            item.thumb = jpeg(Image.fromarray(session.small.pixels))
        known = {name: value for name, value in values.items() if name in self.knobs}
        if known.get("model", GRAY) not in session.names() or known.get("other") not in ["", None, *session.names()]:
            known |= {"model": session.first, "other": ""}
        known["mask"] = list(item.history.mask)
        known["blur"] = min(known.get("blur", self.knobs["blur"]), panel.reach(session)["blur"])
        self._quietly(knobs=self.knobs | known)
        self.reach = panel.reach(session)
        self.compare(GRAY)
        self.refresh()

    def show_shelf(self) -> None:
        """All that was opened."""
        self.shelf = [{"number": item.number, "name": item.name, "image": item.thumb} for item in self.shelved.items]

    def show_film(self) -> None:
        """The time line."""
        item, reel = self.shelved.now, self.reel
        if reel:
            self.film = {
                "name": reel.name,
                "length": reel.length,
                "step": reel.step,
                "moment": item.moment,
                "shots": reel.shots,
                "keys": item.times(),
            }

    # -- knobs and hints ------------------------------------------------------------------------------------------

    @traitlets.validate("knobs")
    def _known(self, proposal: dict) -> dict:
        given = proposal["value"]
        if not self.knobs:
            return given
        try:
            return panel.checked(self._groups, self.knobs, given, self.session)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None

    @traitlets.validate("hints")
    def _placed(self, proposal: dict) -> list[dict]:
        return self._dots([self.mark(**{key: one[key] for key in ("x", "y", "color")}) for one in proposal["value"]])

    @traitlets.observe("knobs", "hints")
    def _set(self, change: dict) -> None:
        """A notebook set them."""
        if self._quiet or not self.shelved.item:
            return
        with self.lock, self.hold_sync():
            if change["name"] == "hints":
                marks = [self.mark(dot["x"], dot["y"], dot["color"]) for dot in change["new"]]
                self.shelved.now.history.change(marks)
            self.refresh()

    def turn(self, values: Mapping[str, Any]) -> None:
        """Set knobs, and show what comes of it; another model brings its own size."""
        before, model = dict(self.knobs), values.get("model")
        if model and "size" not in values and model in [*self.session.models, *self.session.ideas]:
            values = {**values, "size": self.session.model(model).size}
        self._quietly(knobs=dict(values))
        try:
            self.refresh()
        except ValueError:
            self._quietly(knobs=before)
            raise

    def mark(self, x: float, y: float, color: str) -> Mark:
        """A hint within the picture."""
        return mark(x, y, color, self.session.size)

    def change(self, marks: list[Mark]) -> None:
        """Other hints, which can be undone."""
        self.step(lambda: self.shelved.now.history.change(marks))

    def step(self, made: Callable[[], None]) -> None:
        """Show the hints and the mask after a step in their history."""
        made()
        self._quietly(knobs={"mask": list(self.shelved.now.history.mask)})
        self.refresh()

    def _quietly(self, **values: Any) -> None:
        """Set traits without an answer to each."""
        self._quiet = True
        try:
            for name, value in values.items():
                setattr(self, name, value)
        finally:
            self._quiet = False

    def _dots(self, marks: list[Mark] | tuple[Mark, ...]) -> list[dict]:
        return [{"x": one.x, "y": one.y, "color": one.color, "name": name_of(one.color)} for one in marks]

    # -- what is shown --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what the panel and the hints ask for."""
        session, history = self.session, self.shelved.now.history
        self.disabled = panel.disabled(session, self.knobs, self.luma)
        self.choices = {name: list(map(list, found.items())) for name, found in panel.choices(session).items()}
        choice, doubt = self.choice(), self.knobs["doubt"] and session.classifier
        ab, mask, painted = session.ab(choice), choice.knobs.mask, panel.mask_of(self.knobs)
        if painted:
            painted.check(session.size)
        self.color = planes(session.doubt() if doubt else ab)
        shown = mask or painted
        laid = {"laid": bool(mask) and not doubt, "painted": bool(painted)}
        self.region = {"mask": png(shown), **laid} if shown else {}
        history.change(history.now, self.knobs["mask"])
        share, gray = session.near(ab, mask), session.near(np.zeros((2, 2, 2), np.float32))
        self.near = "" if share is None else f"{share:.0%} near the picture's own colours (gray: {gray:.0%})"
        self._quietly(hints=self._dots(history.now))
        self.can = {"undo": bool(history.past), "redo": bool(history.future)}
        self.show_film()
        self.guides = guides(self._groups, self.knobs)
        self.draw_strip()

    def compare(self, name: str) -> None:
        """What stands left of the divider: gray, the original, or a model."""
        session = self.session
        truth = session.truth if name == ORIGINAL else None
        if name == GRAY or (name == ORIGINAL and truth is None):
            self.left = {"name": GRAY}
        else:
            self.left = {"name": name} | planes(session.ab(Choice(name)) if truth is None else truth)

    def draw_strip(self) -> None:
        """Make the thumbnails anew, if they would be others."""
        plain = panel.knobs_of({name: self.knobs[name] for name in ("tta", "temperature", "variety")})
        made = self.picture["number"], self.shelved.now.moment, tuple(self.session.names()), plain
        if made != self._drawn:
            self._drawn = made
            self.jobs.strip(partial(self._thumbs, plain, made))

    def _thumbs(self, plain: Any, made: tuple) -> None:
        """One after the other: who turns a knob meanwhile waits for one alone."""
        found: list[dict] = []
        if made == self._drawn and len(self.strip) == len(made[2]):  # no hurry while a slider moves
            sleep(_CALM)
        for name in made[2]:
            with self.lock:
                if made != self._drawn:
                    return
                found = [*found, {"name": name, "image": jpeg(self.session.preview(Choice(name, knobs=plain)), 85)}]
        with self.lock:
            if made == self._drawn:
                self.strip = found

    def _sampled(self) -> None:
        """What is offered to begin with."""
        self.samples = [{"name": name, "image": jpeg(thumb(samples.picture(name)), 85)} for name in samples.names()]

    def wait(self) -> None:
        """Until nothing is under way."""
        self.jobs.wait()
