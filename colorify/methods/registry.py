"""All training methods: a line each. A new one also needs its module, a section of params.yaml, a notebook and a stage.

Nothing is imported until a method is asked for: the command line lists them without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from colorify.training.method import Method

METHODS = {
    "regression": "Method 1: predict ab directly. Trains the backbone of the other methods.",
    "classification": "Method 2: a distribution over 256 colours for every pixel; the low-resolution model.",
    "gan": "Method 3: make a regression model vivid; the high-resolution model.",
}
"""Name, which is that of its module here -> the help of its command."""


def method(name: str) -> Method:
    """The method of this name."""
    return import_module(f"colorify.methods.{name}").METHOD
