"""A node for ComfyUI: put this file into its folder custom_nodes, and install colorify-photo[torch] beside it."""

import torch

from colorify import Colorizer
from colorify.models import released


class ColorizePhoto:
    """Gray pictures in, coloured ones out; their luminance stays."""

    CATEGORY, FUNCTION, RETURN_TYPES = "image", "colorize", ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:  # noqa: N802 (ComfyUI's name)
        return {
            "required": {
                "images": ("IMAGE",),
                "model": (list(released.models()),),
                "saturation": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 3.0, "step": 0.05}),
                "blur": ("FLOAT", {"default": 0.0, "min": 0.0, "max": 40.0, "step": 0.5}),
            }
        }

    def colorize(self, images: torch.Tensor, model: str, saturation: float, blur: float) -> tuple[torch.Tensor]:
        """``images`` is ``(B, H, W, 3)`` float in 0..1, as ComfyUI has them."""
        colored = Colorizer.load(model).batch(list(images.numpy()), saturation=saturation, blur=blur)
        return (torch.stack([torch.from_numpy(picture) for picture in colored]),)


NODE_CLASS_MAPPINGS = {"ColorizePhoto": ColorizePhoto}
NODE_DISPLAY_NAME_MAPPINGS = {"ColorizePhoto": "Colorize photo"}
