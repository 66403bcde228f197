"""The fixtures of training, which its methods need too."""

from training.conftest import base, data, methods, sets, undisturbed

__all__ = ["base", "data", "methods", "sets", "undisturbed"]
