"""A picture before and after in one frame, with hints on it."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


class Compare(anywidget.AnyWidget):
    """Two pictures of one size with a divider between them; places are in shares of width and height."""

    _esm = _HERE / "compare.js"
    _css = _HERE / "compare.css"
    before = traitlets.Bytes().tag(sync=True)  # any format that a browser shows
    after = traitlets.Bytes().tag(sync=True)
    split = traitlets.Float(0.0, min=0, max=1).tag(sync=True)  # share of the width that shows `before`
    hints = traitlets.List(traitlets.Dict()).tag(sync=True)  # {x, y, color: #rrggbb, name}
    pointed = traitlets.Dict().tag(sync=True)  # {x, y, count}: where the user clicked last
