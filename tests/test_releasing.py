"""A released model: its size, its metrics, its saturation and logits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from colorify import releasing
from colorify.codec import Bits, rebalancing
from colorify.inference import Colorizer
from colorify.metrics import HEADLINES
from colorify.models import checkpoint as files
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet
from conftest import TINY, photo


def test_release_chooses_the_size_and_tells(checkpoint, tmp_path):
    config = {"network": {"encoder": "resnet18", "decoder": [16, 16, 8, 8]}, "batch": 2, "sizes": [[0, 32]]}
    seen = {"config": config, "step": 3, "samples": 6, "pictures": 12}
    files.save(replace(checkpoint, training=checkpoint.training | seen), tmp_path / "model.safetensors")
    truths = [photo(seed, 100, 80) for seed in range(3)]
    out = tmp_path / "best.safetensors"
    result = releasing.release(tmp_path / "model.safetensors", out, truths, (32, 64), "made by a test")
    stored = files.load(out)
    errors = stored.training["mse_ab_by_size"]
    assert str(stored.training["size"]) == min(errors, key=errors.get)
    assert Colorizer.load(out).size == stored.training["size"]
    assert result["best"]["mse_ab"]["value"] == pytest.approx(min(errors.values()), rel=0.02)
    assert stored.training["metrics"] == result
    card = releasing.card(stored, "best")
    facts = yaml.safe_load(card.split("---\n")[1])
    assert card.startswith("---\n") and "\n---\n\n# best\n" in card
    assert facts["license"] == "mit" and {"colorization", "regression", "resnet18"} <= set(facts["tags"])
    assert facts["metrics"] == list(HEADLINES) and "base_model" not in facts
    ((entry,),) = (one["results"] for one in facts["model-index"])
    told = {row["type"]: row["value"] for row in entry["metrics"]}
    assert told == {name: pytest.approx(result["best"][name]["value"], abs=0.005) for name in HEADLINES}
    assert "made by a test" in card and f"{result['gray']['de2000']['value']:.2f}" in card
    torch.testing.assert_close(stored.weights["head.weight"], checkpoint.weights["head.weight"], rtol=1e-3, atol=1e-4)


def test_a_mean_with_the_start_lies_between_them(checkpoint):
    gan = replace(checkpoint, method="gan", training={"config": {"saturation": 1.5}})
    ones = {name: torch.ones_like(tensor) for name, tensor in checkpoint.weights.items()}
    start = replace(checkpoint, weights=ones)
    mean = releasing.averaged(gan, start, 0.25)
    assert mean.training["start_share"] == 0.25
    for name, reached in (("head.weight", 1.5), ("backbone.decoder.0.mix1.weight", 1.0)):
        torch.testing.assert_close(mean.weights[name], 0.75 * gan.weights[name] + 0.25 * reached)
    with pytest.raises(ValueError, match="not of one network"):
        releasing.averaged(gan, replace(start, codec=Bits(4)), 0.5)


def test_what_the_start_has_learnt_since_is_added(checkpoint):
    gan = replace(checkpoint, method="gan", training={"config": {"saturation": 1.5}})
    before = replace(checkpoint, weights={name: torch.ones_like(tensor) for name, tensor in checkpoint.weights.items()})
    after = replace(checkpoint, weights={name: tensor + 1 for name, tensor in before.weights.items()})
    moved = releasing.moved(gan, before, after)
    for name, step in (("head.weight", 1.5), ("backbone.decoder.0.mix1.weight", 1.0)):
        torch.testing.assert_close(moved.weights[name], gan.weights[name] + step)
    assert moved.training["moved"]
    with pytest.raises(ValueError, match="not of one network"):
        releasing.moved(gan, before, replace(after, codec=Bits(4)))


def test_a_calmed_classifier_answers_the_true_shares(checkpoint):
    """With weights w a network learns p * w; all of it taken back gives p."""
    codec = Bits(4)
    torch.manual_seed(0)
    prior, true = torch.rand(256).softmax(0), (2 * torch.rand(256)).softmax(0)
    weights = rebalancing(prior, codec, 0.5)
    network = UNet(TINY, 256)
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data = (true * weights).log()
    training = {"prior": prior.tolist(), "config": {"weighting": "rebalanced", "rebalance": 0.5}}
    model = Checkpoint(TINY, codec, "classification", network.state_dict(), training)
    shares = releasing.adjusted(model, 1.0).build()(torch.zeros(1, 1, 32, 32)).softmax(1)[0, :, 0, 0]
    torch.testing.assert_close(shares, true)
    with pytest.raises(ValueError, match="regression model without rebalanced classes"):
        releasing.adjusted(replace(checkpoint, training={"config": {}}), 0.5)


def test_a_saturated_model_gives_stronger_colours_of_the_same_hue(checkpoint):
    luma = np.random.default_rng(0).random((1, 32, 32), np.float32) * 100
    plain, strong = (
        Colorizer(model, "cpu").chroma(luma) for model in (checkpoint, releasing.saturated(checkpoint, 1.5))
    )
    np.testing.assert_allclose(strong, (1.5 * plain).clip(-110, 110), atol=0.02, rtol=0.01)
    twice, back = (releasing.saturated(releasing.saturated(checkpoint, 2.0), factor) for factor in (1.5, 0.5))
    assert twice.training["saturation"] == 3 and "saturation" not in back.training
    with pytest.raises(ValueError, match="cannot be saturated"):
        releasing.saturated(replace(checkpoint, codec=Bits(4), method="classification"), 1.5)
