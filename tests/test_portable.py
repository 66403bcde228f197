"""The package on Windows and macOS: what of them can be simulated on any system."""

import ast
import ntpath
import re
import tarfile
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import pytest

from colorify import files, inference, inputs
from colorify.inference import Colorizer
from conftest import photo

PACKAGE = Path(__file__).parents[1] / "colorify"
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
CALLS = {"fork", "forkpty", "geteuid", "getpgid", "getuid", "killpg", "mkfifo", "setsid", "uname", "statvfs", "nice"}


def calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


@pytest.mark.parametrize("module", TREES)
def test_no_module_needs_posix(module):
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module}
            assert not names & POSIX, f"line {node.lineno}"
    assert not {name(call) for call in calls(TREES[module])} & CALLS


@pytest.mark.parametrize("module", TREES)
def test_text_has_an_encoding(module):
    """Windows would take its own: `open` and its kind say `utf-8`, or that they take bytes."""
    for call in calls(TREES[module]):
        words = {word.arg: word.value for word in call.keywords}
        if name(call) in ("read_text", "write_text"):
            assert "encoding" in words, f"line {call.lineno}"
        if isinstance(call.func, ast.Name) and call.func.id == "open":
            mode = call.args[1].value if len(call.args) > 1 else "r"
            assert "b" in mode or None in words or "encoding" in words, f"line {call.lineno}"


def test_a_path_on_another_drive_stays_whole(monkeypatch):
    monkeypatch.setattr(files, "os", SimpleNamespace(path=ntpath, sep="\\", fspath=str))
    assert files.relative("C:\\a\\shard.tar\\b.jpg", "C:\\a\\out") == "../shard.tar/b.jpg"
    assert files.relative("D:\\a\\b.jpg", "C:\\a") == "D:/a/b.jpg"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("C:/Windows/a.png", "leads out"),
        ("c:a.png", "leads out"),
        ("..\\a.png", "leads out"),
        ("\\\\host\\share\\a.png", "leads out"),
        ("photo.jpg:stream.png", "no name"),
        ("what?.png", "no name"),
        ("CON.png", "no name"),
        ("in/lpt1 .tar.png", "no name"),
        ("console.png", ""),
        ("in/a.png", ""),
    ],
)
def test_names_of_a_tar_file_that_windows_cannot_have(tmp_path, monkeypatch, member, reason):
    photo(0).save(tmp_path / "a.png")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "a.png", member)
    here, _ = inputs.plan([str(tmp_path / "a.tar")], tmp_path / "out")
    assert len(here) == (not member.startswith(".."))  # this system takes the others
    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(files, "PurePath", PureWindowsPath)
    jobs, passed = inputs.plan([str(tmp_path / "a.tar")], tmp_path / "out")
    assert (len(jobs), [one.reason[: len(reason)] for one in passed]) == ((0, [reason]) if reason else (1, []))


@pytest.mark.parametrize("torch", [True, False])
def test_a_gpu_is_looked_for_only_where_torch_is_installed(tmp_path, monkeypatch, torch):
    """A machine with a GPU and without torch, any Windows among them, colours on its processor."""
    asked = []
    monkeypatch.setattr(inference, "_DRIVERS", (str(tmp_path),))
    monkeypatch.setattr(inference, "find_spec", lambda name: object() if torch else None)
    monkeypatch.setattr("colorify.models.checkpoint.find_device", lambda name: asked.append(name) or _Cpu)
    assert Colorizer.load("highres").device == "cpu"
    assert asked == (["auto"] if torch else [])


class _Cpu:
    type = "cpu"


def test_no_test_of_the_plain_install_needs_more():
    """`tests/test_plain.py` runs where nothing else is installed, on the systems of the public workflow."""
    text = (PACKAGE.parent / "tests" / "test_plain.py").read_text()
    assert not re.search(r"^(?:from|import) (torch|fastai|skimage|psutil|conftest)", text, re.MULTILINE)
