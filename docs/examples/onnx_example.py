"""Colours a picture by a model of `colorify export onnx`, with neither torch nor colorify.

    python docs/examples/onnx_example.py highres.onnx gray.jpg color.png

For the models that predict ab (regression, gan); those of a classification are logits of 256 colours. `colorify image`
also shows the network faded pictures at more contrast.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image
from skimage import color, transform

session = onnxruntime.InferenceSession(sys.argv[1])
luma = color.rgb2lab(np.asarray(Image.open(sys.argv[2]).convert("RGB")) / 255)[..., 0]
side = json.loads(session.get_modelmeta().custom_metadata_map["colorify"])["training"]["size"]  # px

looks = []
for share, step in ((1, 1), (0.8, -1)):  # a second look, at a smaller, mirrored copy
    height, width = (round(share * length * side / min(luma.shape) / 2) * 2 for length in luma.shape)
    small = transform.resize(luma, (height, width), anti_aliasing=True).astype(np.float32)[None, None, :, ::step]
    ab = session.run(None, {"luma": np.ascontiguousarray(small)})[0][0, :, :, ::step] * 50  # ab units
    looks.append(transform.resize(ab.transpose(1, 2, 0), luma.shape, order=3))

rgb = color.lab2rgb(np.dstack([luma, sum(looks) / 2]))
Image.fromarray((rgb * 255).round().astype(np.uint8)).save(sys.argv[3])
