"""A classifier starts at the prior, and its weights are turned up gradually."""

from types import SimpleNamespace

import torch

from colorify.codec import Bits
from colorify.losses import ClassificationLoss
from colorify.methods import classification
from colorify.methods.classification import ClassificationConfig, Ramp
from colorify.models import checkpoint
from colorify.models.unet import UNet
from colorify.training.config import Run
from colorify.training.transfer import import_backbone
from training.conftest import NUMBERS


def test_a_classifier_starts_at_the_prior(sets, base, tmp_path):
    config = ClassificationConfig(**NUMBERS | {"steps": 1, "lr": 0.0})
    model = checkpoint.load(
        classification.METHOD.train(config, *sets, Run(tmp_path), [import_backbone(checkpoint.load(base))])
    )
    prior = torch.tensor(model.training["prior"])
    shares = model.build()(torch.rand(1, 1, 32, 32) * 100).softmax(1)[0, :, 0, 0]
    torch.testing.assert_close(shares, prior, atol=1e-3, rtol=0)


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
