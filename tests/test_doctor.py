"""What is installed, and what is missing."""

from colorify import doctor, extras
from colorify.models import onnx, released


def test_what_is_here_and_what_is_not(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "ray" else object())
    found = doctor.findings()
    assert "numpy" in found["packages"] and "OpenVINO" in found["photos"]
    assert all(name in found["models"] for name in released.models())
    assert [name for name in found if name.startswith("no ")] == ["no scale"]
    assert extras.cure("scale") in found["no scale"]


def test_without_an_engine_it_says_so(monkeypatch):
    monkeypatch.setattr(onnx, "installed", lambda: False)
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    found = doctor.findings()
    assert found["photos"].startswith("nothing runs networks here") and "not installed" in found["GPU"]
