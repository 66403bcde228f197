"""What several tests of this folder need."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorify.video import scene
from colorify.widgets.session import Session
from colorify.widgets.studio import Studio
from conftest import photo


@pytest.fixture
def studio(colorizer) -> Studio:
    studio = Studio(Session({"highres": colorizer, "mine": colorizer}))
    yield studio
    studio.wait()


@pytest.fixture
def choosy(colorizer, classifier) -> Studio:
    """With a classifier, so that there are ideas."""
    studio = Studio(Session({"highres": colorizer, "lowres": classifier}))
    yield studio
    studio.wait()


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A gray film of two shots, 15 frames each."""
    pan = scene.camera(photo(5, 300, 200), (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 15, (96, 64))
    other = scene.camera(photo(9, 300, 200), (0.5, 0.5, 0.9), (0.5, 0.5, 0.6), 15, (96, 64))
    return scene.write_gray(pan.cut(other), tmp_path_factory.mktemp("clip") / "pan.mp4")


def sent(studio: Studio) -> list[tuple[dict, list[bytes]]]:
    """What the studio is going to send to its page, other than traits."""
    said = []
    studio.send = lambda content, buffers=None: said.append((content, buffers or []))
    return said


def ab(studio: Studio, side: str = "color") -> np.ndarray:
    """The chroma that the page lays over the luma."""
    plane = getattr(studio, side)
    return np.frombuffer(plane["ab"], np.float16).reshape(plane["height"], plane["width"], 2).astype(float)


def chroma(studio: Studio) -> float:
    return float(np.hypot(*np.moveaxis(ab(studio), -1, 0)).mean())


def opened(studio: Studio, path: Path, picture: Image.Image | None = None) -> Path:
    """Upload a file, as the page does."""
    if picture:
        picture.save(path)
    upload(studio, path.name, path.read_bytes())
    return path


def upload(studio: Studio, name: str, content: bytes, part: int = 1 << 20, knob: str | None = None) -> None:
    pieces = [content[start : start + part] for start in range(0, len(content), part)] or [b""]
    for number, piece in enumerate(pieces):
        act = {"do": "part", "upload": "u", "name": name, "part": number, "of": len(pieces), "knob": knob}
        studio.act(act, [memoryview(piece)])


def hint(studio: Studio, color: str, *places: tuple[float, float]) -> None:
    studio.act({"do": "hint", "color": color, "places": [list(place) for place in places]})


def stroke(studio, *places: tuple[float, float], mode: str = "white", radius: float = 0.1, soft: float = 0.0) -> None:
    studio.act({"do": "stroke", "places": [list(one) for one in places], "radius": radius, "soft": soft, "mode": mode})
