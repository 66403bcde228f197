"""Which files are films by their names, and into what films are written."""

from __future__ import annotations

from pathlib import PurePath

CONTAINERS = (".mkv", ".mp4", ".mov", ".webm", ".mxf", ".gif")
"""Of films that are written."""
FILMS = {
    ".3g2", ".3gp", ".amv", ".asf", ".avi", ".divx", ".dv", ".dvr-ms", ".evo", ".f4v", ".flv", ".gxf", ".h264",
    ".264", ".h265", ".265", ".hevc", ".ivf", ".m1v", ".m2p", ".m2t", ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg",
    ".mjpg", ".mk3d", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nsv", ".nut", ".obu",
    ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".ts", ".vob", ".webm", ".wmv", ".wtv", ".y4m",
}  # fmt: skip
"""Suffixes of films that are read."""


def is_film(path: PurePath) -> bool:
    """Whether a file is a film, by its name."""
    return path.suffix.lower() in FILMS
