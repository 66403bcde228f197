"""What goes into reports/ is small and tells nothing of the machine."""

import nbformat

from colorify import report


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
