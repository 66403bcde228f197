"""The commands that list and measure models."""

import json
from pathlib import Path


def test_models_are_listed(colorify):
    result = colorify("models")
    assert result.exit_code == 0 and "highres: " in result.stdout and "samples seen" in result.stdout
    assert "| gray | mean | highres | lowres | truth |" in colorify("models", "--table").stdout


def test_evaluate_prints_the_rows_and_writes_them(colorify, model, photos, tmp_path):
    models = ("--model", model, "--model", f"mine={model}")
    result = colorify("evaluate", "--data", photos, *models, "--out", tmp_path, "--side", 48)
    assert result.exit_code == 0, result.stderr
    assert f"| gray | mean | {model} | mine | truth |" in result.stdout and "| bleeding |" in result.stdout
    assert (tmp_path / "table.md").read_text() in result.stdout and (tmp_path / "metrics.json").exists()


def test_evaluate_with_hints(colorify, model, photos, tmp_path):
    told = ("--hints", 1, "--hints", 30)
    result = colorify("evaluate", "--data", photos, "--model", f"m={model}", *told, "--out", tmp_path, "--side", 48)
    assert result.exit_code == 0, result.stderr
    rows = json.loads((tmp_path / "metrics.json").read_text())
    errors = [rows[name]["de2000"]["value"] for name in ("m", "m, hints: 1", "m, hints: 30")]
    assert errors[0] > errors[2] and errors[1] != errors[0]


def test_evaluate_without_pictures(colorify, model, tmp_path):
    result = colorify("evaluate", "--data", tmp_path, "--model", model)
    assert result.exit_code == 1 and "no colour pictures" in result.stderr


def test_json_is_an_object_a_model(colorify, model, photos):
    listed = [json.loads(line)["name"] for line in colorify("models", "--json").stdout.splitlines()]
    assert listed == ["highres", "lowres"]
    assert "packages" in json.loads(colorify("doctor", "--json").stdout)
    rows = colorify("evaluate", "--data", photos, "--model", model, "--limit", 2, "--json").stdout.splitlines()
    assert "tiny" in {Path(json.loads(row)["model"]).stem for row in rows} and "metrics" in json.loads(rows[0])
