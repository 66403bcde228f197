"""Losses by their formulas."""

import pytest
import torch

from colorify.codec import Bits, Channels, rebalancing
from colorify.losses import ClassificationLoss, RegressionLoss
from colorify.metrics import rebalanced_auc

AB = torch.rand(2, 2, 6, 5, generator=torch.Generator().manual_seed(0)) * 100 - 50


def test_regression_loss_is_smooth_l1_of_the_code():
    ab = torch.tensor([100.0, 5.0]).view(1, 2, 1, 1)
    loss = RegressionLoss(Channels(), beta=0.2)(torch.zeros(1, 2, 1, 1), ab)
    assert float(loss) == pytest.approx(((2.0 - 0.1) + 0.5 * 0.1**2 / 0.2) / 2)


def test_classification_loss_is_the_cross_entropy_of_soft_labels():
    codec, logits = Bits(4), torch.randn(2, 256, 6, 5, generator=torch.Generator().manual_seed(1))
    index, shares = codec.soft_encode(AB)
    target = torch.zeros(2, 256, 6, 5).scatter_add_(1, index, shares)
    expected = torch.nn.functional.cross_entropy(logits, target)
    torch.testing.assert_close(ClassificationLoss(codec, "none")(logits, AB), expected)


def test_the_answers_distance_is_that_of_the_rebalanced_auc():
    """What it adds is what the metric, which reaches from 0 to 150 ab units in steps, lacks."""
    codec, logits = Bits(4), torch.randn(2, 256, 6, 5, generator=torch.Generator().manual_seed(1))
    prior = torch.full((256,), 1 / 256).index_fill_(0, codec.encode(AB[:1]).flatten()[:9], 0.05)
    weights = rebalancing(prior, codec)
    bare, whole = (
        float(ClassificationLoss(codec, "rebalanced", weights, distance_weight=a)(logits, AB)) for a in (0.0, 0.1)
    )
    lab, truth = (torch.cat((torch.full((2, 1, 6, 5), 50.0), ab), 1) for ab in (codec.decode(logits), AB))
    lacking = 1.5 * (100 - rebalanced_auc(prior.tolist())(lab, truth))  # per picture, over the sum of its weights
    share = weights[codec.encode(AB)].mean((1, 2))
    assert (whole - bare) / 0.1 == pytest.approx(float((lacking * share).mean()), abs=0.6)


def test_strength_blends_the_weights_in():
    codec, logits = Bits(4), torch.randn(2, 256, 6, 5, generator=torch.Generator().manual_seed(1))
    weights = torch.rand(256, generator=torch.Generator().manual_seed(2))
    losses = [float(ClassificationLoss(codec, "rebalanced", weights, s)(logits, AB)) for s in (0, 0.5, 1)]
    assert losses[0] == pytest.approx(float(ClassificationLoss(codec, "none")(logits, AB)))
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2)


def test_per_image_weights_give_every_class_the_same_total():
    index = torch.tensor([[[3, 3, 3], [3, 7, 7]], [[1, 1, 1], [1, 1, 1]]])
    weights = ClassificationLoss(Bits(4), "per_image").weights(index)
    assert float(weights[0][index[0] == 3].sum()) == pytest.approx(float(weights[0][index[0] == 7].sum()))
    assert weights.mean((1, 2)).tolist() == pytest.approx([1, 1])


def test_gradient_reaches_every_class_that_is_right():
    codec = Bits(4)
    logits = torch.zeros(2, 256, 6, 5, requires_grad=True)
    ClassificationLoss(codec, "rebalanced", torch.ones(256))(logits, AB).backward()
    right = logits.grad.gather(1, codec.encode(AB)[:, None])
    assert (right < 0).all()
