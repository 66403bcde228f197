"""What frames carry beside their samples: captions stay, and so does the display that highlights were made for."""

import gc
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.sidedata.sidedata import Type
from av.video.codeccontext import VideoCodecContext

from colorify.video import film, job, sidedata
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, samples
from video.test_film import make

MASTERED = sidedata.Mastering(
    (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329),
    (0.005, 1000.0),
    (1000, 400),
)


def captioned(path: Path, frames: int = 6) -> Path:
    """H.264 whose frames carry captions (CEA-608 in ATSC A/53), a pair of letters each."""
    encoder, stream = VideoCodecContext.create("libx264", "w"), b""
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 96, 64, "yuv420p", Fraction(1, 25)
    encoder.options = {"bf": "0", "tune": "zerolatency"}
    for number in range(frames):
        frame = av.VideoFrame(96, 64, "yuv420p")
        for plane in frame.planes:
            samples(plane, 8)[:] = 128
        samples(frame.planes[0], 8)[:, : 8 * number] = 60
        frame.pts = number
        words = b"\xb5\x00\x31GA94\x03\x41\xff" + bytes((0xFC, 0x41 + number, 0x61)) + b"\xff"
        said = b"\x00\x00\x00\x01\x06\x04" + bytes((len(words),)) + words + b"\x80"
        stream += said + b"".join(map(bytes, encoder.encode(frame)))
    path.write_bytes(stream)
    return path


def mastered(path: Path) -> Path:
    """Two frames of PQ that say which display they were mastered for."""
    params = ":".join(["log-level=none", *sidedata.MASTERING["libx265"](MASTERED)])
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=25, options={"x265-params": params})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 96, 64, "yuv420p10le"
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 9, 9, 16
        for number in range(2):
            frame = av.VideoFrame(96, 64, "yuv420p10le")
            for plane in frame.planes:
                samples(plane, 10)[:] = 512
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def captions(path: Path) -> list[bytes]:
    with av.open(str(path)) as clip:
        found = [frame.side_data.get(Type.A53_CC) for frame in clip.decode(video=0)]
    return [bytes(one) for one in found if one is not None]


@pytest.mark.parametrize("codec", sidedata.EXTRAS["closed captions"])
def test_captions_stay(colorizer, tmp_path, codec):
    source, out = captioned(tmp_path / "in.h264"), tmp_path / "out.mp4"
    assert len(captions(source)) == 6
    film.colorize(source, out, colorizer, FilmOptions(codec=codec, quality="lossless"))
    assert captions(out) == captions(source)


def test_captions_that_cannot_stay_are_named(tmp_path):
    source, out = captioned(tmp_path / "in.h264"), tmp_path / "out.mkv"
    options = FilmOptions(codec="ffv1", quality="lossless")
    assert [note for note in job.check(source, out, options) if "captions" in note] == [
        f"{source}: its closed captions are left out: ffv1 cannot hold them"
    ]
    with pytest.raises(VideoError, match=r"captions.*--strict"):
        job.check(source, out, FilmOptions(codec="ffv1", quality="lossless", strict=True))


@pytest.mark.parametrize("codec", sidedata.MASTERING)
def test_the_display_of_highlights_stays(colorizer, tmp_path, codec):
    source, out = mastered(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(codec=codec))
    with av.open(str(out)) as clip:
        frame = next(clip.decode(video=0))
    found = sidedata.mastering(frame)
    assert found.points == pytest.approx(MASTERED.points, abs=1e-4) and found.content == MASTERED.content
    assert found.lights == pytest.approx(MASTERED.lights, rel=1e-2)
    assert (int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace)) == (9, 16, 9)


@pytest.mark.parametrize(
    "options",
    [{}, {"deinterlace": True}, {"every": 4, "keep_color": True}, {"memory": 8}, {"keyframes": True}],
    ids=lambda options: "-".join(options) or "plain",
)
@pytest.mark.parametrize("kind", ["plain", "captions"])
def test_no_frame_waits_for_the_garbage_collector(colorizer, tmp_path, kind, options):
    source = captioned(tmp_path / "in.h264") if kind == "captions" else make(tmp_path / "in.mkv", frames=12)
    if "keyframes" in options:
        options = {"keyframes": tmp_path / "keys"}
        options["keyframes"].mkdir()
        with av.open(str(source)) as clip:
            next(clip.decode(video=0)).to_image().save(options["keyframes"] / "0.png")
    gc.collect()
    gc.disable()
    try:
        film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(**options))
        gc.set_debug(gc.DEBUG_SAVEALL)  # what is garbage goes into `gc.garbage`
        gc.collect()
        assert not [each for each in gc.garbage if isinstance(each, av.VideoFrame)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
