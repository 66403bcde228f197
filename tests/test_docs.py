"""The site builds offline without a warning, its links lead somewhere, its words are spelt right."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from spellchecker import SpellChecker

from colorify.version import __version__

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("[a-z]*/README.md"), *ROOT.glob(".github/*.md")]
PROSE = [*PAGES, *(ROOT / "colorify").rglob("*.py")]
QUESTIONS = {
    "how do I colour a folder": "old-photos/ -o colored/",
    "my photo has a white border": "white border",
    "why is it brown": "Why is it brown?",
    "how do I make the coat red": "make the coat red",
    "how do I run it on a server": "run it on a server",
    "how do I train on my album": "--from highres --data my-photos/",
    "how do I cite it": "cff-version",
    "does it send my photos anywhere": "send my photos anywhere",
    "does it run on a Mac": "macOS",
    "where are the models": "`colorify/weights/`",
}
"""What a newcomer asks, and words of the answer."""


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def linked(page: Path) -> set[Path]:
    """The files that a page of Markdown links to."""
    targets = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text()) if page.suffix == ".md" else ()
    return {(page.parent / target).resolve() for target in targets}


def test_the_page_of_commands_is_what_they_say():
    assert (DOCS / "commands.md").read_text() == script("commands").page(), "run: python docs/commands.py"


def misspelt(*pages: Path) -> str:
    """What codespell finds in its four dictionaries: faults in names and comments, too."""
    options = ("--builtin", "clear,rare,usage,names", "--ignore-words", DOCS / "words.txt")
    command = [sys.executable, "-m", "codespell_lib", *options, *pages]
    return subprocess.run(command, capture_output=True, text=True).stdout


def words(page: str) -> set[str]:
    """The words of a page of Markdown, in lower case: no code, no links, no names in capitals."""
    page = re.sub(r"^```.*?^```", " ", page, flags=re.MULTILINE | re.DOTALL)
    page = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+|<!--.*?-->|<[^>]*>", " ", page, flags=re.DOTALL)
    found = re.findall(r"(?<![\w.#/-])([A-Za-z][a-z]*(?:'[a-z]+)?)(?![\w/]|-\w)", page)
    return {word.lower().removesuffix("'s") for word in found}


def unknown(page: str) -> set[str]:
    return SpellChecker().unknown(words(page)) - set((DOCS / "words.txt").read_text().split())


def test_spelling_of_the_code(tmp_path):
    (tmp_path / "a.py").write_text("# what we recieved, wich is wrong\n")
    assert len(misspelt(tmp_path / "a.py").splitlines()) == 2
    assert misspelt(*PROSE) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_spelling_of_the_pages(page):
    assert unknown(page.read_text()) == set(), "mend it, or add a word of the field to docs/words.txt"


def test_a_fault_of_spelling_is_found():
    assert unknown("A colorized [pitcure](a.md) of `no wrod` in Lab, which's L*.") == {"pitcure"}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_within_two_clicks(question):
    one = {ROOT / "README.md", *linked(ROOT / "README.md")}
    two = one.union(*map(linked, one))
    assert any(QUESTIONS[question] in page.read_text() for page in two if page.suffix in (".md", ".cff"))


def test_every_page_is_in_the_table_of_contents():
    trees = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    listed = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    listed = [name for name in listed if not name.startswith("made/")]
    assert sorted([*listed, "index"]) == sorted(path.stem for path in DOCS.glob("*.md"))


class Links(HTMLParser):
    """What a page of the site refers to, and the places in it that can be referred to."""

    def __init__(self, page: Path):
        super().__init__()
        self.targets, self.places = set(), set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.targets.add(value)
            elif name == "id":
                self.places.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built where no connection is possible."""
    out = tmp_path_factory.mktemp("site")
    code = f"""
import sys
sys.addaudithook(lambda event, _: event in ("socket.connect", "socket.getaddrinfo") and sys.exit(f"asked: {{event}}"))
from sphinx.cmd.build import main
sys.exit(main(["-q", "-W", "--keep-going", "-d", {str(out / "trees")!r}, {str(DOCS)!r}, {str(out / "html")!r}]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    return out / "html"


@pytest.mark.long
def test_links_of_the_site_lead_somewhere(site):
    pages = {path: Links(path) for path in site.rglob("*.html")}
    assert len(pages) > 30
    broken = []
    for page, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme in ("http", "https", "data", "mailto"):
                continue
            path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment)
            if not path.is_file() or (place and path in pages and place not in pages[path].places):
                broken.append((page.name, target))
    assert not broken


@pytest.mark.long
def test_pages_load_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|video)[^>]* src=\"(https?:[^\"]+)", text)
        loaded += re.findall(r"<link[^>]* rel=\"stylesheet\"[^>]* href=\"(https?:[^\"]+)", text)
        assert not loaded, page.name


@pytest.mark.long
def test_the_notebooks_are_shown_as_they_were_executed(site):
    for notebook in (ROOT / "reports" / "laptop").glob("*/*.ipynb"):
        cells = json.loads(notebook.read_text())["cells"]
        pictures = sum(any(kind.startswith("image/") for kind in output.get("data", ())) for cell in cells
                       for output in cell.get("outputs", ()))  # fmt: skip
        page = (site / "made" / notebook.with_suffix(".html").name).read_text(encoding="utf-8")
        assert page.count("<img") >= pictures


def test_the_citation_is_that_of_the_package():
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (told["license"], told["version"], told["authors"]) == (project["license"], __version__, project["authors"])
    assert told["cff-version"] == "1.2.0" and {"title", "message", "type"} <= told.keys()
