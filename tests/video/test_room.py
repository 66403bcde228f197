"""Room on the disk is looked at before the first frame."""

import shutil
from collections import namedtuple

import pytest

from colorify.video import job, room
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make

Usage = namedtuple("Usage", "total used free")


def test_too_little_room_is_refused_or_told(tmp_path, monkeypatch):
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    target = job.target_of(source, FilmOptions())
    least, usual = room.needed(source, target, 1.0)
    assert 0 < least < usual
    for free, words in ((least / 2, "refused"), ((least + usual) / 2, "told"), (usual * 2, "")):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: Usage(free, 0, free))
        if words == "refused":
            with pytest.raises(VideoError, match=r"are needed beside .*out\.mkv, .* are free: make room"):
                job.check(source, out, FilmOptions())
        else:
            assert any("are free" in note for note in job.check(source, out, FilmOptions())) == (words == "told")


def test_it_grows_with_pixels_time_and_quality(tmp_path):
    source = make(tmp_path / "in.mkv")
    high, lossless = (job.target_of(source, FilmOptions(quality=quality)) for quality in ("high", "lossless"))
    assert room.needed(source, high, 2)[0] == 2 * room.needed(source, high, 1)[0]
    assert room.needed(source, lossless, 1)[1] > room.needed(source, high, 1)[1]
    both = job.target_of(source, FilmOptions(side_by_side=True))
    assert room.needed(source, both, 1)[0] == 2 * room.needed(source, high, 1)[0]
