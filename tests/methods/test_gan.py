"""Critic and generator take turns; the generator becomes vivid, and the best of it is kept."""

import json
from pathlib import Path

import torch

from colorify.codec import Channels
from colorify.losses import RegressionLoss
from colorify.methods import gan
from colorify.methods.gan import Adversary, GanConfig, GanLoss
from colorify.models import checkpoint
from colorify.training.config import STATE_FILE, Run
from colorify.training.stage import train_stage
from colorify.training.transfer import import_model
from conftest import TINY
from training.conftest import NUMBERS

CRITIC_WEIGHT = "critic/0.parametrizations.weight.original"


def gan_state(sets, base: Path, out: Path, steps: int, critic_steps: int) -> dict[str, torch.Tensor]:
    """The state of a GAN, stopped after so many steps."""
    config = GanConfig(**NUMBERS | {"valid_every": 100}, critic_width=8, critic_steps=critic_steps)
    for _ in range(steps):
        gan.METHOD.train(config, *sets, Run(out, stop_minutes=1e-9), [import_model(checkpoint.load(base), Channels())])
    return checkpoint.load(out / STATE_FILE, with_state=True).state


def test_the_generator_waits_while_the_critic_learns(sets, base, tmp_path):
    one, three = (gan_state(sets, base, tmp_path / str(steps), steps, 3) for steps in (1, 3))
    assert all(torch.equal(three[f"network/{n}"], t) for n, t in checkpoint.load(base).weights.items())
    assert not any(name.startswith("optimizer/") for name in three)
    assert not torch.equal(one[CRITIC_WEIGHT], three[CRITIC_WEIGHT])


def test_the_critic_is_still_while_the_generator_learns(sets, base, tmp_path, monkeypatch):
    seen = []
    real = Adversary._teach

    def watched(adversary, *arguments):
        critic = adversary.gan_loss.critic
        if seen:
            assert all(torch.equal(tensor, seen[-1][name]) for name, tensor in critic.state_dict().items())
        real(adversary, *arguments)
        seen.append({name: tensor.clone() for name, tensor in critic.state_dict().items()})

    monkeypatch.setattr(Adversary, "_teach", watched)
    start = [import_model(checkpoint.load(base), Channels())]
    model = gan.METHOD.train(GanConfig(**NUMBERS, critic_width=8, critic_steps=0), *sets, Run(tmp_path), start)
    assert len(seen) == NUMBERS["steps"]
    moved = checkpoint.load(model).weights["head.weight"]
    assert not torch.equal(moved, checkpoint.load(base).weights["head.weight"])


def test_the_generator_starts_with_and_is_held_to_more_saturated_colours(sets, base, tmp_path):
    numbers = NUMBERS | {"steps": 1, "lr": 0.0, "saturation": 1.5, "critic_width": 8, "critic_steps": 0}
    params = tmp_path / "params.yaml"
    numbers["network"] = {"encoder": TINY.encoder, "decoder": list(TINY.decoder)}
    params.write_text(json.dumps({"profile": "test", "test": {"gan": numbers}}))
    first = train_stage(gan.METHOD, file=params, sets=sets, begin=base, out=tmp_path / "first")
    second = train_stage(gan.METHOD, file=params, sets=sets, begin=first, out=tmp_path / "second")
    begin, first, second = (checkpoint.load(path).weights["head.weight"] for path in (base, first, second))
    torch.testing.assert_close(first, 1.5 * begin)
    torch.testing.assert_close(second, first)  # a refined model is saturated already
    ab = torch.randn(2, 2, 16, 16) * 20
    loss = GanLoss(RegressionLoss(Channels()), None, 0.01, saturation=1.5)
    assert loss(Channels().encode(1.5 * ab), ab) == 0 < loss(Channels().encode(ab), ab)


def test_the_best_of_a_gan_is_one_that_learnt(sets, base, tmp_path):
    config = GanConfig(**NUMBERS | {"valid_every": 2}, critic_width=8, critic_steps=4)
    model = checkpoint.load(
        gan.METHOD.train(config, *sets, Run(tmp_path), [import_model(checkpoint.load(base), Channels())])
    )
    assert ["score" in row for row in model.training["history"]] == [False, False, True]
    assert not torch.equal(model.weights["head.weight"], checkpoint.load(base).weights["head.weight"])
