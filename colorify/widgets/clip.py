"""The part of the studio for films: a moment to work on, and a stretch to colour."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from dataclasses import replace
from html import escape
from pathlib import Path

import ipywidgets as widgets
from PIL import Image

from colorify import pictures
from colorify.inference import Mix
from colorify.knobs import Knobs
from colorify.pictures import Picture
from colorify.video import film, keyframes, media, stills

_FILM = (
    '<video src="data:video/mp4;base64,{data}" title="{name}" width="640" autoplay loop muted playsinline controls>'
    '</video><br><a download="{name}" href="data:video/mp4;base64,{data}">Download {name}</a>'
)


class Clip(widgets.VBox):
    """Sliders for a film; hidden until there is one."""

    def __init__(self):
        self.path: Path | None = None
        self.moment = widgets.FloatSlider(0, min=0, max=0, step=0.04, description="Moment, s", continuous_update=False)
        self.steady = widgets.FloatSlider(1, min=0, max=1, step=0.05, description="Steadiness")
        self.every = widgets.IntSlider(1, min=1, max=8, description="Frames for one look")
        self.seconds = widgets.FloatSlider(4, min=0.5, max=20, step=0.5, description="Seconds to colour")
        self.dual = widgets.Checkbox(False, indent=False, description="Gray and colour in a row")
        self.button = widgets.Button(description="Colour from here", tooltip="Hints move with what they were given to")
        self.bar = widgets.FloatProgress(0, min=0, max=1, description="frames", layout={"visibility": "hidden"})
        self.result = widgets.HTML()
        sliders = [self.moment, self.steady, self.every, self.seconds]
        for slider in sliders:
            slider.style.description_width, slider.layout.width = "140px", "400px"
        row = widgets.HBox([self.dual, self.button, self.bar])
        super().__init__([*sliders, row, self.result], layout={"display": "none"})

    def take(self, path: Path, name: str) -> None:
        """Take a film; `VideoError` if it is none."""
        with media.opened(path) as opened:
            media.moving(opened)
            length = media.duration(opened) or 0.0
        self.path, self.name, self.result.value = path, name, ""
        self.moment.value, self.moment.max = 0.0, max(0.0, length - self.moment.step)
        self.layout.display = None

    def leave(self) -> None:
        """A picture came instead."""
        self.path, self.layout.display = None, "none"

    def still(self) -> tuple[Image.Image, str]:
        """The frame of the moment, and its name."""
        picture, self._time = stills.still(self.path, self.moment.value)
        return picture, f"{self.name}-{self._time:.2f}s"

    def color(self, colorizer: Mix, knobs: Knobs, corrected: Picture | None) -> None:
        """Colour the seconds from the moment on; ``corrected``: its frame as the user wants it."""
        self.bar.value, self.bar.layout.visibility = 0, "visible"
        start, end = self.moment.value, self.moment.value + self.seconds.value
        name = f"{self.name}-color.mp4"

        def report(now: film.Progress) -> None:
            self.bar.value = now.frames / max(now.frames, now.total, 1)

        try:
            with tempfile.TemporaryDirectory() as folder:
                keys = None
                if corrected is not None:
                    keys = Path(folder, "keys")
                    keys.mkdir()
                    pictures.write(corrected, keys / keyframes.name(self._time))
                options = film.Options(
                    knobs=replace(knobs, hints=(), mask=None),
                    side_by_side=self.dual.value,
                    steady=self.steady.value,
                    every=self.every.value,
                    keyframes=keys,
                    start=start,
                    end=end,
                )
                out = Path(folder, "out.mp4")
                film.colorize(self.path, out, colorizer, options, report)
                data = b64encode(out.read_bytes()).decode()
            self.result.value = _FILM.format(data=data, name=escape(name, quote=True))
        finally:
            self.bar.layout.visibility = "hidden"
