"""What is beside the moving picture goes along, or is named."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition

from colorify.video import beside, facts, film, job, join, trial
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make, packets
from video.test_start import make as counted


def test_chapters_titles_and_tags_stay(colorizer, tmp_path):
    plain, source, out = make(tmp_path / "plain.mkv"), tmp_path / "in.mkv", tmp_path / "out.mkv"
    with av.open(str(plain)) as clip, av.open(str(source), "w") as tagged:
        video, audio = (tagged.add_stream_from_template(stream) for stream in clip.streams)
        video.codec_context.color_primaries, video.codec_context.color_trc = 1, 1
        audio.metadata["language"], audio.metadata["title"] = "deu", "Kommentar"
        tagged.metadata["title"] = "A film"
        base = Fraction(1, 1000)
        tagged.set_chapters(
            [
                {"id": n, "start": 500 * n, "end": 500 * n + 500, "time_base": base, "metadata": {"title": f"Part {n}"}}
                for n in range(2)
            ]
        )
        for packet in clip.demux():
            if packet.dts is not None:
                packet.stream = (video, audio)[packet.stream.index]
                tagged.mux(packet)
    film.colorize(source, out, colorizer)
    with av.open(str(source)) as before, av.open(str(out)) as after:
        assert [c["metadata"]["title"] for c in after.chapters()] == ["Part 0", "Part 1"]
        assert [c["start"] for c in after.chapters()] == [c["start"] for c in before.chapters()]
        assert after.metadata["title"] == "A film"
        assert after.streams.audio[0].metadata["title"] == "Kommentar"
        assert after.streams.audio[0].language == "deu"
        one, two = (clip.streams.video[0].codec_context for clip in (before, after))
        assert (one.color_primaries, one.color_trc) == (two.color_primaries, two.color_trc)
    late = tmp_path / "late.mkv"
    film.colorize(source, late, colorizer, FilmOptions(start=0.6))
    with av.open(str(late)) as after:
        assert [(c["metadata"]["title"], c["start"]) for c in after.chapters()] == [("Part 1", 0)]


def test_a_cover_picture_is_no_film_and_is_kept(colorizer, tmp_path):
    source, out, song = make(tmp_path / "plain.mkv"), tmp_path / "out.mp4", tmp_path / "song.mp4"
    for path, kinds in ((tmp_path / "in.mp4", ("audio", "video")), (song, ("audio",))):
        with av.open(str(path), "w") as written, av.open(str(make(tmp_path / "x.mp4", codec="libx264"))) as clip:
            cover = written.add_stream("png")
            cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
            cover.disposition = Disposition.attached_pic
            copies = {s.index: written.add_stream_from_template(s) for s in clip.streams if s.type in kinds}
            written.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
            for packet in clip.demux():
                if packet.dts is not None and packet.stream.index in copies:
                    packet.stream = copies[packet.stream.index]
                    written.mux(packet)
    assert film.colorize(tmp_path / "in.mp4", out, colorizer).frames == 30
    with av.open(str(out)) as clip:
        assert sorted(stream.codec.name for stream in clip.streams) == ["aac", "h264", "png"]
        assert [bool(s.disposition & Disposition.attached_pic) for s in clip.streams.video] == [False, True]
    with pytest.raises(VideoError, match="no video stream"):
        film.colorize(song, tmp_path / "song-out.mp4", colorizer)
    assert source.exists()


def test_subtitles_of_a_kind_that_the_container_does_not_hold(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    with av.open(str(tmp_path / "sub.mkv"), "w") as out, av.open(str(source)) as clip:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in clip.streams}
        subtitles = out.add_stream("ssa")
        subtitles.codec_context.subtitle_header = b"[Script Info]\n"
        for packet in clip.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    (note,) = job.check(tmp_path / "sub.mkv", tmp_path / "out.mp4", FilmOptions())
    assert note.endswith("stream 2 (subtitle, ssa) becomes mov_text")


def test_fonts_go_along_or_are_named(colorizer, tmp_path):
    plain, source = make(tmp_path / "plain.mkv", sound=False, frames=4), tmp_path / "in.mkv"
    with av.open(str(plain)) as clip, av.open(str(source), "w") as out:
        video = out.add_stream_from_template(clip.streams.video[0], opaque=True)
        out.add_attachment("font.ttf", "application/x-truetype-font", b"letters")
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
    assert job.check(source, tmp_path / "out.mkv", FilmOptions()) == []
    film.colorize(source, tmp_path / "out.mkv", colorizer)
    with av.open(str(tmp_path / "out.mkv")) as clip:
        (font,) = clip.streams.attachments
        assert font.data == b"letters" and font.name == "font.ttf"
    (note,) = job.check(source, tmp_path / "out.mp4", FilmOptions())
    assert note.endswith("stream 1 (attachment, font.ttf) is left out: a .mp4 cannot hold it")


def test_sound_that_jumps_ahead_loses_only_that(colorizer, tmp_path):
    """A packet whose time is an hour off, and one that goes back, are left out; all others stay, byte by byte."""
    plain, out = counted(tmp_path / "plain.mkv", sound=True), tmp_path / "out.mkv"
    real, sent = join._between, []

    def jumping(packets, *bounds):
        sent.clear()  # of the trial before the first frame
        for place, packet in enumerate(real(packets, *bounds)):
            if place == 20:
                packet.pts = packet.dts = packet.dts + 1500
            sent.append(bytes(packet))
            yield packet

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_between", jumping)
        done = film.colorize(plain, out, colorizer, FilmOptions(every=8))
    assert done.damaged == 1 and packets(out) == sent[:20] + sent[21:]
    assert facts.of(out).rate == facts.of(plain).rate


def test_a_packet_that_cannot_be_written_loses_only_itself(colorizer, tmp_path, monkeypatch):
    """Nothing fails after the last frame but a disk."""
    source, out, real = counted(tmp_path / "in.mkv", sound=True), tmp_path / "out.mkv", beside.Carrier.__call__
    sent, seen = packets(source), []

    def failing(carrier, packet):
        seen.append(packet)
        if len(seen) == 100:
            raise av.error.InvalidDataError(1094995529, "Invalid data found when processing input")
        return real(carrier, packet)

    monkeypatch.setattr(beside.Carrier, "__call__", failing)
    monkeypatch.setattr(trial, "_PACKETS", 10)
    done = film.colorize(source, out, colorizer, FilmOptions(every=8))
    assert done.damaged == 1 and len(packets(out)) == len(sent) - 1 > 100
