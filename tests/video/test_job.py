"""What cannot be is said before the first frame is coloured."""

import pytest

from colorify.video import film, job
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_facts import tagged
from video.test_film import make


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"codec": "h266"}, "choose one of libx264"),
        ({"codec": "libsvtav1", "quality": "lossless"}, "only high, small"),
        ({"codec": "ffv1", "quality": "lossless"}, r"needs a \.mkv"),
    ],
)
def test_knobs_that_cannot_be(colorizer, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        film.colorize(make(tmp_path / "in.mkv", frames=2), tmp_path / "out.mp4", colorizer, FilmOptions(**options))
    assert {path.name for path in tmp_path.iterdir()} == {"in.mkv"}


def test_nothing_is_overwritten_and_never_the_input(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    before = source.read_bytes()
    with pytest.raises(VideoError, match="never the input"):
        film.colorize(source, source, colorizer, FilmOptions(overwrite=True))
    with pytest.raises(VideoError, match=r"name a \.mkv, .*or \.gif"):
        film.colorize(source, tmp_path / "out.xyz", colorizer)
    with pytest.raises(VideoError, match="choose one of high"):
        film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(quality="best"))
    with pytest.raises(VideoError, match=r"in\.mp4"):
        film.colorize(tmp_path / "in.mp4", tmp_path / "out.mkv", colorizer)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("codec", "name", "words"),
    [
        ("dnxhr", "out.mkv", r"dnxhr needs a \.mov"),
        ("libsvtav1", "out.mov", r"libsvtav1 needs a \.mkv or \.mp4"),
    ],
)
def test_what_a_container_cannot_say_is_refused_first(colorizer, tmp_path, codec, name, words):
    with pytest.raises(VideoError, match=words):
        film.colorize(tagged(tmp_path / "in.mov"), tmp_path / name, colorizer, FilmOptions(codec=codec))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mov"]


@pytest.mark.parametrize(
    ("name", "given", "codec"),
    [
        ("out.mkv", None, "libx264"),
        ("out.MP4", None, "libx264"),
        ("out.webm", None, "libvpx-vp9"),
        ("out.mxf", None, "mpeg2video"),
        ("out.gif", None, "gif"),
        ("out.webm", "libsvtav1", "libsvtav1"),
    ],
)
def test_the_usual_codec_of_a_container(tmp_path, name, given, codec):
    source = make(tmp_path / "in.mkv", frames=2)
    assert job.chosen(source, tmp_path / name, FilmOptions(codec=given)).codec == codec


@pytest.mark.parametrize(("name", "codec"), [("out.webm", "libsvtav1"), ("out.mxf", "prores")])
def test_the_usual_codec_holds_the_depth_of_the_film(tmp_path, name, codec):
    source = make(tmp_path / "in.mkv", "yuv420p10le", frames=2)
    assert job.chosen(source, tmp_path / name, FilmOptions()).codec == codec


@pytest.mark.parametrize(("name", "words"), [("out.webm", r"libx264 needs a \.mkv"), ("out.gif", "libx264 needs")])
def test_a_codec_that_the_new_containers_lack(tmp_path, name, words):
    with pytest.raises(VideoError, match=words):
        job.check(make(tmp_path / "in.mkv", frames=2), tmp_path / name, FilmOptions(codec="libx264"))
