"""Colours a picture by a model of `colorify export onnx`, with neither torch nor colorify.

    python docs/examples/onnx_example.py highres.onnx gray.jpg color.png

For the models that predict ab (regression, gan); those of a classification are logits of 256 colours. `colorify image`
also shows the network a smaller, mirrored copy, and faded pictures at more contrast.
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image
from skimage import color, transform

model, source, target = sys.argv[1:]
gray = np.asarray(Image.open(source).convert("RGB")) / 255
luma = color.rgb2lab(gray)[..., 0]

side = 128  # short side that the network sees, even
height, width = (round(length * side / min(luma.shape) / 2) * 2 for length in luma.shape)
small = transform.resize(luma, (height, width), anti_aliasing=True).astype(np.float32)
ab = onnxruntime.InferenceSession(model).run(None, {"luma": small[None, None]})[0][0] * 50  # ab units

wide = transform.resize(ab.transpose(1, 2, 0), luma.shape, order=3)
rgb = color.lab2rgb(np.dstack([luma, wide]))
Image.fromarray((rgb * 255).round().astype(np.uint8)).save(target)
