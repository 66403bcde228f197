"""Backbones go from any method into any other, whole; the wrong ones are named."""

from dataclasses import replace

import pytest
import torch

from colorify.codec import Bits, Channels
from colorify.models import checkpoint
from colorify.models.checkpoint import CheckpointError
from colorify.models.unet import UNet, UNetConfig
from colorify.training.transfer import PREFIX, export_backbone, import_backbone, import_head, import_model
from training.test_stage import assert_refused, colorify


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


def test_a_model_of_another_codec_is_an_error_naming_both(undisturbed):
    source = checkpoint.load(undisturbed["classification"])
    with pytest.raises(CheckpointError, match="classification model predicts bits4, this method channels"):
        import_model(source, Channels())(UNet(source.network, 2))
    with pytest.raises(CheckpointError, match="head of a classification model predicts classes"):
        import_head(source, Bits(4))
    network = UNet(source.network, 256)
    import_model(source, Bits(4))(network)
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in source.weights.items())


def test_backbones_leave_and_enter_models(undisturbed, tmp_path):
    exported, merged = tmp_path / "backbone.safetensors", tmp_path / "merged.safetensors"
    assert colorify("backbone", "export", undisturbed["gan"], "-o", exported).exit_code == 0
    assert colorify("backbone", "import", exported, undisturbed["classification"], "-o", merged).exit_code == 0
    gan, classifier, result = map(checkpoint.load, (undisturbed["gan"], undisturbed["classification"], merged))
    for name, tensor in result.weights.items():
        source = classifier if name.startswith("head.") else gan
        assert torch.equal(tensor, source.weights[name]), name
    assert result.method == "classification" and result.training.keys() == {"mean_ab", "prior"}


def test_a_backbone_of_another_network_does_not_enter(undisturbed, base, tmp_path):
    other = UNetConfig("resnet18", (16, 16, 8, 4))
    strange = tmp_path / "strange.safetensors"
    checkpoint.save(replace(checkpoint.load(base), network=other), strange)
    result = colorify("backbone", "import", strange, undisturbed["gan"], "-o", tmp_path / "out.safetensors")
    assert_refused(result, "(16, 16, 8, 8)", "(16, 16, 8, 4)")
    assert not (tmp_path / "out.safetensors").exists()
