"""``--json``: an object for what was made, or failed, and nothing else on stdout."""

import json

import pytest

from video.test_film import make


def told(result) -> dict:
    """The one object."""
    (line,) = result.stdout.splitlines()
    return json.loads(line)


def test_a_film_is_an_object(colorify, model, tmp_path):
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    asked = ("video", source, "--json", "--model", model, "--every", 4)
    row = told(colorify(*asked, "-o", out))
    assert row == {"source": str(source), "target": str(out), "state": "done", "reason": "", "frames": 30, "looked": 8}
    again = colorify(*asked, "-o", out)
    assert again.exit_code == 1 and again.stderr == ""
    row = told(again)
    assert row["state"] == "failed" and "exists already" in row["reason"] and row["target"] == str(out)
    assert colorify(*asked, "-o", "-").exit_code == 2


def test_a_damaged_film_is_done_and_says_so(colorify, model, tmp_path):
    source = make(tmp_path / "in.mkv", frames=120, sound=False)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    result = colorify("video", source, "-o", tmp_path / "out.mkv", "--json", "--model", model)
    row = told(result)
    assert result.exit_code == 1 and row["state"] == "done" and "cut off" in row["reason"]


@pytest.mark.parametrize(
    ("option", "name", "key"),
    [
        ("--preview", "six.png", None),
        ("--export-keyframes", "keys", "keyframes"),
        ("--shots", "shots.csv", "shots"),
        ("-o", "f%03d.png", "frames"),
    ],
)
def test_so_is_all_else_that_is_made_of_one(colorify, model, tmp_path, option, name, key):
    source = make(tmp_path / "in.mkv")
    row = told(colorify("video", source, option, tmp_path / name, "--json", "--model", model))
    assert (row["target"], row["state"]) == (str(tmp_path / name), "done") and (key is None or row[key])


def test_what_is_collected(colorify, photos, tmp_path):
    out = tmp_path / "set"
    row = told(colorify("collect", "dataset", photos, "-o", out, "--min-side", 32, "--json"))
    assert row["target"] == str(out) and row["pictures"]["used"] == 12 and row["pictures"]["gray"] == 1
    row = told(colorify("collect", "shard", out, "-o", tmp_path / "shards", "--json"))
    assert row["pictures"] == 12 and row["shards"] == 1
    failed = colorify("collect", "dataset", tmp_path / "none", "-o", tmp_path / "no", "--json")
    assert failed.exit_code == 1 and told(failed)["state"] == "failed"
