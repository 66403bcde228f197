"""Films beside each other in a notebook."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import HTML

_FILM = (
    '<figure style="margin: 0"><video src="data:video/mp4;base64,{data}" title="{name}" width="{width}" '
    "autoplay loop muted playsinline controls></video><figcaption>{name}</figcaption></figure>"
)


def players(films: Mapping[str, Path], width: int = 320) -> HTML:
    """MP4 files, kept within the notebook, under their names."""
    from IPython.display import HTML

    shown = (
        _FILM.format(data=b64encode(Path(path).read_bytes()).decode(), name=escape(name), width=width)
        for name, path in films.items()
    )
    return HTML(f'<div style="display: flex; flex-wrap: wrap; gap: 4px">{"".join(shown)}</div>')
