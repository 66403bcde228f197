"""Films: a gray one in, a coloured one out, its luma plane untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colorify.video.library import frames

__all__ = ["frames"]


def __getattr__(name: str) -> Any:
    """Import `frames` (and with it PyAV) only when it is asked for."""
    if name == "frames":
        from colorify.video.library import frames

        return frames
    raise AttributeError(f"module 'colorify.video' has no attribute {name!r}")
