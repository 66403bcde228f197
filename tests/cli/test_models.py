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


def test_evaluate_by_group(colorify, model, photos, tmp_path):
    """Groups of under ten pictures are one; the older name of an option is told the newer."""
    rows = [f"{path.name},{'few' if path.stem == '00' else 'many'}" for path in sorted(photos.glob("*.png"))]
    (tmp_path / "groups.csv").write_text("\n".join(["name,group", *rows]))
    asked = ("--data", photos, "--model", f"m={model}", "--side", 48)
    result = colorify("evaluate", *asked, "--groups", tmp_path / "groups.csv", "--once")
    assert result.exit_code == 0 and "--once is now --without-tta" in result.stderr
    assert "| many | 12 |" in result.stdout and "| others | 1 |" in result.stdout and "m without tta" in result.stdout
    (tmp_path / "groups.csv").write_text("\n".join(["name,group", *rows[1:]]))
    result = colorify("evaluate", *asked, "--groups", tmp_path / "groups.csv")
    assert result.exit_code == 1 and "no group for 00.png" in result.stderr


def test_release_needs_pictures_and_classes_to_adjust(colorify, model, photos, tmp_path):
    out = tmp_path / "new.safetensors"
    result = colorify("release", model, "--data", tmp_path, "-o", out)
    assert result.exit_code == 1 and f"{tmp_path}: no colour pictures to choose the network size on" in result.stderr
    result = colorify("release", model, "--data", photos, "-o", out, "--start-share", 0.5)
    assert result.exit_code == 1 and "--start, which is not given" in result.stderr and not out.exists()
    result = colorify("release", model, "--data", photos, "-o", out, "--calm", 0.5)
    assert result.exit_code == 1 and "--calm is now --logit-adjustment" in result.stderr
    assert "has nothing to take back" in result.stderr and not out.exists()
