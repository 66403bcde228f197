"""What PyAV cannot say is said through elements of Matroska: every sum and place in the file stays right."""

import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from colorify.video import film, job, matroska, media, sidedata
from colorify.video.film import FilmOptions
from colorify.video.sidedata import View
from video.test_facts import tagged
from video.test_film import make
from video.test_sidedata import MASTERED

SEEN = View((1, 0), (1, 10.0, 5.0, 0.0), MASTERED)


def seen(path: Path) -> View:
    with av.open(str(path)) as clip:
        return sidedata.view(next(clip.decode(video=0)))


def viewed(path: Path, view: View = SEEN) -> Path:
    """A film whose container says how it is to be seen."""
    plain = make(path.with_name("plain.mkv"), codec="libx264", frames=6, sound=False)
    with media.opened(plain) as clip, media.opened(plain) as again, av.open(str(path), "w") as out:
        stream = clip.streams.video[0]
        first = next(packet for packet in again.demux(video=0) if packet.size)
        copy = out.add_stream_from_template(matroska.told(again.streams.video[0], first, view), opaque=True)
        copy.time_base, copy.codec_context.extradata = stream.time_base, stream.codec_context.extradata
        for packet in clip.demux(stream):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    return path


def elements(content: bytes) -> list[matroska.Element]:
    """All of the segment's, with those inside its header."""
    (segment,) = (one for one in matroska._within(content, 0, len(content)) if one[0] == matroska._SEGMENT)
    return matroska._within(content, *segment[2:])


@pytest.mark.parametrize("chapters", [0, 2])
def test_the_shape_of_a_pixel_is_said_in_place(tmp_path, chapters):
    """Sums of the header hold, the list of places leads to what it names, and frames are where they were."""
    path = tmp_path / "in.mkv"
    with av.open(str(make(tmp_path / "plain.mkv", frames=4, sound=False))) as clip, av.open(str(path), "w") as out:
        copy = out.add_stream_from_template(clip.streams.video[0], opaque=True)
        times = [{"id": n, "start": n, "end": n + 1, "time_base": Fraction(1), "metadata": {}} for n in range(chapters)]
        out.set_chapters(times)
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    with av.open(str(path)) as clip:
        before = [bytes(packet) for packet in clip.demux(video=0)]
    size = path.stat().st_size
    assert matroska.set_aspect(path, (96, 64), Fraction(16, 11)) and path.stat().st_size == size
    with av.open(str(path)) as clip:
        assert clip.streams.video[0].sample_aspect_ratio == Fraction(140, 96)
        assert [bytes(packet) for packet in clip.demux(video=0)] == before
        assert len(clip.chapters()) == chapters
    content = path.read_bytes()
    top = elements(content)
    base = next(one[2] for one in matroska._within(content, 0, size) if one[0] == matroska._SEGMENT)
    for name, _, inside, end in top[:4]:
        first = matroska._within(content, inside, end)[0] if name != matroska._VOID else (0, 0, 0, 0)
        if first[0] == matroska._CRC:
            assert content[first[2] : first[3]] == zlib.crc32(content[first[3] : end]).to_bytes(4, "little")
    for seek in matroska._children(content, top[0]):
        name, place = matroska._children(content, seek)
        at = base + int.from_bytes(content[place[2] : place[3]], "big")
        assert content[at:].startswith(content[name[2] : name[3]])


@pytest.mark.parametrize("codec", ["ffv1", "libsvtav1", "prores"])
def test_the_container_says_the_shape_where_the_codec_does_not(colorizer, tmp_path, codec):
    quality = "lossless" if codec == "ffv1" else "high"
    film.colorize(
        tagged(tmp_path / "in.mov"), tmp_path / "out.mkv", colorizer, FilmOptions(codec=codec, quality=quality)
    )
    with av.open(str(tmp_path / "out.mkv")) as clip:
        assert clip.streams.video[0].sample_aspect_ratio == Fraction(140, 96)


@pytest.mark.parametrize(
    ("codec", "name"),
    [("libx264", "a.mkv"), ("ffv1", "a.mkv"), ("prores", "a.mkv"), ("libx265", "a.mkv"), ("libx264", "a.mp4")],
)
def test_how_it_is_to_be_seen_stays(colorizer, tmp_path, codec, name):
    source, out = viewed(tmp_path / "in.mkv"), tmp_path / name
    assert seen(source) == SEEN
    options = FilmOptions(codec=codec, quality="lossless" if codec in ("ffv1", "libx264") else "high", every=8)
    assert job.check(source, out, options) == []
    film.colorize(source, out, colorizer, options)
    if name.endswith(".mkv"):
        assert seen(out) == SEEN
    else:  # FFmpeg writes both the words that it reads first, Apple's, and those of all others
        assert seen(out).mastering == MASTERED and seen(out).projection
        assert all(box in out.read_bytes() for box in (b"st3d", b"sv3d", b"vexu", b"mdcv", b"clli"))


def test_what_has_no_name_is_told(tmp_path):
    target = job.target_of(viewed(tmp_path / "in.mkv"), FilmOptions())
    assert target.facts.view == SEEN and not target.losses
    other = replace(target, facts=replace(target.facts, view=View(unsaid=("projection",))))
    assert other.losses == ["its projection is left out: it cannot be said"]
    (told,) = replace(target, codec="dnxhr").losses
    assert "projection and mastering display are left out: dnxhr" in told
