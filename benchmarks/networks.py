"""What networks cost: ours of both sizes, and peers', by multiply-adds and by time in the same run.

    python benchmarks/networks.py [--repeats 5]

First all as plain torch modules, with random weights, on one square picture of 256 px. Then a square photo of one
megapixel, whole: ours as it comes, and each peer at the size at which it is usually run, with our reading of the
picture and our laying of its colors around it.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from bench import gray_photo, median, ms, one, publish, two
from peers import PEERS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from colorify.inference import Colorizer
from colorify.models.unet import SMALL, UNet, UNetConfig, fuse_batch_norm

SIDE = 256
COLUMNS = {"network": str, "million parameters": one, "GMAC": one, "time": ms}


def gmac(network: nn.Module, *lumas: np.ndarray) -> float:
    """Multiply-adds of pictures ``(N, 1, H, W)``, in milliards."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        for luma in lumas:
            network(torch.from_numpy(luma))
    return counter.get_total_flops() / 2e9


def millions(network: nn.Module) -> float:
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


def table_of_modules(repeats: int) -> list[list[object]]:
    """Each as a torch module on a picture of 256 px: its row, with the ratio to our small one."""
    ours = {"colorify, the small one": SMALL, "colorify, ResNet-50": UNetConfig()}
    networks = {name: lambda config=config: fuse_batch_norm(UNet(config, 2).eval()) for name, config in ours.items()}
    networks |= {name: make for name, (make, side) in PEERS.items() if side == SIDE}
    seen, rows = np.random.default_rng(0).random((1, 1, SIDE, SIDE), np.float32), []
    for name, make in networks.items():
        network = make().eval().to(memory_format=torch.channels_last)
        luma = torch.from_numpy(seen).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            seconds = median(lambda network=network, luma=luma: network(luma), repeats)
        rows.append([name, millions(network), gmac(network, seen), seconds])
    return [[*row, row[-1] / rows[0][-1]] for row in rows]


def table_of_photos(repeats: int) -> list[list[object]]:
    """A photo of one megapixel, whole, by each: our row first."""
    photo = gray_photo(1.5)[:1000, :1000]
    ours = Colorizer.load("highres")
    looks: list[np.ndarray] = []
    predict = ours.predict
    ours.predict = lambda luma: looks.append(luma) or predict(luma)
    ours(photo)
    ours.predict = predict
    whole = median(lambda: ours(photo), 3 * repeats)
    bare = median(lambda: [predict(luma) for luma in looks], 3 * repeats)
    sides = " and ".join(str(min(luma.shape[2:])) for luma in looks)
    rows = [["colorify highres, as it comes", sides, millions(ours.network), gmac(ours.network, *looks), bare, whole]]
    rows += [by_peer(name, photo, max(2, repeats // 2)) for name in PEERS]
    return [[*row, row[-1] / whole] for row in rows]


def by_peer(name: str, photo: np.ndarray, repeats: int) -> list[object]:
    """Its row: with its network instead of ours in the program, one look."""
    make, side = PEERS[name]
    network, program = make().eval().to(memory_format=torch.channels_last), Colorizer.load("highres")
    spent: list[float] = []
    seen: list[np.ndarray] = []

    def predict(luma: np.ndarray) -> np.ndarray:
        seen[:] = [luma]
        begun = time.perf_counter()
        with torch.inference_mode():
            answer = network(torch.from_numpy(luma).to(memory_format=torch.channels_last))[:, :2].tanh()
            answer = nn.functional.interpolate(answer, (luma.shape[2] // 2, luma.shape[3] // 2)).numpy()
        spent.append(time.perf_counter() - begun)
        return answer

    program.predict = predict
    whole = median(lambda: program(photo, size=side, tta=False), repeats)
    return [name, str(side), millions(network), gmac(network, *seen), float(np.median(spent[1:])), whole]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    whole = {"network": str, "short side, px": str, "million parameters": one, "GMAC": one}
    whole |= {"network alone": ms, "photo": ms, "over ours": two}
    publish(
        "networks",
        [
            (
                f"One picture of {SIDE} px, plain torch modules",
                COLUMNS | {"over our small one": two},
                table_of_modules(given.repeats),
            ),
            (
                "A square photo of one megapixel, whole: ours as it comes, the networks of others at their usual size",
                whole,
                table_of_photos(given.repeats),
            ),
        ],
    )


if __name__ == "__main__":
    main()
