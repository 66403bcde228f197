"""Notebooks are thin, say what they do, and run; the pipeline knows what they need."""

import ast
import re
import shutil
from pathlib import Path

import grimp
import nbformat
import papermill
import pytest
import yaml

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
FREE = {"00_tour", "08_studio"}  # of any profile: they read the released models and write nothing
PROFILES = ("laptop", "smoke", "small", "full")


def cells(path: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_grammar(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    first = book.cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert re.search(r"\*\*.*\?\*\*", first.source), "the question, in bold"
    assert "Reads" in first.source and "Writes" in first.source
    code = cells(path, "code")
    assert sum(len(cell.source.splitlines()) for cell in code) <= 80
    for cell in code:
        assert len(cell.source.splitlines()) <= 12
        assert not re.search(r"chdir|^\s*[!%]", cell.source, re.MULTILINE)
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not any(isinstance(node, defined) for node in ast.walk(ast.parse(cell.source)))
        assert not cell.outputs and cell.execution_count is None, "stripped: outputs belong to reports/"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_tagged_and_explained(path):
    tagged = [cell for cell in cells(path, "code") if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert all(re.fullmatch(r"\w+ = .+  # .+", line) for line in tagged[0].source.splitlines())


def reached(path: Path) -> set[str]:
    """The files of every colorify module that a notebook imports, directly or not."""
    graph = grimp.build_graph("colorify")
    found = set()
    for cell in cells(path, "code"):
        for package, names in re.findall(r"^from (colorify[\w.]*) import ([\w, ]+)", cell.source, re.MULTILINE):
            modules = (f"{package}.{name}" for name in names.split(", "))
            found |= {module if module in graph.modules else package for module in modules}
    for module in list(found):
        found |= graph.find_upstream_modules(module)
    places = (ROOT / module.replace(".", "/") for module in found - {"colorify"})
    files = (place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places)
    return {str(file.relative_to(ROOT)) for file in files if file.stat().st_size}


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_runs_one_notebook_and_knows_what_it_needs(stage):
    entry = PIPELINE[stage]
    (notebook,) = re.findall(r"nbs/\S+\.ipynb", entry["cmd"][1])
    assert (ROOT / notebook).exists() and stage in notebook
    deps = set(entry["deps"])
    assert notebook in deps
    assert all({file, str(Path(file).parent)} & deps for file in reached(ROOT / notebook))
    assert all((ROOT / dep).exists() for dep in deps if "${profile}" not in dep)
    outs = [next(iter(out)) if isinstance(out, dict) else out for out in entry["outs"]]
    own = (f"reports/${{profile}}/{stage}/", f"checkpoints/${{profile}}/{stage}/", f"data/{stage}ed/${{profile}}")
    assert all(out.startswith(own) for out in outs)
    assert f"reports/${{profile}}/{stage}/{Path(notebook).name}" in outs
    for name in entry["params"]:
        section = name.removeprefix("${profile}.")
        assert all(section in PARAMS[profile] for profile in PROFILES)


def test_every_numbered_notebook_of_the_chain_has_a_stage():
    stages = {re.findall(r"nbs/(\S+)\.ipynb", entry["cmd"][1])[0] for entry in PIPELINE.values()}
    assert stages == {path.stem for path in NOTEBOOKS} - FREE


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of what the notebooks read, so that a smoke run leaves the repository alone."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data" / "sample", folder / "data" / "sample")
    return folder


@pytest.mark.filterwarnings("default")
def test_every_notebook_runs_in_order(house):
    for path in NOTEBOOKS:
        free = path.stem in FREE
        parameters = {} if free else {"profile": "smoke"}
        papermill.execute_notebook(
            path, house / path.name, parameters, cwd=house, progress_bar=False, kernel_name="python3"
        )
        if not free:
            written = {p.name for p in (house / "reports" / "smoke" / path.stem.split("_")[1]).iterdir()}
            assert {"metrics.json", "figures"} <= written
