"""The studio: models compared and steered in JupyterLab."""

from colorify import extras

try:
    from colorify.widgets.studio import Studio, studio
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"the studio {extras.explained(error) or error}", name=error.name) from None

__all__ = ["Studio", "studio"]
