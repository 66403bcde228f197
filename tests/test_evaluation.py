"""Evaluation: what perfect, gray and mean rows must score, and intervals that contain what they should."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from colorify import evaluation
from colorify.codec import Bits, rebalancing
from colorify.inference import Colorizer
from colorify.models import checkpoint as files
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet
from conftest import TINY, photo

PRIOR = [1 / 256] * 256


@pytest.fixture(scope="module")
def scores(colorizer):
    truths = [photo(seed) for seed in range(8)]
    rows = evaluation.recolorings({"model": colorizer}, (2.0, -3.0), (None, 32))
    return evaluation.score(rows | {"perfect": lambda array: array}, truths, PRIOR)


def test_rows_and_metrics(scores):
    assert list(scores) == ["gray", "mean", "model", "model at 32 px", "perfect", "truth"]
    assert all(len(values) == 8 for row in scores.values() for values in row.values())


def test_a_perfect_row(scores):
    result = evaluation.summary(scores)["perfect"]
    assert result["below_gray"] == {"value": 100, "low": 100, "high": 100}
    assert (result["de2000"]["value"], result["gray_toned"]["value"], result["auc"]["value"]) == (0, 0, 100)
    assert result["bleeding"]["value"] == 1
    assert "psnr" not in result


def test_gray_is_gray_and_mean_is_its_colour(scores):
    result = evaluation.summary(scores)
    assert result["gray"]["colorfulness"]["value"] < 1 and result["gray"]["gray_toned"]["value"] == 100
    assert result["gray"]["bleeding"]["value"] < 0.05
    assert "below_gray" not in result["gray"]
    mean = evaluation.recolorings({}, (20.0, -30.0))["mean"](np.full((8, 8, 3), 120, np.uint8))
    lab = evaluation.rgb_to_lab(mean / 255)
    np.testing.assert_allclose(lab[..., 1:], np.broadcast_to([20.0, -30.0], (8, 8, 2)), atol=1)


def test_intervals_hold_the_value_and_are_repeatable(scores):
    result = evaluation.summary(scores)
    for row in result.values():
        assert all(
            value["low"] <= value["value"] + 1e-9 and value["value"] <= value["high"] + 1e-9 for value in row.values()
        )
    assert result == evaluation.summary(scores)
    assert evaluation.as_table(result).count("\n") > 10


def test_an_interval_is_that_of_the_normal_law():
    values = np.random.default_rng(0).normal(5, 2, 400)
    row = {"mse_ab": values + 10, "de2000": values, "bleeding": values + 20}
    interval = evaluation.summary({"gray": row, "mean": row, "truth": row})["gray"]["de2000"]
    half = 1.96 * values.std() / 20
    assert interval["low"] == pytest.approx(values.mean() - half, abs=0.03)
    assert interval["high"] == pytest.approx(values.mean() + half, abs=0.03)


def test_release_chooses_the_size_and_tells(checkpoint, tmp_path):
    config = {"network": {"encoder": "resnet18", "decoder": [16, 16, 8, 8]}, "batch": 2, "sizes": [[0, 32]]}
    seen = {"config": config, "step": 3, "samples": 6, "pictures": 12}
    files.save(replace(checkpoint, training=checkpoint.training | seen), tmp_path / "model.safetensors")
    truths = [photo(seed, 100, 80) for seed in range(3)]
    out = tmp_path / "best.safetensors"
    result = evaluation.release(tmp_path / "model.safetensors", out, truths, (32, 64), "made by a test")
    stored = files.load(out)
    errors = stored.training["mse_ab_by_size"]
    assert str(stored.training["size"]) == min(errors, key=errors.get)
    assert Colorizer.load(out).size == stored.training["size"]
    assert result["best"]["mse_ab"]["value"] == pytest.approx(min(errors.values()), rel=0.02)
    assert stored.training["metrics"] == result
    card = evaluation.card(stored, "best")
    assert "made by a test" in card and f"{result['gray']['de2000']['value']:.2f}" in card
    torch.testing.assert_close(stored.weights["head.weight"], checkpoint.weights["head.weight"], rtol=1e-3, atol=1e-4)


def test_finer_codecs_lose_less():
    lost = evaluation.codec_loss([photo(seed) for seed in range(3)])
    assert lost["bits3"] > lost["bits4"] > lost["bits5"] > lost["channels"] == pytest.approx(0, abs=1e-3)


def test_a_classifier_that_knows_nothing_scores_as_chance(checkpoint):
    network = UNet(TINY, 256)  # its head starts at zero: every class equally likely
    blind = Colorizer(Checkpoint(TINY, Bits(4), "classification", network.state_dict(), {"size": 32}), "cpu")
    scores = evaluation.classification_scores(blind, [photo(seed) for seed in range(3)])
    assert scores["nll"] == pytest.approx(8) and scores["top1"] == 0
    sure, _, share = scores["reliability"]
    assert share[0] == 1 and sure[0] == pytest.approx(1 / 256)


def test_a_sure_and_wrong_classifier_is_caught():
    weights = UNet(TINY, 256).state_dict()
    weights["head.bias"][0] = 20.0  # a colour that does not exist
    wrong = Colorizer(Checkpoint(TINY, Bits(4), "classification", weights, {"size": 32}), "cpu")
    scores = evaluation.classification_scores(wrong, [photo(0)])
    assert (scores["top1"], scores["ece"]) == (0, pytest.approx(100, abs=0.1)) and scores["nll"] > 20


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
    shares = evaluation.calmed(model, 1.0).build()(torch.zeros(1, 1, 32, 32)).softmax(1)[0, :, 0, 0]
    torch.testing.assert_close(shares, true)
    with pytest.raises(ValueError, match="regression model without rebalanced classes"):
        evaluation.calmed(replace(checkpoint, training={"config": {}}), 0.5)
