"""The house is in order: floors, words of the README, weights that fit."""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from colorify.cli import app
from colorify.evaluation import BASELINES, table_of_metrics
from colorify.models import checkpoint, released
from colorify.releasing import card
from reliability import summary

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))
speed = importlib.import_module("summary")
README = (ROOT / "README.md").read_text()
PAGES = {path.stem: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / name / "README.md" for name in
             ("reports", "benchmarks", "data"))]  # fmt: skip
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


COMMANDS = typer.main.get_command(app)
ELSEWHERE = {
    "__main__": "one call; tests/video/test_console.py and others start `python -m colorify`",
    "cli/collect": "tests/collect/test_sources.py and test_spider.py give its commands",
    "cli/film": "tests/video/test_film.py and test_console.py give its command",
    "cli/train": "tests/training/test_stage.py, tests/methods/test_registry.py and tests/models give its commands",
    "version": "one constant; pyproject.toml reads it",
    "training/recipe": "a dataclass without a method; every method fills one",
}
"""Modules without a test file of their name, and why."""


def test_every_module_has_a_test_file_of_its_name():
    home = ROOT / "colorify"
    modules = {path.relative_to(home).with_suffix("") for path in home.rglob("*.py") if path.name != "__init__.py"}
    alone = {str(name) for name in modules if not (ROOT / "tests" / name.parent / f"test_{name.name}.py").exists()}
    assert alone == ELSEWHERE.keys(), "add a test file, or the reason why there is none"


def test_modules_and_functions_are_short():
    """No module over 350 lines, no function of over 7 parameters but for commands, whose options are."""
    long, wide = {}, {}
    for path in (
        *(ROOT / "colorify").rglob("*.py"),
        *(ROOT / "benchmarks").glob("*.py"),
    ):
        text = path.read_text()
        if text.count("\n") > 350:
            long[path.name] = text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and "cli" not in path.parts:
                count = sum(map(len, (node.args.posonlyargs, node.args.args, node.args.kwonlyargs)))
                if count - ("self" in [argument.arg for argument in node.args.args]) > 7:
                    wide[f"{path.name}: {node.name}"] = count
    assert (long, wide) == ({}, {})


def test_floors_import_downwards_only():
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_readme_is_one_screen():
    assert len(README.splitlines()) < 150


def typed(page: str) -> list[str]:
    """What a page tells to type: the lines of its code, and its words in backticks."""
    fenced = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [line for text in fenced for line in text.splitlines()] + re.findall(r"`([^`\n]+)`", page)


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.parent.name + "/" + page.name)
def test_commands_of_the_documents_exist(page):
    lines = typed(page.read_text())
    assert {line.split()[1] for line in lines if re.match(r"make [a-z]", line)} <= TARGETS
    for line in (line for line in lines if re.match(r"colorify [a-z]", line) and "[OPTIONS]" not in line):
        line, command = line.partition("   ")[0].partition(" #")[0], COMMANDS
        for word in line.split()[1:]:
            if hasattr(command, "commands") and not word.startswith("-"):
                command = command.commands[{"METHOD": "gan", "COMMAND": "image"}.get(word, word)]
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", line)) <= options | {"--help"}, line


def test_ci_runs_all_tests_and_a_contributor_those_of_minutes():
    recipes = dict(re.findall(r"^([a-z-]+):.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "not long" in recipes["test"] and "not long" not in recipes["test-all"]
    commands = (ROOT / ".ci/run").read_text().splitlines()
    assert commands[-2:] == ["make lint", "make test-all"]
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert {"run": ".ci/run"} in jobs["test"]["steps"]
    matrix = jobs["plain"]["strategy"]["matrix"]
    assert set(matrix) == {"os", "python"} and len(matrix["os"]) == 3
    assert matrix["python"] == re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert any("tests/test_plain.py" in step.get("run", "") for step in jobs["plain"]["steps"])
    assert "make test " in README and "`make test-all`" in README


def test_pictures_of_the_readme_exist():
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("name", ["highres", "lowres"])
def test_released_weights_are_small_and_beat_gray_and_mean(name):
    path = released.models()[name]
    assert path.stat().st_size < 64e6
    model = checkpoint.load(path)
    result = model.training["metrics"][name]
    assert any(
        all(result[f"{metric}_{row}"]["low"] > 0 for row in BASELINES)
        for metric in ("de2000_below", "auc_rebalanced_above")
    )
    assert path.with_suffix(".md").read_text() == card(model, name)


def test_the_table_of_the_page_is_the_report_and_what_the_weights_say():
    for table in ("reports/comparison/table.md", "reports/comparison/wide/table.md"):
        assert (ROOT / table).read_text() in PAGES["results"]
    report = json.loads((ROOT / "reports/comparison/metrics.json").read_text())
    for name, path in released.models().items():
        (row,) = (label for label in report if name in label)
        assert report[row] == checkpoint.load(path).training["metrics"][name]


def test_the_figures_of_the_readme_are_those_of_the_reports():
    rows = {label: [cell.strip() for cell in cells.split("|")[:-1]] for label, cells in _rows(README)}
    measured = json.loads((ROOT / "reports/comparison/metrics.json").read_text())
    networks = speed.read(ROOT / "reports" / "benchmarks")
    photos = {row["network"]: row for row in speed.table(networks, "networks", "A square photo")}
    for label, name in (("gray", "gray"), ("colorify `highres`", "gan (highres)"), ("colorify `lowres`", "lowres")):
        (row,) = (cells for start, cells in rows.items() if start.startswith(label))
        (values,) = (found for key, found in measured.items() if name in key)
        assert row[:3] == [f"{values[metric]['value']:.1f}" for metric in ("de2000", "colorfulness", "psnr")]
    assert f"truth: {measured['truth']['colorfulness']['value']:.1f}" in README
    wide = json.loads((ROOT / "reports/comparison/wide/metrics.json").read_text())
    gray, vivid, cautious = (
        f"{wide[name]['de2000']['value']:.1f}" for name in ("gray", "gan (highres)", "classification (lowres)")
    )
    assert f"gray errs by {gray}, `highres` by {vivid} and `lowres` by {cautious}." in " ".join(README.split())
    for label, network in (("colorify `highres`", "colorify highres, as it comes"), *((name, name) for name in PEERS)):
        (row,) = (cells for start, cells in rows.items() if start.startswith(label))
        seconds = photos[network]["photo"]
        assert row[3] == (f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s")
        assert row[4] == f"{photos[network]['GMAC']:.1f}"


PEERS = ("ECCV16", "SIGGRAPH17", "DDColor-large", "DeOldify artistic")


def _rows(page: str) -> list[tuple[str, str]]:
    """The tables of a page: the first cell of each row, and the others."""
    return re.findall(r"^\| ([^|]+?) \|(.*)$", page, re.MULTILINE)


def test_the_table_of_speed_is_that_of_the_reports():
    folder = ROOT / "reports" / "benchmarks"
    found = speed.read(folder)
    assert (folder / "README.md").read_text() == speed.text(found)
    machines = [json.loads(path.read_text())["machine"] for path in folder.glob("*.json")]
    assert len({machine["commit"] for machine in machines}) == 1, "of several commits: make bench"
    one = next(row for row in speed.table(found, "inference", "One photo") if row["picture"] == "1 MP")
    rate = next(row for row in speed.table(found, "video", "720 lines") if row[""] == "every frame")["frames/s"]
    takes = f"takes {1000 * one['whole']:.0f} ms, and a film of 720 lines runs at {rate:.0f} frames a second."
    weights = sum(path.stat().st_size for path in (ROOT / "colorify/weights").glob("*.[os]*")) / 1e6
    assert all(text in PAGES["questions"] for text in (takes, f"{weights:.0f} MB for both"))


def test_the_table_of_hints_is_the_report():
    report = (ROOT / "reports/hints/table.md").read_text().splitlines()
    columns = [report[0].split("|").index(f" {name} ") for name in ("", "highres", *HINTED)]
    for line in (line for line in report if line.startswith(("|  |", "| de2000", "| below_gray"))):
        assert "|" + "|".join(line.split("|")[column] for column in columns) + "|" in PAGES["hints"]


def test_the_table_of_references_is_the_report():
    report = [line.split(" | ") for line in (ROOT / "reports/references/table.md").read_text().splitlines()]
    for cells in (cells for cells in report if len(cells) == 6 and cells[1] == "100"):
        without, into, _, lower = cells[2:]
        assert f"| {without} | {into} | {lower}" in PAGES["hints"]


HINTED = tuple(f"highres, hints: {count}" for count in (1, 5, 20))


def test_the_metrics_of_the_page_are_those_of_the_records():
    assert table_of_metrics() in PAGES["results"]


def test_what_the_page_says_of_reliability_is_what_was_measured():
    folder = ROOT / "reports" / "reliability"
    parts = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    assert set(parts) == {"endurance", "faults", "fuzz", "soak"} and not any(part["found"] for part in parts.values())
    assert (ROOT / "reports" / "reliability.md").read_text() == summary(parts) + "\n"
    assert summary(parts) in PAGES["promises"]


def test_every_folder_of_reports_says_what_brings_it_back():
    rows = re.findall(r"^\| `(\w+)/` \| [^|]+ \| ([^|]+) \|", (ROOT / "reports/README.md").read_text(), re.MULTILINE)
    listed = dict(rows)
    profiles = yaml.safe_load((ROOT / "params.yaml").read_text()).keys()
    found = {path.name for path in (ROOT / "reports").iterdir() if path.is_dir()}
    assert found - profiles <= listed.keys() and listed.keys() - {"demo"} <= found
    for name, cures in listed.items():
        assert f"reports/{name}" in cures or set(re.findall(r"`make ([a-z]+)`", cures)) & TARGETS, name
    assert set(re.findall(r"`make ([a-z]+)`", " ".join(listed.values()))) <= TARGETS


def test_links_of_the_documents_lead_somewhere():
    for page in DOCUMENTS:
        for path, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", page.read_text()):
            target = (page.parent / path) if path else page
            assert target.exists(), (page.name, path)
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE) if anchor else ()
            names = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in names, (page.name, path, anchor)


def test_tests_that_the_documents_name_exist():
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        named = re.findall(r"`(tests/[\w./]+)`", page.read_text())
        assert all((ROOT / path).exists() for path in named), (page.name, named)


def test_tree_of_the_page_exists():
    places = PAGES["chain"].partition("| place |")[2]
    for name in re.findall(r"^\| `([^`]+)` \|", places, re.MULTILINE):
        assert (ROOT / name).exists(), name


def test_make_alone_prints_help():
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    result = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True)
    assert all(word in result.stdout for word in ("make setup", "make demo", "make test"))


@pytest.mark.parametrize("history", [True, False], ids=["a clone", "a ZIP"])
def test_the_chain_runs_without_git(tmp_path, history):
    """In a copy without history dvc is told to do without git, and so is the user."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    dvc = tmp_path / ".venv" / "bin" / "dvc"
    dvc.parent.mkdir(parents=True)
    dvc.write_text('#!/bin/sh\necho "dvc $*" >> calls\n')
    dvc.chmod(0o755)
    for name in ("requirements.lock", "pyproject.toml", ".venv/.ready"):
        (tmp_path / name).touch()
    if history:
        (tmp_path / ".git").mkdir()
    result = subprocess.run(["make", "repro"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0 and ("no .git here" in result.stdout) != history
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == (["dvc repro"] if history else ["dvc config --local core.no_scm true", "dvc repro"])


def test_benchmarks_run_without_git(tmp_path):
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); import bench; print(bench.commit())"
    for path in (str(tmp_path), "/usr/bin:/bin"):  # no git, and no history
        environment = {"PATH": path, "PYTHONPATH": str(ROOT), "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (result.returncode, result.stdout) == (0, "unknown\n"), result.stderr
