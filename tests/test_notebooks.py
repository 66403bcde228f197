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
LISTING = PIPELINE.pop("sources")  # no notebook: it lists the files that `collect` reads
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
FREE = {"00_tour", "08_studio"}  # of any profile: they read the released models and write nothing
PROFILES = ("laptop", "mine", "smoke", "small", "full")
SHOWS_OR_GUARDS = {
    f"colorify/{name}.py"
    for name in (
        "containers",  # but of films: elsewhere it says whether a mask is one
        "extras",
        "figures",
        "files",
        "hints",
        "lock",
        "masks",
        "matching",
        "methods/registry",
        "palettes",
        "params",
        "references",
        "report",
        "version",
    )
}
"""No dependencies: no number changes with what draws, names, locks or guides."""


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


def depends(stage: str, file: str) -> bool:
    """Whether a file of the package is a dependency of a stage, by itself or by its folder."""
    return any(file == dep or file.startswith(f"{dep}/") for dep in PIPELINE[stage]["deps"])


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_runs_one_notebook_and_knows_what_it_needs(stage):
    entry = PIPELINE[stage]
    assert entry["cmd"] == f"python -m colorify.chain {stage} ${{profile}}"
    (notebook,) = (dep for dep in entry["deps"] if dep.startswith("nbs/"))
    assert (ROOT / notebook).exists() and notebook.endswith(f"_{stage}.ipynb")
    assert not {file for file in reached(ROOT / notebook) if not depends(stage, file)} - SHOWS_OR_GUARDS
    assert all((ROOT / dep).exists() for dep in entry["deps"] if "${profile}" not in dep)
    listed = [out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, [])]
    outs = [next(iter(out)) if isinstance(out, dict) else out for out in listed]
    own = (f"reports/${{profile}}/{stage}/", f"checkpoints/${{profile}}/{stage}/", f"data/{stage}ed/${{profile}}")
    assert all(out.startswith(own) for out in outs)
    assert f"reports/${{profile}}/{stage}/{Path(notebook).name}" in outs
    for name in entry["params"]:
        section = name.removeprefix("${profile}.")
        assert all(section in PARAMS[profile] for profile in PROFILES)


def test_collect_depends_on_what_its_folders_hold_now():
    (listing,) = LISTING["outs"][0]
    assert listing in PIPELINE["collect"]["deps"] and LISTING["always_changed"]
    assert LISTING["cmd"] == "python -m colorify.chain sources ${profile}"


def test_experiments_are_compared_by_a_few_numbers():
    """`dvc exp show` has a column for every number that dvc.yaml calls a metric."""
    assert [stage for stage in PIPELINE if "metrics" in PIPELINE[stage]] == ["evaluate"]
    assert {stage for stage in PIPELINE if "plots" in PIPELINE[stage]} == {"regression", "classification", "gan"}


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("colorify/methods/gan.py", {"gan"}),
        ("colorify/methods/critic.py", {"gan"}),
        ("colorify/methods/classification.py", {"classification"}),
        ("colorify/evaluation.py", {"lab", "evaluate"}),
        ("colorify/inference.py", {"lab", "classification", "evaluate", "video"}),
        ("colorify/video/steady.py", {"video"}),
        ("colorify/collect/spider.py", {"collect"}),
        ("colorify/widgets/studio.py", set()),
        ("colorify/cli/film.py", set()),
        ("colorify/containers.py", {"video"}),
        *((file, set()) for file in sorted(SHOWS_OR_GUARDS - {"colorify/containers.py"})),
    ],
)
def test_a_change_reruns_what_it_can_change(file, stages):
    assert (ROOT / file).exists()
    assert {stage for stage in PIPELINE if depends(stage, file)} == stages


def test_every_numbered_notebook_of_the_chain_has_a_stage():
    assert set(PIPELINE) == {path.stem.partition("_")[2] for path in NOTEBOOKS if path.stem not in FREE}


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of what the notebooks read, so that a smoke run leaves the repository alone."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data" / "sample", folder / "data" / "sample")
    return folder


@pytest.mark.long
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
