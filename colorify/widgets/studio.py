"""The studio: a picture, the models, sliders, hints and a download, as one widget."""

from __future__ import annotations

import io
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import wraps
from html import escape
from pathlib import Path
from threading import RLock

import ipywidgets as widgets
from PIL import Image

from colorify import pictures
from colorify.codec import TEMPERATURE
from colorify.containers import is_film
from colorify.hints import Hint, ab_of
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import released
from colorify.widgets.clip import Clip
from colorify.widgets.compare import Compare
from colorify.widgets.session import Choice, Session, name_of

_THUMB = 155  # px: longest side in the row of models and in the gallery
_GALLERY = 4
_NONE = "none"


def studio(models: Mapping[str, str | Path | Colorizer] | None = None, device: str = "auto") -> Studio:
    """The studio with the released models, and further ones by name: a checkpoint's path, or a `Colorizer`."""
    given = dict.fromkeys(released.models()) | dict(models or {})
    loaded = {
        name: model if isinstance(model, Colorizer) else Colorizer.load(model or name, device)
        for name, model in given.items()
    }
    return Studio(Session(loaded))


def _answer(method: Callable) -> Callable:
    """One at a time, though JupyterLab has several threads ask; an error becomes a line in the studio."""

    @wraps(method)
    def guarded(self: Studio, *args) -> None:
        with self._busy:
            self.message.value = ""
            try:
                method(self, *args)
            except (ValueError, OSError, MemoryError) as error:
                self.message.value = f'<b role="alert">{escape(str(error) or type(error).__name__)}</b>'

    return guarded


class Studio(widgets.VBox):
    """Everything in one box; `session` does the work."""

    def __init__(self, session: Session):
        self.session = session
        self._busy = RLock()
        self._past: list[tuple[tuple[Hint, ...], list[str]]] = []
        self._hints: tuple[Hint, ...] = ()
        self._colors: list[str] = []  # of each hint, as it was chosen
        self._rows: list[dict] = []  # the hints that are listed
        self._seed = 0
        self._quiet = False  # while the studio itself sets sliders
        self.message = widgets.HTML()
        self.compare = Compare()
        self._make_source()
        self._make_knobs()
        self._make_hints()
        self._make_results()
        left = widgets.VBox([self.compare, self.scores, self.strip, self.gallery], layout={"width": "660px"})
        right = widgets.VBox([self.knobs, self.colors, self.results], layout={"width": "400px"})
        both = widgets.HBox([left, right], layout={"flex_flow": "row wrap"})
        super().__init__([self.sources, self.message, self.clip, both])
        self.add_class("colorify-studio")
        self._sampled()

    # -- what is shown --------------------------------------------------------------------------------------------

    def _make_source(self) -> None:
        from colorify import demo

        self._samples = demo.grays()
        self._folder = tempfile.TemporaryDirectory()
        kinds = ",".join(("image/*", "video/*", *pictures.FORMATS))
        self.upload = widgets.FileUpload(accept=kinds, description="Upload a picture or a film")
        self.upload.layout.width = "auto"
        self.upload.observe(self._uploaded, "value")
        self.place = widgets.Text(description="or a path", placeholder="on this machine", continuous_update=False)
        self.place.observe(self._placed, "value")
        self.sample = widgets.Dropdown(options=list(self._samples), description="or a sample")
        self.sample.observe(self._sampled, "value")
        self.sources = widgets.HBox([self.upload, self.place, self.sample])
        self.clip = Clip()
        self.clip.moment.observe(self._moved, "value")
        self.clip.button.on_click(self._filmed)

    @_answer
    def _uploaded(self, *_: object) -> None:
        for file in self.upload.value:
            path = Path(self._folder.name, "upload" + Path(file["name"]).suffix)
            path.write_bytes(file["content"])
            self._read(path, Path(file["name"]).stem)

    @_answer
    def _placed(self, *_: object) -> None:
        if self.place.value:
            path = Path(self.place.value).expanduser()
            self._read(path, path.stem)

    def _read(self, path: Path, name: str) -> None:
        if is_film(path):
            self._quietly(lambda: self.clip.take(path, name))
            self._open(*self.clip.still())
        else:
            self._take(pictures.read(path), name)

    @_answer
    def _sampled(self, *_: object) -> None:
        self._take(pictures.from_pil(self._samples[self.sample.value]), self.sample.value)

    def _take(self, picture: pictures.Picture, name: str) -> None:
        self._open(picture, name)
        self.clip.leave()

    @_answer
    def _moved(self, *_: object) -> None:
        if not self._quiet:
            self._open(*self.clip.still())

    def _open(self, picture: pictures.Picture | Image.Image, name: str) -> None:
        self.session.open(pictures.from_pil(picture) if isinstance(picture, Image.Image) else picture)
        self._name = name
        self._past, self._hints, self._colors = [], (), []
        self.compare.before = _jpeg(self.session.gray())
        self.palette.children = ()
        self._show_ideas()
        self._refresh()

    @_answer
    def _filmed(self, *_: object) -> None:
        asked = self.asked()
        corrected = self.session.full(asked) if asked.knobs.hints else None
        self.clip.color(self.session.mix(asked), asked.knobs, corrected)

    def _quietly(self, change: Callable[[], None]) -> None:
        """Set sliders without an answer to each."""
        self._quiet = True
        try:
            change()
        finally:
            self._quiet = False

    # -- knobs ----------------------------------------------------------------------------------------------------

    def _make_knobs(self) -> None:
        names = list(self.session.models)
        self._first = "highres" if "highres" in names else names[0]
        self.model = widgets.Dropdown(options=names, value=self._first)
        self.other = widgets.Dropdown(options=[_NONE, *names], value=_NONE)
        self.blend = widgets.FloatSlider(0.5, min=0, max=1, step=0.05)
        self.saturation = widgets.FloatSlider(1, min=0, max=3, step=0.05)
        self.blur = widgets.FloatSlider(0, min=0, max=40, step=0.5)
        self.size = widgets.IntSlider(self.session.models[self.model.value].size, min=64, max=384, step=16)
        self.temperature = widgets.FloatSlider(TEMPERATURE, min=0.02, max=1, step=0.02)
        self.unsure = widgets.Checkbox(False, indent=False, disabled=self.session.classifier is None)
        self.reset = widgets.Button(description="Reset the sliders")
        self.reset.on_click(self._reset)
        labelled = {
            "Model": self.model,
            "Blend with": self.other,
            "Share of it": self.blend,
            "Saturation": self.saturation,
            "Blur of colours, px": self.blur,
            "Network sees, px": self.size,
            "Temperature": self.temperature,
            "Show where it is unsure": self.unsure,
        }
        for text, knob in labelled.items():
            knob.description, knob.style.description_width = text, "140px"
            knob.observe(self._turned, "value")
        self.temperature.tooltip = "of a classifier: 1 the mean of likely colours, lower more decided"
        self.knobs = widgets.VBox([*labelled.values(), self.reset])

    @_answer
    def _reset(self, *_: object) -> None:
        def plain() -> None:
            self.blend.value, self.saturation.value, self.blur.value = 0.5, 1, 0
            self.temperature.value = TEMPERATURE
            self.other.value, self.unsure.value = _NONE, False
            self._fit()

        self._quietly(plain)
        self._refresh()

    def _fit(self) -> None:
        self.size.value = self.session.model(self.model.value).size

    def asked(self) -> Choice:
        """What the sliders and hints say."""
        knobs = Knobs(
            size=self.size.value,
            temperature=self.temperature.value,
            saturation=self.saturation.value,
            blur=self.blur.value,
            hints=self._hints,
        )
        other = None if self.other.value == _NONE else self.other.value
        return Choice(self.model.value, other, self.blend.value, knobs)

    @_answer
    def _turned(self, change: dict) -> None:
        if not self._quiet:
            if change["owner"] is self.model:
                self._quietly(self._fit)
            self._refresh()

    @_answer
    def _refresh(self) -> None:
        colored = self.session.preview(self.asked())
        shown = self.session.uncertainty() if self.unsure.value else colored
        self.compare.after = _jpeg(shown)
        self.download.value = ""
        numbers = self.session.scores(colored)
        said = ", ".join(f"{name} {value:.1f}" for name, value in numbers.items())
        self.scores.value = f"against the colours that were uploaded: {said}" if said else "&nbsp;"
        self._show_hints()

    # -- hints ----------------------------------------------------------------------------------------------------

    def _make_hints(self) -> None:
        self.picker = widgets.ColorPicker(value="#b5651d", description="Colour")
        self.picker.observe(self._named, "value")
        self.called = widgets.Label()
        self._named()
        self.palette = widgets.HBox(layout={"flex_flow": "row wrap"})
        self.listed = widgets.VBox()
        self.undo = widgets.Button(description="Undo", tooltip="takes the last change of the hints back")
        self.undo.on_click(self._undone)
        self.compare.observe(self._pointed, "pointed")
        self.compare.observe(self._dragged, "hints")
        about = widgets.HTML("<b>Hints</b>: click on the picture to give that place the colour below")
        self.colors = widgets.VBox(
            [about, widgets.HBox([self.picker, self.called]), self.palette, self.listed, self.undo]
        )

    def _named(self, *_: object) -> None:
        try:
            self.called.value = name_of(self.picker.value)
        except ValueError:
            self.called.value = "no colour"

    @_answer
    def _pointed(self, *_: object) -> None:
        """A hint where the user clicked, and the colours that are likely there."""
        x, y = self.compare.pointed["x"], self.compare.pointed["y"]
        self.palette.children = tuple(map(self._swatch, self.session.palette(x, y)))
        color = self.picker.value
        self._set((*self._hints, self._hint(x, y, color)), [*self._colors, color])

    def _hint(self, x: float, y: float, color: str) -> Hint:
        width, height = self.session.size
        return Hint(min(int(x * width), width - 1), min(int(y * height), height - 1), ab_of(color))

    def _swatch(self, likely: tuple[str, float]) -> widgets.Button:
        color, share = likely
        name = f"{name_of(color)}, {share:.0%}"
        button = widgets.Button(description=name, tooltip=f"{name}: the last hint takes this colour")
        button.style.button_color, button.layout.width = color, "auto"
        button.style.text_color = "black" if sum(bytes.fromhex(color[1:])) > 380 else "white"
        button.on_click(lambda _: self._recolored(color))
        return button

    @_answer
    def _recolored(self, color: str) -> None:
        self.picker.value = color
        if self._hints:
            last = self._hints[-1]._replace(ab=ab_of(color))
            self._set((*self._hints[:-1], last), [*self._colors[:-1], color])

    @_answer
    def _dragged(self, *_: object) -> None:
        """The user moved a hint, or took one away, in the picture."""
        now = [(dot["x"], dot["y"], dot["color"]) for dot in self.compare.hints]
        if now != [(dot["x"], dot["y"], dot["color"]) for dot in self._dots()]:
            hints = tuple(self._hint(*dot) for dot in now)
            self._set(hints, [color for _, _, color in now])

    @_answer
    def _set(self, hints: tuple[Hint, ...], colors: list[str]) -> None:
        self._past.append((self._hints, self._colors))
        self._hints, self._colors = hints, colors
        self._refresh()

    @_answer
    def _undone(self, *_: object) -> None:
        if self._past:
            self._hints, self._colors = self._past.pop()
            self._refresh()

    def _dots(self) -> list[dict]:
        width, height = self.session.size
        return [
            {"x": (hint.x + 0.5) / width, "y": (hint.y + 0.5) / height, "color": color, "name": name_of(color)}
            for hint, color in zip(self._hints, self._colors, strict=True)
        ]

    def _show_hints(self) -> None:
        self.undo.disabled = not self._past
        self.compare.hints = dots = self._dots()
        if dots != self._rows:  # else the keyboard would lose the button that it is at
            self._rows = dots
            self.listed.children = tuple(map(self._row, range(len(dots))))

    def _row(self, number: int) -> widgets.HBox:
        hint, color = self._hints[number], self._colors[number]
        text = widgets.Label(
            f"{number + 1}: {name_of(color)} ({color}) at {hint.x:g}, {hint.y:g}", layout={"width": "300px"}
        )
        remove = widgets.Button(description="Remove", tooltip=f"Remove hint {number + 1}", layout={"width": "80px"})

        def removed(_: object) -> None:
            keep = [k for k in range(len(self._hints)) if k != number]
            self._set(tuple(self._hints[k] for k in keep), [self._colors[k] for k in keep])

        remove.on_click(removed)
        return widgets.HBox([text, remove])

    # -- results --------------------------------------------------------------------------------------------------

    def _make_results(self) -> None:
        self.scores = widgets.HTML("&nbsp;")
        self.strip = widgets.HBox(layout={"flex_flow": "row wrap"})
        self.side = widgets.Button(description="All models", tooltip="Colour with every model, side by side")
        self.side.on_click(self._side)
        self.more = widgets.Button(description=f"{_GALLERY} ideas", disabled=self.session.classifier is None)
        self.more.tooltip = "Different plausible results of the classifier; once more: others"
        self.more.on_click(self._think)
        self.gallery = widgets.HBox(layout={"flex_flow": "row wrap"})
        self.whole = widgets.Button(description="Colour in full", tooltip="The whole picture, as a PNG of full depth")
        self.whole.on_click(self._whole)
        self.bar = widgets.FloatProgress(0, min=0, max=1, description="coloured", layout={"display": "none"})
        self.download = widgets.HTML()
        buttons = widgets.HBox([self.side, self.more, self.whole])
        self.results = widgets.VBox([buttons, self.bar, self.download])

    @_answer
    def _side(self, *_: object) -> None:
        shown = {"gray": self.session.gray()}
        for name in self.session.models:
            shown[name] = self.session.preview(Choice(name, knobs=Knobs(saturation=self.saturation.value)))
        self.strip.children = tuple(_thumb(picture, name) for name, picture in shown.items())

    @_answer
    def _think(self, *_: object) -> None:
        self._seed += 1
        self.session.think(_GALLERY, self._seed)
        self._show_ideas()
        self._refresh()

    def _show_ideas(self) -> None:
        """The ideas as a gallery, each with a button that makes it the model."""

        def tile(name: str) -> widgets.VBox:
            picture = self.session.preview(Choice(name))
            take = widgets.Button(description=f"Take {name}", layout={"width": "auto"})
            take.on_click(lambda _: setattr(self.model, "value", name))
            return widgets.VBox([_thumb(picture, name), take])

        def offer() -> None:
            chosen, self.model.options = self.model.value, (*self.session.models, *self.session.ideas)
            self.model.value = chosen if chosen in self.model.options else self._first
            self._fit()

        if set(self.model.options) != {*self.session.models, *self.session.ideas}:
            self._quietly(offer)
        self.gallery.children = tuple(map(tile, self.session.ideas))

    @_answer
    def _whole(self, *_: object) -> None:
        self.bar.value, self.bar.layout.display = 0, None
        try:
            result = self.session.full(self.asked(), lambda share: setattr(self.bar, "value", share))
        finally:
            self.bar.layout.display = "none"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "result.png")
            pictures.write(result, path)
            data = b64encode(path.read_bytes()).decode()
        name = escape(f"{self._name}-color.png", quote=True)
        width, height = self.session.size
        self.download.value = (
            f'<a download="{name}" href="data:image/png;base64,{data}">Download {name}</a> ({width} x {height})'
        )


def _jpeg(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.convert("RGB").save(content, "JPEG", quality=92, subsampling=0)
    return content.getvalue()


def _thumb(picture: Image.Image, name: str) -> widgets.HTML:
    small = picture.copy()
    small.thumbnail((_THUMB, _THUMB))
    data, said = b64encode(_jpeg(small)).decode(), escape(name, quote=True)
    return widgets.HTML(
        f'<figure style="margin: 0 4px 0 0; line-height: 1.4"><img alt="{said}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{said}</figcaption></figure>"
    )
