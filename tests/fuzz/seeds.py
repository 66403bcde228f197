"""Small valid inputs of each driver, for the fuzzer to damage."""

from __future__ import annotations

import io
import struct
import tarfile
import tempfile
from pathlib import Path

import av
import numpy as np
import safetensors.torch
import tifffile
import torch
from PIL import Image, ImageCms

from colorify import pictures
from colorify.codec import Channels
from colorify.data import manifest
from colorify.models import checkpoint, onnx
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet, UNetConfig

SMALLEST = UNetConfig("resnet18", (4, 4, 4, 4))


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _pictures() -> list[bytes]:
    generator = np.random.default_rng(0)
    rgb = Image.fromarray(generator.integers(0, 256, (24, 32, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = pictures.Picture(generator.integers(0, 65536, (12, 16, 3), np.uint16))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".png", ".tif"):
            pictures.write(deep, Path(folder, f"a{suffix}"))
        sixteen = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    return [
        _saved(rgb, "JPEG", exif=exif),
        _saved(rgb.convert("L"), "JPEG", progressive=True),
        _saved(rgb.convert("CMYK"), "JPEG"),
        _saved(rgb, "PNG"),
        _saved(rgb.convert("P"), "PNG", transparency=3),
        _saved(rgb.convert("LA"), "PNG"),
        _saved(rgb, "WEBP"),
        _saved(rgb, "TIFF", compression="tiff_lzw"),
        _saved(rgb.convert("1"), "TIFF", compression="group4"),
        _saved(rgb, "BMP"),
        *sixteen,
    ]


def _tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, metadata=None, **options)
    return buffer.getvalue()


def _tiffs() -> list[bytes]:
    """A kind of layout, compression and photometric each."""
    rgb = np.random.default_rng(0).integers(0, 65536, (24, 32, 3), np.uint16)
    small = (rgb >> 8).astype(np.uint8)
    fax = [_saved(Image.fromarray(small[..., 0] > 99), "TIFF", compression=f"group{number}") for number in (3, 4)]
    layouts = (
        {"photometric": "rgb", "compression": "lzw", "predictor": True},
        {"photometric": "rgb", "tile": (16, 16), "bigtiff": True, "byteorder": ">"},
        {"photometric": "rgb", "compression": "deflate", "extrasamples": [], "rowsperstrip": 3},
        {"photometric": "rgb", "compression": "packbits"},
        {"photometric": "cielab"},
    )
    return [
        *fax,
        *(_tiff(rgb, **each) for each in layouts),
        _tiff(small, photometric="rgb", compression="jpeg"),
        _tiff(np.moveaxis(rgb, -1, 0), photometric="rgb", planarconfig="separate", rowsperstrip=5),
        _tiff(np.dstack((small, small[..., :1])), photometric="separated"),
        _tiff(np.dstack((rgb, rgb[..., :1])), photometric="rgb", extrasamples=["assocalpha"]),
        _tiff(small[..., 0], photometric="palette", colormap=rgb.reshape(-1)[: 3 * 256].reshape(3, 256)),
        _tiff((rgb / 65535).astype(np.float32), photometric="rgb", compression="deflate", predictor=True),
        _tiff((rgb[..., 0] / 65535).astype(np.float16), photometric="miniswhite"),
        _tiff(np.stack([small[..., 0]] * 3), photometric="minisblack"),
        _saved(Image.fromarray(small).convert("YCbCr"), "TIFF", compression="tiff_lzw"),
    ]


def _modern() -> list[bytes]:
    """AVIF, HEIF and JPEG XL, as they are written."""
    rgba = pictures.from_array(np.random.default_rng(0).integers(0, 256, (24, 32, 4), np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        return [_stored(rgba, Path(folder, f"a{suffix}")) for suffix in (".avif", ".heic", ".jxl")]


def _stored(picture: pictures.Picture, path: Path) -> bytes:
    pictures.write(picture, path)
    return path.read_bytes()


def _with_metadata() -> list[bytes]:
    """Files with all that they can carry."""
    exif = Image.Exif()
    exif[0x010E], exif.get_ifd(0x8769)[36867] = "a pier", "2001:02:03 04:05:06"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 460) + b"\0\0"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gray = b"\0\0\0\x98appl\x02\0\0\0mntrGRAYXYZ ".ljust(36, b"\0") + b"acsp"
    gray = gray.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"kTRC", 144, len(curve)) + curve
    caption = b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03abc"
    chunks = ((b"tEXt", b"Title\0a"), (b"gAMA", struct.pack(">I", 1 << 16)), (b"cICP", bytes((9, 1, 0, 1))))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for icc in (profile, gray):
            saved = pictures.Metadata(exif, icc, b"<x/>", (118.11, 118.11), "cm", None, caption, (b"box",), (), chunks)
            source = pictures.Picture(np.arange(192, dtype=np.uint8).reshape(12, 16), metadata=saved)
            found += [
                _stored(source, Path(folder, f"{len(icc)}{suffix}")) for suffix in (".jpg", ".png", ".tif", ".webp")
            ]
    return found


def _dng() -> bytes:
    """A small raw photo, by the letter of DNG 1.4."""
    mosaic = np.random.default_rng(0).integers(0, 4096, (64, 96), np.uint16)
    tags = [
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),
        (50708, 2, 0, "Camera", True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, bytes((0, 1, 1, 2)), True),
        (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
        (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),
        (50717, 4, 1, 4095, True),
        (50778, 3, 1, 21, True),
    ]
    return _tiff(mosaic, photometric="cfa", extratags=tags)


def _film() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mp4")
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
            for number in range(4):
                rgb = np.full((16, 32, 3), 60 * number, np.uint8)
                out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb)))
            out.mux(stream.encode(None))
        return path.read_bytes()


def _checkpoint() -> bytes:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.safetensors")
        state = {"averaged": torch.tensor(3)}
        net = UNet(SMALLEST, 2)
        checkpoint.save(Checkpoint(SMALLEST, Channels(), "regression", net.state_dict(), {"size": 32}, state), path)
        content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert safetensors.torch.load(content)
    return content[: 8 + length + 4096]  # its end is weights: the head is what is read


def _manifests() -> tuple[list[bytes], list[bytes]]:
    entries = [manifest.Entry("a.jpg", "0" * 64, "0" * 16, 32, 24, "train", license="CC0"), manifest.Entry("b.png")]
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".csv", ".parquet"):
            manifest.write(entries, Path(folder, f"m{suffix}"))
        return tuple([Path(folder, f"m{suffix}").read_bytes()] for suffix in (".csv", ".parquet"))


def _shard() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in (("a.jpg", _pictures()[0]), ("a.json", b'{"license": "CC0"}'), ("b.png", _pictures()[3])):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


PAGE = b"""<html><head><meta name="robots" content="noai"><meta property="og:image" content="/og.jpg">
<script type="application/ld+json">{"@type": "ImageObject", "license": "https://creativecommons.org/l/"}</script></head>
<body><a href="p.html" rel="nofollow">x</a><a href="//e.org/b.png">y</a><figure><img src="a.jpg" srcset="a.jpg 1x, b.jpg
2x" data-src="c.jpg" alt="d"><figcaption>e</figcaption></figure></body></html>"""


def seeds() -> dict[str, list[bytes]]:
    """Small valid inputs of each driver, for the fuzzer to damage."""
    tables, parquets = _manifests()
    return {
        "picture": _pictures(),
        "tiff": _tiffs(),
        "modern": _modern(),
        "metadata": _with_metadata(),
        "dng": [_dng()],
        "video": [_film()],
        "weights": [_checkpoint()],
        "onnx": [b"graph" + onnx._ENTRY + b'\x10{"length": 5, "sha256": "0", "codec": "channels"}'],
        "params": [b"profile: a\na:\n  regression: {steps: 4, sizes: [[0, 32]], augment: {flip: 0.5}, lr: 1.e-3}\n"],
        "hints": [b"x,y,color\n10,20,#c03020\n", b"x,y,a,b\n1,2,30,40\n"],
        "manifest": tables,
        "parquet": parquets,
        "shard": [_shard()],
        "page": [PAGE],
        "noai": [b"noindex, noai", b"otherbot: noimageai"],
    }
