"""What each process of tests/training/test_processes.py does: train by all methods, and tell its weights and metrics.

torchrun --nproc_per_node 2 several.py MANIFEST_FOLDER OUT [--kill]
"""

import json
import sys
from pathlib import Path

from colorify.codec import Channels
from colorify.data.batches import AugmentConfig
from colorify.data.cache import DataConfig, prepare
from colorify.methods import classification, gan, regression
from colorify.methods.classification import ClassificationConfig
from colorify.methods.gan import GanConfig
from colorify.methods.regression import RegressionConfig
from colorify.models import checkpoint
from colorify.models.unet import UNetConfig
from colorify.training import processes
from colorify.training.checkpointer import Checkpointer
from colorify.training.config import Run
from colorify.training.transfer import import_backbone, import_model

PLAIN = AugmentConfig((1.0, 1.0), 0.0, 0.0, 0.0)
NUMBERS = {
    "steps": 8,
    "network": UNetConfig("resnet18", (16, 16, 8, 8)),
    "augment": PLAIN,
    "batch": 4,
    "sizes": ((0.0, 64),),
    "lr": 1e-3,
    "ema": 0.5,
    "valid_every": 4,
    "grid_every": 100,
}


def main(folder: str, out: str) -> None:
    said, real = [], Checkpointer.after_epoch

    def telling(checkpointer: Checkpointer) -> None:
        real(checkpointer)
        network = checkpointer.ema.network
        said.append([checkpointer.history[-1], checkpoint.digest(network.state_dict(), {})])

    Checkpointer.after_epoch = telling
    with processes.joined("cpu") as device:
        with processes.in_turn():
            sets = prepare(DataConfig((folder,), valid_share=0.3, side=72, min_side=32), Path(out) / "cache", print)
        run = {name: Run(Path(out) / name, device) for name in ("regression", "classification", "gan")}
        base = checkpoint.load(regression.METHOD.train(RegressionConfig(**NUMBERS), *sets, run["regression"]))
        classification.METHOD.train(
            ClassificationConfig(**NUMBERS), *sets, run["classification"], [import_backbone(base)]
        )
        config = GanConfig(**NUMBERS, critic_width=8, critic_steps=2)
        gan.METHOD.train(config, *sets, run["gan"], [import_model(base, Channels())])
        Path(out, f"said-{processes.rank()}.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
