"""Films as they are read: time stamps, damage, and what is none."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify.cli import app
from colorify.models import checkpoint as checkpoints
from colorify.video import film, media
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make
from video.test_formats import read
from video.test_start import COUNT, number
from video.test_start import make as counted


def test_time_stamps_that_lack_or_go_back(tmp_path):
    source, given = make(tmp_path / "in.mkv", frames=6, sound=False), iter([None, 33, 33, 20, None, 200])
    real = av.Packet.decode

    class Broken:
        """A film whose packets decode to frames with other time stamps."""

        def __init__(self, clip):
            self.streams, self.clip = clip.streams, clip

        def demux(self, stream):
            for packet in self.clip.demux(stream):
                yield SimpleNamespace(
                    is_corrupt=False, decode=lambda packet=packet: [self.stamped(f) for f in real(packet)]
                )

        def stamped(self, frame):
            frame.pts = next(given)
            return frame

    with av.open(str(source)) as clip:
        times = [frame.pts for frame in media.frames(Broken(clip))]
    assert times == sorted(set(times)) and len(times) == 6 and times[0] == 0 and times[-1] == 200


def test_a_codec_that_is_not_known(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    source.write_bytes(source.read_bytes().replace(b"V_FFV1", b"V_QQQQ"))
    with pytest.raises(VideoError, match="codec is not known"):
        film.colorize(source, tmp_path / "out.mkv", colorizer)


def text(path: Path) -> None:
    path.write_text("no film")


def truncated(path: Path) -> None:
    whole = make(path.with_name("whole.mp4"), codec="libx264").read_bytes()
    path.write_bytes(whole[: len(whole) // 3])


def only_sound(path: Path) -> None:
    with av.open(str(path), "w", format="matroska") as out:
        audio = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        frame.sample_rate = 16000
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))


@pytest.mark.parametrize(
    ("broken", "words"),
    [(text, "cannot be read as a film"), (truncated, "cannot be read as a film"), (only_sound, "no video stream")],
)
def test_what_is_no_film(colorizer, tmp_path, broken, words):
    broken(tmp_path / "in.bin")
    with pytest.raises(VideoError, match=words):
        film.colorize(tmp_path / "in.bin", tmp_path / "out.mkv", colorizer)
    assert not (tmp_path / "out.mkv").exists() and not list(tmp_path.glob(".*"))


def spoiled(path: Path, where: tuple[float, float], places: int) -> None:
    """Bytes overwritten in places of a stretch of a file."""
    content, noise = bytearray(path.read_bytes()), np.random.default_rng(1)
    for at in noise.integers(int(where[0] * len(content)), int(where[1] * len(content)), places):
        content[at : at + 60] = noise.bytes(60)
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["mkv", "mp4", "ts", "mpg", "avi"])
def test_a_damaged_film_is_colored_as_far_as_it_goes(checkpoint, tmp_path, kind):
    """What does not decode is left out, counted and told; the rest is there, at its time; exit 1."""
    source, model = counted(tmp_path / f"in.{kind}", sound=kind != "mp4"), tmp_path / "model.safetensors"
    spoiled(source, (0.45, 0.65), 40)
    checkpoints.save(checkpoint, model)
    out = tmp_path / "out.mkv"
    result = CliRunner().invoke(app, ["video", str(source), "-o", str(out), "--model", str(model), "--every", "8"])
    assert result.exit_code == 1 and out.exists(), result.stderr
    assert any(f"in.{kind}: {fault}" in result.stderr for fault in ("damaged: ", "cut off: "))
    found = read(out)
    assert COUNT // 3 < len(found) <= COUNT and not list(tmp_path.glob(".*"))
    times = {number(frame): frame.pts * frame.time_base for frame in found[:40]}
    assert sorted(times) == list(range(40))
    assert all(abs(time - times[0] - Fraction(shown, 25)) <= 0.002 for shown, time in times.items())


@pytest.mark.long
def test_damage_is_counted_once_however_often_a_run_stops(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 32)
    source = counted(tmp_path / "in.avi")
    spoiled(source, (0.4, 0.8), 12)

    def stop(now: film.FilmProgress) -> None:
        if now.frames == 75:
            raise KeyboardInterrupt

    whole = film.colorize(source, tmp_path / "whole.mkv", colorizer, FilmOptions())
    with pytest.raises(KeyboardInterrupt):
        film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(), stop)
    assert whole.damaged and film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions()) == whole


def test_a_film_that_is_cut_off_says_so(checkpoint, tmp_path):
    source, model = make(tmp_path / "in.mkv", frames=120, sound=False), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    result = CliRunner().invoke(app, ["video", str(source), "-o", str(tmp_path / "out.mkv"), "--model", str(model)])
    assert result.exit_code == 1 and "cut off: it says to be" in result.stderr
    assert 50 < len(read(tmp_path / "out.mkv")) < 70


def test_frames_that_are_missing_are_told(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv", frames=80, gaps=(20, 21, 22, 50), sound=False)
    done = film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(every=8))
    assert done.missing == 4 and done.faults() == ["4 frames are missing in it, by the times of the others"]


def test_rates_that_vary_are_no_fault(colorizer, tmp_path):
    done = film.colorize(make(tmp_path / "in.mkv", every=2, sound=False), tmp_path / "out.mkv", colorizer)
    assert not done.faults() and not done.damaged


class Reader:
    """A film whose reading does what it is told, one thing after the other."""

    name = "file:in.mkv"

    def __init__(self, *told: object):
        self.told = iter(told)

    def demux(self, *streams: object) -> Iterator[object]:
        for each in self.told:
            if isinstance(each, Exception):
                raise each
            yield each


def test_reads_that_fail_are_counted_and_tried_again():
    """Until so many fail in a row that the rest is lost."""
    whole, broken = (SimpleNamespace(is_corrupt=corrupt, pos=pos, dts=None) for pos, corrupt in ((5, False), (9, True)))
    failed = av.error.InvalidDataError(1, "no")
    for count, found in ((3, [whole, broken, whole]), (media._TRIES, [whole, broken])):
        damage = media.Damage()
        reader = Reader(whole, broken, *[failed] * count, whole)
        assert list(media.packets(reader, [], damage)) == found
        assert len(damage) == 2  # the packet, and the rest


def test_a_header_that_asks_for_all_memory_is_no_damage():
    with pytest.raises(VideoError, match=r"in\.mkv: cannot be decoded: out of memory"):
        list(media.packets(Reader(av.error.MemoryError(12, "out of memory")), [], media.Damage()))
