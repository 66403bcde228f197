"""What goes into reports/ is small and tells nothing of the machine."""

from pathlib import Path

import nbformat

from colorify import params, report


def test_an_executed_notebook_keeps_one_copy_of_a_picture(tmp_path):
    path = tmp_path / "book.ipynb"
    both, chart = {"image/png": "longer", "image/jpeg": "short", "text/plain": "<Image>"}, {"image/png": "only"}
    outputs = [nbformat.v4.new_output("display_data", data) for data in (both, chart)]
    cell = nbformat.v4.new_code_cell("picture", outputs=outputs)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    report.slim(path)
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    first, second = book.cells[0].outputs
    assert first.data == {"image/jpeg": "short", "text/plain": "<Image>"} and second.data == chart


def test_an_executed_notebook_keeps_neither_times_nor_paths(tmp_path):
    path = tmp_path / "book.ipynb"
    cell = nbformat.v4.new_code_cell("1", metadata={"papermill": {"duration": 0.1}, "tags": ["parameters"]})
    book = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"input_path": "/home/me/book.ipynb"}})
    nbformat.write(book, path)
    report.slim(path)
    assert "papermill" not in path.read_text() and nbformat.read(path, 4).cells[0].metadata.tags == ["parameters"]


def test_the_executed_notebooks_of_the_repository_name_no_path_of_a_machine():
    for path in (params.root(Path(__file__).parents[1] / "params.yaml") / "reports").rglob("*.ipynb"):
        assert "papermill" not in nbformat.read(path, 4).metadata, path
