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


def test_a_notebook_that_says_nothing_new_stays_as_it_was(tmp_path, monkeypatch):
    """Times change; what counts are sources and results, pictures too."""
    (tmp_path / "nbs").mkdir()
    (tmp_path / "params.yaml").write_text("profile: smoke\nsmoke: {}\n")
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("measure()")])
    nbformat.write(source, tmp_path / "nbs" / "06_evaluate.ipynb")

    def executing(value: str, seconds: str, picture: str = "iVBO") -> None:
        def execute(notebook, out, **_):
            book = nbformat.read(notebook, 4)
            stream = nbformat.v4.new_output("stream", text=f"took {seconds}")
            result = nbformat.v4.new_output("execute_result", {"text/plain": value, "image/png": picture})
            book.cells[0].outputs = [stream, result]
            nbformat.write(book, out)

        monkeypatch.setattr(papermill, "execute_notebook", execute)

    monkeypatch.chdir(tmp_path)
    executing("9.5", "3 s")
    first = chain.run("evaluate", "smoke").read_bytes()
    executing("9.5", "4 s")
    assert chain.run("evaluate", "smoke").read_bytes() == first
    executing("9.5", "4 s", "iVBP")
    assert b"iVBP" in chain.run("evaluate", "smoke").read_bytes()
    executing("9.4", "4 s")
    assert b"9.4" in chain.run("evaluate", "smoke").read_bytes()
    source.cells[0].source = "measure(again=True)"
    nbformat.write(source, tmp_path / "nbs" / "06_evaluate.ipynb")
    assert b"again" in chain.run("evaluate", "smoke").read_bytes()


def test_the_listing_of_the_sources_is_written_for_dvc(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.jpg").write_bytes(b"1")
    (tmp_path / "params.yaml").write_text("profile: p\np:\n  collect:\n    sources: [mine]\n")
    monkeypatch.chdir(tmp_path)
    out = chain.sources("p")
    assert out == tmp_path / "data" / "sources" / "p.txt"
    assert [line.split(" ")[-1] for line in out.read_text().splitlines()] == ["mine", "mine/a.jpg"]
