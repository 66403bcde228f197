"""What goes into reports/ is small and tells nothing of the machine."""

import base64
import io
from pathlib import Path

import nbformat
from PIL import Image

from colorify import params, report
from conftest import photo


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


def test_pictures_in_an_executed_notebook_are_saved_lightly(tmp_path):
    path, before = tmp_path / "book.ipynb", io.BytesIO()
    photo(0, 200, 150).save(before, "JPEG", quality=95)
    data = {"image/jpeg": base64.b64encode(before.getvalue()).decode()}
    cell = nbformat.v4.new_code_cell("picture", outputs=[nbformat.v4.new_output("display_data", data)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    report.slim(path)
    kept = base64.b64decode(nbformat.read(path, as_version=4).cells[0].outputs[0].data["image/jpeg"])
    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.size == (200, 150) and len(kept) < len(before.getvalue()) / 2
    report.slim(path)  # a second time changes nothing that one would see
    assert abs(len(nbformat.read(path, as_version=4).cells[0].outputs[0].data["image/jpeg"]) - len(kept) * 4 / 3) < 400


def test_executed_notebooks_of_the_repository_are_light():
    for path in (Path(__file__).parents[1] / "reports" / "laptop").rglob("*.ipynb"):
        assert path.stat().st_size < 400_000, path


def test_the_executed_notebooks_of_the_repository_name_no_path_of_a_machine():
    for path in (params.root(Path(__file__).parents[1] / "params.yaml") / "reports").rglob("*.ipynb"):
        assert "papermill" not in nbformat.read(path, 4).metadata, path


def test_figures_are_small_and_a_history_is_a_table(tmp_path):
    path = report.write_figure(photo(0, 64, 48), tmp_path, "picture")
    with Image.open(path) as picture:
        assert (path.suffix, picture.format, picture.size) == (".webp", "WEBP", (64, 48))
    rows = [{"step": 1, "loss": 0.5, "other": 9}, {"step": 2, "loss": 0.25, "other": 9}]
    assert report.write_history(rows, tmp_path, ["loss"]).read_text() == "step,loss\n1,0.5\n2,0.25\n"
