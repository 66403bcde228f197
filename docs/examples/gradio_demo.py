"""A page with a few sliders for `colorify serve`; in an environment of its own, since gradio wants another Pillow.

colorify serve &
python3 -m venv gradio && gradio/bin/pip install gradio && gradio/bin/python docs/examples/gradio_demo.py
"""

import io
import json
import os
import urllib.parse
import urllib.request

import gradio as gr
from PIL import Image

SERVER = os.environ.get("COLORIFY_URL", "http://127.0.0.1:8000")


def color(picture: Image.Image, model: str, saturation: float, idea: float) -> tuple[Image.Image, Image.Image]:
    """The picture, and the picture coloured."""
    knobs = {"model": model, "saturation": saturation, "idea": int(idea), "format": "png"}
    sent = io.BytesIO()
    picture.save(sent, "PNG")
    request = urllib.request.Request(f"{SERVER}/color?{urllib.parse.urlencode(knobs)}", sent.getvalue())
    try:
        with urllib.request.urlopen(request) as answer:
            return picture, Image.open(io.BytesIO(answer.read()))
    except urllib.error.HTTPError as error:
        raise gr.Error(json.load(error)["detail"]) from None


demo = gr.Interface(
    color,
    [
        gr.Image(type="pil", label="gray"),
        gr.Radio(["highres", "lowres"], value="highres", label="model"),
        gr.Slider(0, 3, 1, label="saturation"),
        gr.Slider(0, 20, 0, step=1, label="idea, of lowres: 0 is its plain answer"),
    ],
    gr.ImageSlider(label="before and after"),
    title="colorify",
)

if __name__ == "__main__":
    demo.launch()
