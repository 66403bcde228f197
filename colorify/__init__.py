"""colorify: a gray photo or film in, a colour one out, luminance untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from colorify.version import __version__

if TYPE_CHECKING:
    from colorify.inference import Colorizer

__all__ = ["Colorizer", "__version__"]


def __getattr__(name: str) -> Any:
    """Import `Colorizer` (and with it torch) only when it is asked for."""
    if name == "Colorizer":
        from colorify.inference import Colorizer

        return Colorizer
    raise AttributeError(f"module 'colorify' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
