"""Files are whole or not there, whatever happens while they are written."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from colorify.files import atomic, atomic_folder, hidden, write_beside


class Trouble(BaseException):
    """What no one expects: Ctrl-C is one, too."""


def fail(path: Path, trouble: BaseException) -> None:
    path.write_text("half")
    raise trouble


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", ["a.npz", "ж" * 120 + ".npz", "文" * 84])
def test_a_file_takes_its_name_when_it_is_whole(tmp_path, name, sync):
    (path := tmp_path / name).write_text("old")
    with atomic(path, ".npz", sync) as part:
        assert part.parent == tmp_path and part.name.startswith(".") and part.suffix == ".npz"
        assert len(os.fsencode(part.name)) <= 255
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), Trouble()])
def test_a_failure_leaves_the_old_file_and_no_part(tmp_path, trouble):
    (path := tmp_path / "a").write_text("old")
    with pytest.raises(type(trouble)), atomic(path) as part:
        fail(part, trouble)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_before_the_first_byte_is_told_as_it_is(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "a"):
        _ = 1 / 0
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "a"):
        pass  # nothing was written
    assert not list(tmp_path.iterdir())


def test_what_is_synced_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append((tmp_path / "a").exists()))
    for sync in (False, True):
        with atomic(tmp_path / "a", sync=sync) as part:
            part.write_text("new")
        (tmp_path / "a").unlink()
    assert seen == [False]


def test_threads_write_the_same_name_side_by_side(tmp_path):
    contents = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_beside(tmp_path / "new" / "a", content), contents))
    assert (tmp_path / "new" / "a").read_bytes() in contents
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_folder_is_whole_or_not_there(tmp_path):
    home = tmp_path / "deep" / "home"
    with pytest.raises(Trouble), atomic_folder(home) as part:
        fail(part / "a", Trouble())
    assert not list((tmp_path / "deep").iterdir())
    with atomic_folder(home) as part:
        (part / "a").write_text("whole")
        assert not home.exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["home"]
    assert (home / "a").read_text() == "whole"


def test_of_two_folders_the_first_stays(tmp_path):
    home = tmp_path / "home"
    with atomic_folder(home) as part:
        (part / "a").write_text("second")
        shutil.copytree(part, home)
        (home / "a").write_text("first")
    assert (home / "a").read_text() == "first"
    assert list(tmp_path.iterdir()) == [home]


def test_names_that_are_cut_stay_apart(tmp_path):
    names = {hidden(tmp_path / ("x" * 200 + end), ".part").name for end in ("a", "b")}
    assert len(names) == 2 and all(len(name) < 150 for name in names)
