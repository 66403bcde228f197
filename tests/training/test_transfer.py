"""Backbones go from any method into any other, whole; the wrong ones are named."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from colorify.codec import Bits, Channels
from colorify.losses import ClassificationLoss, RegressionLoss
from colorify.methods import classification, gan
from colorify.methods.classification import ClassificationConfig, Ramp
from colorify.methods.gan import Adversary, GanConfig, GanLoss
from colorify.models import checkpoint
from colorify.models.checkpoint import CheckpointError
from colorify.models.unet import UNet, UNetConfig
from colorify.training.config import STATE_FILE, Run
from colorify.training.stage import train_stage
from colorify.training.transfer import PREFIX, export_backbone, import_backbone, import_head, import_model
from conftest import TINY

from .conftest import NUMBERS


@pytest.mark.parametrize("name", ["regression", "classification", "gan"])
@pytest.mark.parametrize("outputs", [2, 256])
def test_any_backbone_goes_into_any_method(undisturbed, tmp_path, name, outputs):
    exported = tmp_path / "backbone.safetensors"
    export_backbone(undisturbed[name], exported)
    source = checkpoint.load(exported)
    assert all(key.startswith(PREFIX) for key in source.weights)
    for start in (source, checkpoint.load(undisturbed[name])):
        network = UNet(source.network, outputs)
        head = network.head.weight.clone()
        import_backbone(start)(network)
        assert all(torch.equal(network.state_dict()[key], tensor) for key, tensor in source.weights.items())
        assert torch.equal(network.head.weight, head)


def test_another_architecture_is_an_error_naming_both(base):
    source = checkpoint.load(base)
    with pytest.raises(CheckpointError, match=r"\(16, 16, 8, 8\).*\(16, 16, 8, 4\)"):
        import_backbone(source)(UNet(UNetConfig("resnet18", (16, 16, 8, 4)), 2))
    with pytest.raises(CheckpointError, match="no backbone"):
        import_backbone(replace(source, weights={"head.bias": torch.zeros(2)}))(UNet(source.network, 2))


def test_a_classifier_starts_at_the_prior(sets, base, tmp_path):
    config = ClassificationConfig(**NUMBERS | {"steps": 1, "lr": 0.0})
    model = checkpoint.load(
        classification.METHOD.train(config, *sets, Run(tmp_path), [import_backbone(checkpoint.load(base))])
    )
    prior = torch.tensor(model.training["prior"])
    shares = model.build()(torch.rand(1, 1, 32, 32) * 100).softmax(1)[0, :, 0, 0]
    torch.testing.assert_close(shares, prior, atol=1e-3, rtol=0)


def test_a_classifier_that_starts_from_a_regression_gives_its_answer(base):
    source, codec = checkpoint.load(base), Bits(4)
    network = UNet(source.network, 256).eval()
    import_backbone(source)(network)
    import_head(source, codec)(network)
    luma = torch.rand(1, 1, 32, 32) * 100
    with torch.no_grad():
        answer, shares = source.codec.decode(source.build()(luma)), network(luma).softmax(1)
    centers = torch.from_numpy(codec.centers)
    mean = torch.einsum("bqhw,qc->bchw", shares, centers)
    torch.testing.assert_close(mean, answer, atol=0.1, rtol=0)
    variance = torch.einsum("bqhw,qc->bchw", shares, centers**2) - mean**2
    assert variance.sqrt().mean() == pytest.approx(13, abs=1)


def test_gradient_reaches_the_backbone_through_the_rebalanced_loss(base):
    source = checkpoint.load(base)
    network = UNet(source.network, 256)
    import_backbone(source)(network)
    torch.nn.init.normal_(network.head.weight, std=0.01)
    loss = ClassificationLoss(Bits(4), "rebalanced", torch.rand(256))
    loss(network(torch.rand(2, 1, 32, 32) * 100), torch.randn(2, 2, 16, 16) * 20).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.backbone.parameters())


def test_weights_are_turned_up_gradually():
    ramp = Ramp(SimpleNamespace(strength=None), 10)
    strengths = []
    for step in (0, 5, 10, 20):
        ramp.learn = SimpleNamespace(checkpointer=SimpleNamespace(step=step))
        ramp.before_batch()
        strengths.append(ramp.weighted.strength)
    assert strengths == [0, 0.5, 1, 1]


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


def test_a_model_of_another_codec_is_an_error_naming_both(undisturbed):
    source = checkpoint.load(undisturbed["classification"])
    with pytest.raises(CheckpointError, match="classification model predicts bits4, this method channels"):
        import_model(source, Channels())(UNet(source.network, 2))
    network = UNet(source.network, 256)
    import_model(source, Bits(4))(network)
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in source.weights.items())
