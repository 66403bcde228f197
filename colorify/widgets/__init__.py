"""The studio: models compared and steered in JupyterLab."""

from colorify.widgets.studio import studio

__all__ = ["studio"]
