"""Which files are films by their names, and into what films are written."""

from __future__ import annotations

import mimetypes
from pathlib import Path

CONTAINERS = (".mkv", ".mp4", ".mov")
"""Of films that are written."""


def is_film(path: Path) -> bool:
    """Whether a file is a film, by its name."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind.startswith("video/") or path.suffix.lower() in (".mkv", ".mxf", ".ts", ".mts", ".m2ts")
