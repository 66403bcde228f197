"""The container, the development container and Binder: what can be held without building them."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STEPS = re.findall(r"^([A-Z]+) (.+)$", DOCKERFILE, re.MULTILINE)


def sent(path: str) -> bool:
    """Whether a file of the repository gets into the container: the last rule of .dockerignore counts."""
    rules = (ROOT / ".dockerignore").read_text().split()
    kept = [rule for rule in rules if any(fnmatch.fnmatch(part, rule.removeprefix("!")) for part in _above(path))]
    return not kept or kept[-1].startswith("!")


def _above(path: str) -> list[str]:
    return [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]


def test_what_is_copied_is_there_and_sent():
    copied = [words.split() for step, words in STEPS if step == "COPY" and "--from" not in words]
    sources = [path for words in copied for path in words[:-1] if not path.startswith("--")]
    assert {"pyproject.toml", "colorify", "LICENSE", "docker/start"} <= set(sources)
    for path in sources:
        assert (ROOT / path).exists() and sent(path), path
    assert not sent("checkpoints/model.safetensors") and not sent(".git/config")


def test_it_has_no_root_rights_and_keeps_nothing_of_the_build():
    users = [words for step, words in STEPS if step == "USER"]
    assert users == ["colorify"] and [step for step, _ in STEPS].index("USER") < [s for s, _ in STEPS].index(
        "ENTRYPOINT"
    )
    assert [words.split()[0] for step, words in STEPS if step == "FROM"] == ["python:3.13-slim"] * 2
    assert "--no-cache-dir" in DOCKERFILE and "ADD" not in dict(STEPS)


def test_the_start_hands_all_but_the_studio_to_the_command_line(tmp_path):
    if not shutil.which("sh"):
        pytest.skip("no sh")
    for name in ("colorify", "voila"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$JUPYTER_CONFIG_PATH" "$@"\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    variables = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    variables["JUPYTER_CONFIG_PATH"] = ""

    def said(*words: str) -> str:
        command = ["sh", ROOT / "docker" / "start", *words]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout.strip()

    assert said("image", "a b.jpg", "-o", "c/") == "colorify  image a b.jpg -o c/"
    assert said() == "colorify"
    page = ROOT / "colorify" / "widgets" / "page"
    address = "--Voila.ip=0.0.0.0 --port=8866"
    assert said("studio", "--debug") == f"voila {page} /studio/08_studio.ipynb {address} --debug"
    assert json.loads((page / "voila.json").read_text())["Voila"]["auto_token"], "it is served with a token"


def test_binder_and_the_development_container_name_what_is_there():
    told = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert "make setup" in told["postCreateCommand"]
    assert "python=3.12" in yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())["dependencies"]
    script = ROOT / "binder" / "postBuild"
    assert os.access(script, os.X_OK) and '".[formats,studio]"' in script.read_text()
    assert os.access(ROOT / "docker" / "start", os.X_OK)


def test_every_hook_before_a_commit_is_a_tool_of_the_lock():
    hooks = [
        hook
        for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        for hook in repo["hooks"]
    ]
    assert [hook["id"] for hook in hooks] == ["ruff", "ruff-format", "nbstripout", "house"]
    assert all(hook["language"] == "system" and hook["entry"].startswith(".venv/bin/") for hook in hooks)
    assert all((ROOT / path).exists() for path in re.findall(r"tests/\w+\.py", hooks[-1]["entry"]))
    result = subprocess.run([sys.executable, "-m", "pre_commit", "validate-config"], cwd=ROOT, capture_output=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", ["fault", "wish"])
def test_templates_of_issues_ask_for_something(name):
    told = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert told["name"] and told["description"]
    assert all(field["type"] == "textarea" and field["attributes"]["label"] for field in told["body"])
    assert any(field.get("validations", {}).get("required") for field in told["body"])
