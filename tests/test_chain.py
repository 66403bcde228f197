"""A stage runs its notebook into the folder of its profile."""

import json

import nbformat
import papermill
import pytest

from colorify import chain


def test_a_stage_runs_its_notebook_into_its_folder(tmp_path, monkeypatch):
    (tmp_path / "nbs").mkdir()
    (tmp_path / "params.yaml").write_text("profile: smoke\nsmoke: {}\n")
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "nbs" / "03_regression.ipynb")
    ran = []

    def execute(notebook, out, **options):
        ran.append((notebook.name, options["kernel_name"]))
        out.write_text(notebook.read_text())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(papermill, "execute_notebook", execute)
    out = chain.run("regression", "smoke")
    assert out == tmp_path / "reports" / "smoke" / "regression" / "03_regression.ipynb"
    assert ran == [("03_regression.ipynb", "python3")] and json.loads(out.read_text())["nbformat"] == 4
    with pytest.raises(ValueError, match="not enough values"):
        chain.run("regressoin", "smoke")
