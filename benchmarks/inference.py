"""What colouring costs beyond the network: backends, one photo, a folder, cold start, as ratios in one run.

    python benchmarks/inference.py [--model highres] [--repeats 9] [--files 200]

`whole` is what a user calls; `bare` is the network alone, both looks, as it is run there. Machines are noisy: run it
twice.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openvino
import torch
from bench import Table, gray_photo, matrix_rate, median, ms, one, peak_memory, publish, ratio, share, two
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from colorify import batch, inputs, metrics, params
from colorify.color import rgb_to_lab
from colorify.inference import Colorizer
from colorify.models import checkpoint, onnx, released
from colorify.models.running import Predict, cores
from colorify.models.unet import fuse_batch_norm
from colorify.network_input import small_luma, smaller
from colorify.pictures import from_array

MEGAPIXELS = (0.25, 1, 12, 48)


def backends(model: str, seen: Sequence[np.ndarray]) -> dict[str, Predict]:
    """The ways of running the network that were tried, all of them on arrays; int8 is calibrated on what is seen."""
    import onnxruntime

    trained, fast = checkpoint.load(released.find(model)), onnx.beside(released.find(model))

    def by_torch(network: torch.nn.Module, dtype: torch.dtype = torch.float32) -> Predict:
        def predict(luma: np.ndarray) -> np.ndarray:
            seen = torch.from_numpy(luma).to(memory_format=torch.channels_last)
            with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                return network(seen).float().numpy()

        return predict

    core = openvino.Core()

    def by_openvino(precision: str, quantized: bool = False) -> Predict:
        settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": str(cores()), "NUM_STREAMS": "1"}
        read = core.read_model(fast.path)
        network = core.compile_model(_quantized(read, seen) if quantized else read, "CPU", settings)
        return lambda luma: network(luma)[0]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    session = onnxruntime.InferenceSession(fast.path, options, providers=["CPUExecutionProvider"])
    folded = fuse_batch_norm(trained.build()).to(memory_format=torch.channels_last)
    return {
        "torch, as it was trained": by_torch(trained.build()),
        "torch, norms folded, channels last": by_torch(folded),
        "torch, the same in bfloat16": by_torch(folded, torch.bfloat16),
        "ONNX Runtime": lambda luma: session.run(None, {"luma": luma})[0],
        "OpenVINO, float32 (taken)": by_openvino("f32"),
        "OpenVINO, bfloat16": by_openvino("bf16"),
    } | ({"OpenVINO, int8": by_openvino("f32", quantized=True)} if find_spec("nncf") else {})


def _quantized(network: openvino.Model, seen: Sequence[np.ndarray]) -> openvino.Model:
    """Weights and activations in 8 bits, where NNCF is installed (`pip install nncf`), which is not in the lock."""
    import nncf

    data = nncf.Dataset(list(seen), lambda luma: {"luma": luma})
    return nncf.quantize(network, data, subset_size=len(seen), preset=nncf.QuantizationPreset.MIXED)


def table_of_backends(model: str, colorizer: Colorizer, repeats: int) -> Table:
    """Time for the two looks at a 3:2 picture, and accuracy on the held-out photos of the repository, of each."""
    photos = _sample("valid")
    truths = [_lab(photo) for photo in photos]
    looks = both_looks(colorizer, gray_photo(1))
    calibration = [look for photo in _sample("train") for look in both_looks(colorizer, _gray(photo))]
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        for look in looks:
            colorizer.network(torch.from_numpy(look))
    rate, operations = matrix_rate(), counter.get_total_flops()
    rows, reference = [], None
    for name, predict in backends(model, calibration).items():
        seconds = median(lambda predict=predict: [predict(look) for look in looks], repeats, warm=3)
        colorizer.predict = predict
        shown = [_lab(np.asarray(colorizer(_gray(photo)))) for photo in photos]
        reference = reference or shown
        rows.append([name, seconds, operations / seconds / rate, _apart(shown, truths), _apart(shown, reference)])
    title = (
        f"The network, looks at {' and '.join(f'{x.shape[3]} x {x.shape[2]} px' for x in looks)}: "
        f"{operations / 2e9:.2f} GMAC; matrix "
        f"products reach {rate / 1e9:.0f} GFLOP/s here"
    )
    three = "{:.3f}".format
    return title, {"backend": str, "time": ms, "of that rate": share, "de2000": three, "from torch": three}, rows


def _sample(split: str) -> list[np.ndarray]:
    """The free photos of ``data/sample`` that are to be learnt from, or held out: RGB, uint8."""
    folder = params.root() / "data" / "sample"
    with (folder / "manifest.csv").open(newline="") as file:
        names = [row["path"] for row in csv.DictReader(file) if row["split"] == split]
    return [np.asarray(Image.open(folder / name).convert("RGB")) for name in names]


def _gray(photo: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(photo).convert("L"))


def _apart(ones: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> float:
    """Mean CIEDE2000."""
    return float(np.mean([float(metrics.de2000(a, b).mean()) for a, b in zip(ones, others, strict=True)]))


def _lab(pixels: np.ndarray) -> torch.Tensor:
    return rgb_to_lab(torch.from_numpy(pixels / 255).movedim(-1, 0).float()[None])


def both_looks(colorizer: Colorizer, photo: np.ndarray) -> list[np.ndarray]:
    """What the network is shown of a photo: L* ``(1, 1, h, w)``, twice."""
    luma = small_luma(from_array(photo), colorizer.size)[None]
    return [luma[:, None], smaller(luma)[:, None]]


def coding(photo: np.ndarray) -> Callable[[], None]:
    """Bare Pillow: decode the JPEG of a gray photo, encode one of RGB with our quality."""
    source = io.BytesIO()
    Image.fromarray(photo).save(source, "JPEG", quality=90)

    def work() -> None:
        image = Image.open(io.BytesIO(source.getvalue())).convert("RGB")
        image.save(io.BytesIO(), "JPEG", quality=95, subsampling=0)

    return work


def table_of_photos(colorizer: Colorizer, repeats: int) -> Table:
    """The whole call beside the network that it runs, beside the plain torch module, and beside reading and writing."""
    rows = []
    for megapixels in MEGAPIXELS:
        photo = gray_photo(megapixels)
        few = repeats if megapixels < 10 else max(3, repeats // 3)
        looks = [torch.from_numpy(look) for look in both_looks(colorizer, photo)]
        luma = looks[0][:, 0].numpy()
        whole, bare, over_bare = ratio(lambda p=photo: colorizer(p), lambda x=luma: colorizer.output(x), few)
        with torch.inference_mode():
            module = median(lambda looks=looks: [colorizer.network(look) for look in looks], few)
        code = median(coding(photo), few)
        with peak_memory() as peak:
            colorizer(photo)
            memory = peak() / photo.size
        with_files = (whole + code) / (bare + code)
        rows.append([f"{megapixels:g} MP", bare, module, code, whole, over_bare, whole / module, with_files, memory])
    columns = {
        "picture": str,
        "bare": ms,
        "torch module": ms,
        "decode + encode": ms,
        "whole": ms,
        "whole / bare": two,
        "whole / torch module": two,
        "(whole + files) / (bare + files)": two,
        "peak bytes a pixel": one,
    }
    return "One photo in memory", columns, rows


def table_of_folder(model: str, files: int, repeats: int) -> Table:
    """A folder of one-megapixel JPEGs beside the network alone and beside decoding and encoding alone."""
    photo = gray_photo(1)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.mkdir()
        for number in range(files):
            Image.fromarray(np.roll(photo, 7 * number, 1)).save(source / f"{number:04d}.jpg", quality=90)
        jobs, _ = inputs.plan([str(source)], target)
        options, workers = batch.BatchOptions(overwrite=True), batch.workers(jobs)
        several, single = Colorizer.load(model, concurrency=workers), Colorizer.load(model)
        looks = [torch.from_numpy(look) for look in both_looks(single, photo)]
        luma, code = looks[0][:, 0].numpy(), coding(photo)

        def by_module() -> None:
            with torch.inference_mode():
                for look in looks:
                    single.network(look)

        ways = {
            "the folder": lambda: batch.run(several, jobs, options, print, workers),
            "one picture after the other": lambda: batch.run(single, jobs, options, print),
            "network alone": lambda: [single.output(luma) for _ in jobs],
            "network alone, as torch module": lambda: [by_module() for _ in jobs],
            "decode + encode alone": lambda: [code() for _ in jobs],
        }
        seconds = {name: median(work, max(1, repeats // 3), 0) for name, work in ways.items()}
    floors = [max(seconds[name], seconds["decode + encode alone"]) for name in list(seconds)[2:4]]
    rows = [[name, files / value, *(value / floor for floor in floors)] for name, value in seconds.items()]
    columns = {
        "": str,
        "pictures a second": one,
        "time / max(network, files)": two,
        "time / max(torch module, files)": two,
    }
    return f"A folder of {files} JPEGs of one megapixel, {workers} side by side", columns, rows


def table_of_start(model: str, repeats: int) -> Table:
    """The command in a fresh process, beside importing torch, and the work itself in a warm one."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.jpg", Path(folder) / "out.jpg"
        Image.fromarray(gray_photo(1)).save(source)
        command = [sys.executable, "-m", "colorify", "image", str(source), "-o", str(target), "--model", model]
        options = batch.BatchOptions(overwrite=True)
        colorizer = Colorizer.load(model)
        whole, bare, _ = ratio(
            lambda: subprocess.run([*command, "--overwrite"], check=True),
            lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True),
            repeats,
        )
        work = median(lambda: batch.colorize_file(colorizer, inputs.Job(source, target), options), repeats)
    columns = {
        "colorify image, 1 MP JPEG": ms,
        "import torch": ms,
        "the work, warm": ms,
        "command / (torch + work)": two,
    }
    return (
        "Cold start: the command, beside a process that only imports torch",
        columns,
        [[whole, bare, work, whole / (bare + work)]],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="highres")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--files", type=int, default=200)
    given = parser.parse_args()
    tables = [
        table_of_photos(Colorizer.load(given.model), given.repeats),
        table_of_folder(given.model, given.files, given.repeats),
        table_of_start(given.model, given.repeats),
        table_of_backends(given.model, Colorizer.load(given.model), given.repeats),
    ]
    publish("inference", tables)


if __name__ == "__main__":
    main()
