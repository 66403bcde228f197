"""Two runs in one folder: the second is told."""

import errno
import subprocess
import sys
from contextlib import nullcontext

import pytest

from colorify import lock as locking
from colorify.collect.spider import SpiderConfig, crawl
from colorify.files import hidden
from colorify.lock import NAME, BusyError, lock
from colorify.video import film
from video.test_film import make


def test_another_process_waits_for_nobody_and_a_kill_lets_go(tmp_path):
    code = f"import pathlib, time; from colorify.lock import lock\nwith lock(pathlib.Path({str(tmp_path)!r})):\n"
    holder = subprocess.Popen([sys.executable, "-c", code + " print(1, flush=True)\n time.sleep(99)"], stdout=-1)
    holder.stdout.readline()
    with pytest.raises(BusyError, match="another run holds it"), lock(tmp_path):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]  # of the one that was killed
    with lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_made_or_emptied_goes_again(tmp_path):
    (full := tmp_path / "full").mkdir()
    (full / "a").touch()
    for folder in (tmp_path, full, tmp_path / "new"):
        with lock(folder):
            if folder == full:
                (full / "a").unlink()
    assert list(tmp_path.iterdir()) == []


def test_windows_removes_the_file_when_it_is_released(tmp_path, monkeypatch):
    """There nobody can remove a file that is open: filelock does it after the release, here nobody."""

    def unlink(self, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "used by another process")

    with monkeypatch.context() as windows:
        windows.setattr(locking.Path, "unlink", unlink)
        with lock(tmp_path), pytest.raises(BusyError), lock(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    with lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "works"), [(errno.ENOLCK, True), (errno.EACCES, False)])
def test_a_file_system_without_locks_holds_nothing(tmp_path, monkeypatch, number, works):
    def acquire(self) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(locking.FileLock, "acquire", acquire)
    with nullcontext() if works else pytest.raises(OSError, match="no"), lock(tmp_path):
        pass


def test_two_runs_on_one_film(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", frames=4), tmp_path / "out.mkv"
    with lock(hidden(out, ".parts")), pytest.raises(BusyError):
        film.colorize(source, out, colorizer)
    film.colorize(source, out, colorizer)
    assert out.exists()


def test_two_crawls_into_one_folder(tmp_path):
    with lock(tmp_path / "out"), pytest.raises(BusyError):
        crawl(SpiderConfig(("https://example.org/",), str(tmp_path / "out")))
