"""The encoder of a released graph: small beside the whole, and refused where its places have no names."""

import openvino
import pytest

from colorify.models import CheckpointError, cut, released


@pytest.fixture
def network() -> openvino.Model:
    return openvino.Core().read_model(released.find("highres").with_suffix(".onnx"))


def test_the_encoder_ends_at_the_skips(network):
    count = len(network.get_ops())
    encoder = cut.encoder(network)
    assert [output.get_partial_shape()[1].get_length() for output in encoder.outputs] == [24, 48, 120]
    assert len(encoder.get_ops()) < 0.7 * count and len(network.outputs) == 1 and len(network.get_ops()) == count


def test_a_graph_without_names_is_refused(network, monkeypatch):
    monkeypatch.setattr(cut, "_MIXES", ["nothing"] * 3)
    with pytest.raises(CheckpointError, match="export it anew"):
        cut.encoder(network)
