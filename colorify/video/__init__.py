"""Films: a gray one in, a coloured one out, its luma plane untouched."""

from __future__ import annotations

__all__ = ["frames"]


def __getattr__(name: str):
    """Import `frames` (and with it PyAV) only when it is asked for."""
    if name == "frames":
        from colorify.video.library import frames

        return frames
    raise AttributeError(f"module 'colorify.video' has no attribute {name!r}")
