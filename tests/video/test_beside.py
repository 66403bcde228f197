"""Streams beside the moving picture: in which forms each may go along."""

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
        assert list(beside.choices(stream, ".mp4")) == [Way(1), Way(1, codec)]
        assert beside.named(stream) == f"stream 1 (audio, {sound})"


def test_sound_with_loss_is_never_made_anew(tmp_path):
    with media.opened(with_beside(tmp_path / "in.avi", "adpcm_ms")) as film:
        assert list(beside.choices(beside.streams(film)[0], ".mp4")) == [Way(1)]


@pytest.mark.parametrize(("suffix", "codec"), beside.TEXT.items())
def test_text_may_become_what_the_container_holds(tmp_path, suffix, codec):
    with media.opened(with_beside(tmp_path / "in.mkv", text="webvtt")) as film:
        assert list(beside.choices(beside.streams(film)[0], suffix)) == [Way(1), Way(1, codec)]
