"""Evaluation: what perfect, gray and mean rows must score, and intervals that contain what they should."""

import numpy as np
import pytest
from PIL import Image

from colorify import evaluation, metrics
from colorify.codec import TEMPERATURE, Bits
from colorify.inference import Colorizer
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


def test_every_record_of_a_metric_is_reported(scores):
    """But for the drifts, which take more pictures: `test_colours_drift_only_with_what_the_network_sees`."""
    assert evaluation.summary(scores)["model"].keys() >= metrics.METRICS.keys() - set(evaluation.DRIFTS)
    assert set(evaluation.DRIFTS) <= metrics.METRICS.keys()


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


def test_finer_codecs_lose_less():
    lost = evaluation.codec_loss([photo(seed) for seed in range(3)])
    assert lost["bits3"] > lost["bits4"] > lost["bits5"] > lost["channels"] == pytest.approx(0, abs=1e-3)


def test_a_classifier_that_knows_nothing_scores_as_chance(checkpoint):
    network = UNet(TINY, 256)  # its head starts at zero: every class equally likely
    blind = Colorizer(Checkpoint(TINY, Bits(4), "classification", network.state_dict(), {"size": 32}), "cpu")
    scores = evaluation.classification_scores(blind, [photo(seed) for seed in range(3)])
    assert scores["nll"] == pytest.approx(8) and scores["top1"] == 0
    sure, _, share = scores["reliability"]
    assert share == pytest.approx(0.1) and len(share) == 10 and sure == pytest.approx(1 / 256)


def test_a_sure_and_wrong_classifier_is_caught():
    weights = UNet(TINY, 256).state_dict()
    weights["head.bias"][0] = 20.0  # a colour that does not exist
    wrong = Colorizer(Checkpoint(TINY, Bits(4), "classification", weights, {"size": 32}), "cpu")
    scores = evaluation.classification_scores(wrong, [photo(0)])
    assert (scores["top1"], scores["ece"]) == (0, pytest.approx(100, abs=0.1)) and scores["nll"] > 20


def test_colours_drift_only_with_what_the_network_sees(colorizer):
    truths = [photo(seed, 96, 64) for seed in range(6)]
    moved = evaluation.drifts(colorizer, truths)
    assert all(((values > 0.05) & (values < 30)).all() for values in moved.values())
    many = evaluation.drifts(colorizer, [photo(0, 32, 24)] * 202)
    assert np.isfinite(many["drift_degraded"]).sum() == 101
    neutral = Image.fromarray(np.tile(np.linspace(0, 255, 96, dtype=np.uint8)[:, None, None], (1, 64, 3)))
    same = evaluation.drifts(colorizer, [neutral])  # every kind of gray is the same gray
    assert same["drift_gray"][0] < 0.3 < same["drift_degraded"][0]


def test_models_are_evaluated_by_one_look_as_well(colorizer):
    truths = [photo(seed, 96, 64) for seed in range(2)]
    scores = evaluation.evaluate({"r": colorizer}, truths, without_tta=True)
    alone = evaluation.score({"once": lambda array: colorizer(array, tta=False)}, truths, colorizer.training["prior"])
    assert np.array_equal(scores["r without tta"]["de2000"], alone["once"]["de2000"])
    assert not np.array_equal(scores["r without tta"]["de2000"], scores["r"]["de2000"])


def test_classifiers_are_read_at_several_temperatures(colorizer, classifier):
    models, truths = {"r": colorizer, "c": classifier}, [photo(seed, 48, 32) for seed in range(2)]
    scores = evaluation.evaluate(models, truths, temperatures=(0.0, TEMPERATURE))
    assert set(scores) == {"gray", "mean", "r", "c", "c, temperature 0", f"c, temperature {TEMPERATURE:g}", "truth"}
    assert np.array_equal(scores[f"c, temperature {TEMPERATURE:g}"]["de2000"], scores["c"]["de2000"])
    assert (scores["c, temperature 0"]["colorfulness"] > scores["c"]["colorfulness"]).all()


def test_groups_are_evaluated_apart(scores, tmp_path):
    names = [f"{number}.png" for number in range(24)]
    (tmp_path / "groups.csv").write_text(
        "name,group\n" + "\n".join(f"{n},{'big' if int(n[:-4]) < 20 else n}" for n in names)
    )
    groups = evaluation.read_groups(tmp_path / "groups.csv", names)
    tripled = {row: {m: np.tile(v, 3) for m, v in values.items()} for row, values in scores.items()}
    table = evaluation.by_group(tripled, groups).splitlines()
    assert table[0] == "| de2000 | photos | gray | mean | model | model at 32 px | perfect |"
    assert [line.split(" | ")[:2] for line in table[2:]] == [["| big", "20"], ["| others", "4"]]
    expected = tripled["gray"]["de2000"][:20].mean()
    assert f"| big | 20 | {expected:.2f} (" in table[2]
    with pytest.raises(ValueError, match=r"no group for a\.png and 0 others"):
        evaluation.read_groups(tmp_path / "groups.csv", ["x/a.png"])
    (tmp_path / "groups.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="expected the columns"):
        evaluation.read_groups(tmp_path / "groups.csv", ["a.png"])


def test_colour_histograms_are_shares_and_know_red_from_blue():
    red, blue = (Image.new("RGB", (8, 8), name) for name in ("red", "blue"))
    found = evaluation.color_histograms({"red": [red, red], "both": [red, blue]}, bins=36)
    assert all(values.sum() == pytest.approx(100) for chart in found.values() for values in chart.values())
    assert np.flatnonzero(found["hue"]["red"]).tolist() == [3]  # 39.999 degrees
    assert np.flatnonzero(found["hue"]["both"]).tolist() == [3, 30]  # 306 degrees


def test_groups_are_summed_up_apart_and_small_ones_together():
    values = {"gray": 4.0, "model": 3.0, "truth": 0.0}
    metrics_ = ("de2000", "mse_ab", "auc_rebalanced")
    scores = {row: {name: np.full(14, value) for name in metrics_} for row, value in values.items()}
    scores["mean"] = scores["gray"]
    parts = evaluation.grouped(scores, ["a"] * 10 + ["b"] * 3 + ["c"])
    assert list(parts) == ["a, 10", "others, 4"]
    assert parts["others, 4"]["model"]["de2000_below_gray"]["value"] == 1


def test_the_headline_is_three_numbers_of_each_model():
    number = {"value": 2.0, "low": 1.0, "high": 3.0}
    result = {"gray": {}, "model": dict.fromkeys(("de2000", "below_gray", "colorfulness", "auc"), number)}
    assert evaluation.headline(result, ["model"]) == {
        "model": dict.fromkeys(("de2000", "below_gray", "colorfulness"), 2.0)
    }
