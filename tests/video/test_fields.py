"""Interlaced films stay interlaced, field by field, and become progressive when asked to."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify.cli import app
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.video import facts, fields, film, job
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, coding_of, samples
from colorify.video.paint import Painter
from video.test_formats import luma, read

SIZE, SPEED, RADIUS = (160, 128), 6, 24  # px; px a field
LAST = -2 * RADIUS - 8


def moment(time: float, bits: int = 8) -> np.ndarray:
    """Luma ``(H, W)`` of a bright disc on a dark ground, so many fields from the beginning; limited range."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    inside = np.clip(RADIUS - np.hypot(x - (20 + SPEED * time) % (SIZE[0] + 40), y - SIZE[1] / 2) + 0.5, 0, 1)
    grain = np.random.default_rng(int(time)).normal(0, 1, inside.shape)
    return np.rint((40 + 150 * inside + grain) * 2 ** (bits - 8)).astype(np.uint8 if bits == 8 else np.uint16)


def interlaced(path: Path, top_first: bool, codec: str = "ffv1", pix_fmt: str = "yuv420p", count: int = 20) -> Path:
    """The disc as fields, 25 frames a second."""
    flag = fields.Mark(top_first)
    with av.open(str(path), "w") as out:
        lossless = {"qp": "0"} if codec == "libx264" else {"b": "8M"}
        stream = out.add_stream(codec, rate=25, options=lossless | {"flags": "+ildct+ilme"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, pix_fmt
        stream.codec_context.field_order = fields.ORDERS[top_first]
        for number in range(count):
            frame = av.VideoFrame(*SIZE, pix_fmt)
            bits = frame.format.components[0].bits
            for plane in frame.planes[1:]:
                samples(plane, bits)[:] = 2 ** (bits - 1)
            for later, line in enumerate((0, 1) if top_first else (1, 0)):
                samples(frame.planes[0], bits)[line::2] = moment(2 * number + later, bits)[line::2]
            frame.pts, frame.time_base, frame.color_range = number, Fraction(1, 25), 1
            out.mux(stream.encode(flag(frame, True)))
        out.mux(stream.encode(None))
    return path


@pytest.fixture
def reddish(monkeypatch):
    """A network that knows: what is bright is red, what is dark is blue."""
    monkeypatch.setattr(Painter, "predict", lambda _, small: np.stack((small - 35, small - 35), -1) * 0.8)


def woven_is_red(frame: av.VideoFrame, number: int, top_first: bool) -> float:
    """Share of chroma samples that do not match the disc of their own field, away from its very rim."""
    red = samples(frame.planes[2], 8).astype(float) > 128
    off = []
    for later, line in enumerate((0, 1) if top_first else (1, 0)):
        y, x = np.mgrid[line : red.shape[0] : 2, : red.shape[1]] * 2.0
        far = np.hypot(x - (20 + SPEED * (2 * number + later)) % (SIZE[0] + 40), y + 0.5 - SIZE[1] / 2) - RADIUS
        off.append((red[line::2] != (far < 0))[np.abs(far) > 1.5])
    return float(np.concatenate([values.ravel() for values in off]).mean())


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize(
    ("codec", "name", "into"),
    [
        ("ffv1", "in.mkv", ("libx264", "out.mkv")),
        ("ffv1", "in.mkv", ("ffv1", "out.mkv")),
        ("mpeg2video", "in.mpg", ("libx264", "out.mp4")),
        ("mpeg2video", "in.ts", ("libx264", "out.mov")),
        ("libx264", "in.mp4", ("ffv1", "out.mkv")),
    ],
)
def test_field_order_and_every_luma_sample_stay(colorizer, tmp_path, top_first, codec, name, into):
    source, out = interlaced(tmp_path / name, top_first, codec), tmp_path / into[1]
    notes = job.check(source, out, FilmOptions(codec=into[0], quality="lossless"))
    assert notes == [
        f"{source}: interlaced, {'top' if top_first else 'bottom'} field first: kept so "
        "(--deinterlace makes it progressive)"
    ]
    film.colorize(source, out, colorizer, FilmOptions(codec=into[0], quality="lossless"))
    before, after = read(source), read(out)
    assert len(before) == len(after) and all(frame.interlaced_frame for frame in after)
    assert all(np.array_equal(luma(a), luma(b)) for a, b in zip(before, after, strict=True))
    found = facts.of(out)
    assert found.top_first == top_first and found.flagged
    with av.open(str(out)) as clip:
        assert clip.streams.video[0].codec_context.field_order in ((2, 5) if top_first else (3, 4))


@pytest.mark.parametrize("top_first", [True, False])
def test_colors_go_with_their_own_field(colorizer, reddish, tmp_path, top_first, monkeypatch):
    """No comb: each line of chroma belongs to the disc as it stands in that line's field."""
    source, out = interlaced(tmp_path / "in.mkv", top_first), tmp_path / "out.mkv"
    options = FilmOptions(knobs=Knobs(size=64), quality="lossless", steady=0.0)
    film.colorize(source, out, colorizer, options)
    wrong = [woven_is_red(frame, n, top_first) for n, frame in enumerate(read(out)) if n < 10]
    assert max(wrong) < 0.01
    monkeypatch.setattr(fields, "top_first", lambda *_: None)  # as a picture of all lines
    film.colorize(
        source, tmp_path / "combed.mkv", colorizer, FilmOptions(knobs=Knobs(size=64), quality="lossless", steady=0.0)
    )
    combed = [woven_is_red(frame, n, top_first) for n, frame in enumerate(read(tmp_path / "combed.mkv")) if n < 10]
    assert min(combed) > 3 * max(wrong)


def test_steady_colors_do_not_comb_either(colorizer, reddish, tmp_path):
    source, out = interlaced(tmp_path / "in.mkv", True), tmp_path / "out.mkv"
    done = film.colorize(source, out, colorizer, FilmOptions(knobs=Knobs(size=64), quality="lossless"))
    assert 20 <= done.looked < 36  # most second fields get their colors along the motion
    assert max(woven_is_red(frame, n, True) for n, frame in enumerate(read(out)) if n < 10) < 0.02


def test_a_still_interlaced_picture_has_even_chroma(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr("video.test_fields.SPEED", 0)
    source, out = interlaced(tmp_path / "in.mkv", True), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(quality="lossless"))
    for frame in read(out):
        for plane in frame.planes[1:]:
            chroma = samples(plane, 8).astype(float)
            rows = chroma[1:-1] - (chroma[:-2] + chroma[2:]) / 2
            assert abs((rows[0::2] - rows[1::2][: len(rows[0::2])]).mean()) < 0.5


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "gray", "gray10le", "gray16le", "yuv420p12le"])
def test_deinterlaced_on_request(colorizer, tmp_path, pix_fmt):
    source, out = interlaced(tmp_path / "in.mkv", False, pix_fmt=pix_fmt), tmp_path / "out.mkv"
    options = FilmOptions(codec="ffv1", quality="lossless", deinterlace=True)
    assert job.check(source, out, options) == []
    assert film.colorize(source, out, colorizer, options).frames == 20
    before, after = read(source), read(out)
    assert [frame.pts for frame in before] == [frame.pts for frame in after]
    assert not any(frame.interlaced_frame for frame in after) and facts.of(out).top_first is None
    assert coding_of(after[0]) == coding_of(before[0])

    def comb(frame: av.VideoFrame) -> float:
        values = luma(frame).astype(float)
        return np.abs(values[1:-1] - (values[:-2] + values[2:]) / 2).mean()

    ratio = np.mean([comb(frame) for frame in after]) / np.mean([comb(frame) for frame in before])
    assert ratio < 0.75
    first = moment(8, depth := coding_of(after[0]).depth)[1::2]  # of frame 4: bottom first
    assert np.abs(luma(after[4])[1::2].astype(float) - first).mean() < 0.01 * 2 ** (depth - 8)


@pytest.mark.long
def test_deinterlacing_goes_on_as_if_it_had_not_stopped(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 16)
    source, out, whole = interlaced(tmp_path / "in.mkv", True, count=60), tmp_path / "out.mkv", tmp_path / "whole.mkv"
    goes_on(colorizer, source, out, whole, FilmOptions(quality="lossless", deinterlace=True, codec="ffv1"))


def test_fields_go_on_as_if_nothing_had_stopped(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 16)
    source, out, whole = interlaced(tmp_path / "in.mkv", True, count=60), tmp_path / "out.mkv", tmp_path / "whole.mkv"
    goes_on(colorizer, source, out, whole, FilmOptions(quality="lossless"))


def goes_on(colorizer, source: Path, out: Path, whole: Path, options: FilmOptions) -> None:
    """Stopped in the third part, the same command makes the same film."""

    def stop(now: film.FilmProgress) -> None:
        if now.frames == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film.colorize(source, out, colorizer, options, stop)
    told = []
    film.colorize(source, out, colorizer, options, told.append)
    assert told[0].frames == 33
    film.colorize(source, whole, colorizer, options)
    one, two = read(whole), read(out)
    assert [frame.pts for frame in one] == [frame.pts for frame in two]
    for before, after in zip(one, two, strict=True):
        assert all(
            np.array_equal(samples(a, 8), samples(b, 8)) for a, b in zip(before.planes, after.planes, strict=True)
        )


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1"])
def test_codecs_without_fields_are_refused(colorizer, tmp_path, codec):
    source = interlaced(tmp_path / "in.mkv", True)
    with pytest.raises(VideoError, match=r"cannot hold interlaced frames.*--codec libx264.*--deinterlace"):
        film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(codec=codec))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(codec=codec, quality="small", deinterlace=True))


def test_the_command_says_that_a_film_is_interlaced(checkpoint, tmp_path):
    source, model = interlaced(tmp_path / "in.mpg", False, "mpeg2video"), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    command = ["video", str(source), "-o", str(tmp_path / "out.mkv"), "--model", str(model)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0 and "in.mpg: interlaced, bottom field first: kept so" in result.stderr
    result = CliRunner().invoke(app, [*command[:3], str(tmp_path / "flat.mkv"), *command[4:], "--deinterlace"])
    assert result.exit_code == 0 and "interlaced" not in result.stderr
    assert not any(frame.interlaced_frame for frame in read(tmp_path / "flat.mkv"))
