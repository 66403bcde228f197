"""Two runs in one folder: the second is told."""

import subprocess
import sys

import pytest

from colorify.collect.spider import SpiderConfig, crawl
from colorify.files import hidden
from colorify.lock import BusyError, lock
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
    with lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_two_runs_on_one_film(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", frames=4), tmp_path / "out.mkv"
    with lock(hidden(out, ".parts")), pytest.raises(BusyError):
        film.colorize(source, out, colorizer)
    film.colorize(source, out, colorizer)
    assert out.exists()


def test_two_crawls_into_one_folder(tmp_path):
    with lock(tmp_path / "out"), pytest.raises(BusyError):
        crawl(SpiderConfig(("https://example.org/",), str(tmp_path / "out")))
