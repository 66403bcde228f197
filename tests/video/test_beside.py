"""Streams beside the moving picture: in which forms each may go along."""

import av
import pytest

from colorify.video import beside, media
from colorify.video.beside import Way
from video.test_trial import with_beside


@pytest.mark.parametrize(
    ("sound", "name", "codec"),
    [("pcm_u8", "in.avi", "pcm_s16le"), ("pcm_s24le", "in.mkv", "pcm_s32le"), ("pcm_f32le", "in.mkv", "pcm_f32le")],
)
def test_sound_without_loss_may_become_plain(tmp_path, sound, name, codec):
    with media.opened(with_beside(tmp_path / name, sound)) as film:
        (stream,) = beside.streams(film)
        assert list(beside.choices(stream, ".mp4")) == [Way(1), Way(1, codec, said=codec)]
        assert beside.named(stream) == f"stream 1 (audio, {sound})"


def test_sound_with_loss_is_never_made_anew(tmp_path):
    with media.opened(with_beside(tmp_path / "in.avi", "adpcm_ms")) as film:
        assert list(beside.choices(beside.streams(film)[0], ".mp4")) == [Way(1)]


@pytest.mark.parametrize(("suffix", "codec"), beside.TEXT.items())
def test_text_may_become_what_the_container_holds(tmp_path, suffix, codec):
    with media.opened(with_beside(tmp_path / "in.mkv", text="webvtt")) as film:
        assert list(beside.choices(beside.streams(film)[0], suffix)) == [Way(1), Way(1, codec, said=codec)]


@pytest.mark.parametrize(
    ("sound", "codec", "said"),
    [
        ("pcm_s16le", "pcm_s16le", "48,000 samples a second"),
        ("pcm_u8", "pcm_s16le", "pcm_s16le, 48,000 samples a second"),
        ("pcm_s24le", "pcm_s24le", "48,000 samples a second"),
        ("flac", "pcm_s16le", "pcm_s16le, 48,000 samples a second"),
        ("aac", "pcm_s24le", "pcm_s24le, 48,000 samples a second"),
    ],
)
def test_sound_of_broadcasts(tmp_path, sound, codec, said):
    with media.opened(with_beside(tmp_path / "in.mkv", sound)) as film:
        assert list(beside.choices(beside.streams(film)[0], ".mxf")) == [Way(1, codec, 48000, True, said)]


def test_webm_has_opus(tmp_path):
    with media.opened(with_beside(tmp_path / "in.mkv", "flac")) as film:
        first, second = beside.choices(beside.streams(film)[0], ".webm")
        assert (first.codec, second.codec, second.rate) == (None, "libopus", 48000) and "loss" in second.said


@pytest.mark.parametrize("suffix", [".mxf", ".gif"])
def test_what_holds_no_text(tmp_path, suffix):
    with media.opened(with_beside(tmp_path / "in.mkv", text="subrip")) as film:
        assert not any(way.codec for way in beside.choices(beside.streams(film)[0], suffix))


def test_a_timecode_is_a_word(tmp_path):
    """Its own stream in a .mov is written by the container, and no loss where that says it otherwise."""
    with av.open(str(tmp_path / "in.mov"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.metadata["timecode"] = "10:00:00:00"
        out.mux(stream.encode(av.VideoFrame(96, 64, "yuv420p")))
        out.mux(stream.encode(None))
    with media.opened(tmp_path / "in.mov") as film:
        assert [one.type for one in film.streams] == ["video", "data"] and beside.streams(film) == []
