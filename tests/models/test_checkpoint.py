"""Checkpoints are whole, strict, verified, and survive a failed write."""

import pickle
import struct
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from colorify.codec import Bits
from colorify.models import checkpoint as files
from colorify.models.checkpoint import Checkpoint, CheckpointError


def test_round_trip(checkpoint, tmp_path):
    path = tmp_path / "new" / "model.safetensors"
    files.save(replace(checkpoint, state={"optimizer/0/step": torch.tensor(7.0)}), path)
    plain, full = files.load(path), files.load(path, with_state=True)
    assert (plain.network, plain.codec, plain.method) == (checkpoint.network, checkpoint.codec, "regression")
    assert plain.training == checkpoint.training
    assert plain.state == {} and full.state["optimizer/0/step"] == 7
    assert all(torch.equal(plain.weights[name], tensor) for name, tensor in checkpoint.weights.items())
    x = torch.rand(1, 1, 32, 32) * 100
    assert torch.equal(plain.build()(x), checkpoint.build()(x))


def test_equal_checkpoints_are_equal_files(checkpoint, tmp_path):
    contents = set()
    for number in range(5):
        files.save(replace(checkpoint, training={"note": "\u00e9\u4e2d"}), tmp_path / f"{number}.safetensors")
        contents.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(contents) == 1
    assert files.load(tmp_path / "0.safetensors").training["note"] == "\u00e9\u4e2d"


def test_half_precision_is_smaller_and_close(checkpoint, tmp_path):
    files.save(checkpoint, tmp_path / "a.safetensors")
    files.save(checkpoint, tmp_path / "b.safetensors", torch.float16)
    assert (tmp_path / "b.safetensors").stat().st_size < 0.51 * (tmp_path / "a.safetensors").stat().st_size
    weights = files.load(tmp_path / "b.safetensors").weights
    assert weights["head.weight"].dtype == torch.float32
    torch.testing.assert_close(weights["head.weight"], checkpoint.weights["head.weight"], rtol=1e-3, atol=1e-6)


def test_numbers_too_large_for_half_precision_stay_as_they_are(checkpoint, tmp_path):
    name = next(name for name in checkpoint.weights if name.endswith("running_var"))
    large = torch.full_like(checkpoint.weights[name], 70_000.0)
    changed = replace(checkpoint, weights=checkpoint.weights | {name: large})
    files.save(changed, tmp_path / "b.safetensors", torch.float16)
    torch.testing.assert_close(files.load(tmp_path / "b.safetensors").weights[name], large)


@pytest.mark.parametrize("position", [-1, -5000])
def test_a_changed_byte_of_a_tensor_is_noticed(checkpoint, tmp_path, position):
    path = tmp_path / "model.safetensors"
    files.save(checkpoint, path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: corrupted"):
        files.load(path)


def test_a_changed_description_is_noticed(checkpoint, tmp_path):
    path = tmp_path / "model.safetensors"
    files.save(checkpoint, path)
    content = path.read_bytes()
    assert content.count(b"regression") == 1
    path.write_bytes(content.replace(b"regression", b"repression"))
    with pytest.raises(CheckpointError, match="corrupted"):
        files.load(path)


def test_foreign_files(tmp_path):
    path = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not a colorify checkpoint"):
        files.load(path)
    with pytest.raises(CheckpointError, match="no such file"):
        files.load(tmp_path / "missing.safetensors")
    for content in (b"", b"text", struct.pack("<Q", 1 << 60)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="not a safetensors file"):
            files.load(path)


class Bomb:
    """Unpickling this would raise SystemExit."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "bomb.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        files.load(path)


def test_weights_of_another_shape_are_refused(checkpoint, tmp_path):
    path = tmp_path / "model.safetensors"
    files.save(replace(checkpoint, codec=Bits(4)), path)
    with pytest.raises(CheckpointError, match="do not fit"):
        files.load(path).build()
    weights = {name: tensor for name, tensor in checkpoint.weights.items() if name != "head.bias"}
    with pytest.raises(CheckpointError, match="do not fit"):
        replace(checkpoint, weights=weights).build()


def test_an_unknown_network_is_refused(checkpoint, tmp_path):
    path = tmp_path / "model.safetensors"
    files.save(replace(checkpoint, network=replace(checkpoint.network, encoder="resnet99")), path)
    with pytest.raises(CheckpointError, match="description cannot be used"):
        files.load(path)


def test_a_failed_write_keeps_the_old_file(checkpoint, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    files.save(checkpoint, path)
    before = path.read_bytes()

    def full(tensors, filename, metadata):
        filename.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(CheckpointError, match="No space left"):
        files.save(Checkpoint(checkpoint.network, checkpoint.codec, "gan", {}), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
