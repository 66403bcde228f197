"""The documentation site: Sphinx and MyST; executed notebooks are shown and never run. `make docs` builds it."""

import re
import shutil
import sys
from pathlib import Path

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import architecture  # noqa: E402

from colorify.version import __version__  # noqa: E402

project, author, release = "colorify", "the colorify authors", __version__
copyright = "the colorify authors, MIT license"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
default_role = "code"
highlight_language = "none"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
python_display_short_literal_types = True

html_theme = "furo"
html_title = f"colorify {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}


def _gathered() -> None:
    """What lies elsewhere in the repository, as pages under ``made/``: notebooks, model cards, how to contribute."""
    made = HERE / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for notebook in sorted((ROOT / "reports" / "laptop").glob("*/*.ipynb")):
        shutil.copy(notebook, made)
    for card in sorted((ROOT / "colorify" / "weights").glob("*.md")):
        text = (
            card.read_text(encoding="utf-8").removeprefix("---\n").rpartition("\n---\n")[2].lstrip()
        )  # the front matter is for hubs
        (made / card.name).write_text(text.replace("](../../docs/", "](../"), encoding="utf-8")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](../")
    for name, page in {"SECURITY.md": "../security.md", "CHANGELOG.md": "../changelog.md"}.items():
        text = text.replace(f"]({name})", f"]({page})")
    (made / "contributing.md").write_text(text.replace("](CODE_OF_CONDUCT.md)", "](conduct.md)"), encoding="utf-8")
    shutil.copy(ROOT / "CODE_OF_CONDUCT.md", made / "conduct.md")
    shutil.copy(ROOT / "reports" / "films.md", made)


def _adapted(app: object, name: str, source: list[str]) -> None:
    """What is another thing on GitHub: links to pages elsewhere, and floors, which it draws from Mermaid.

    The site is read offline and has no such script: it lists them.
    """
    source[0] = source[0].replace("](../reports/films.md)", "](made/films.md)")
    if name == "architecture":
        rows = [f"| {number} | {_cell(names)} |" for number, names in enumerate(reversed(architecture.floors()))]
        table = "\n".join(("| floor | modules |", "| --- | --- |", *reversed(rows)))
        source[0] = re.sub(r"```mermaid\n.*?```", lambda found: table, source[0], flags=re.DOTALL)


def _cell(names: list[str]) -> str:
    return "<br>".join(f"`{name}`: {architecture.purpose(name)}" for name in names)


def setup(app: object) -> None:
    """Called by Sphinx."""
    _gathered()
    app.connect("source-read", _adapted)
