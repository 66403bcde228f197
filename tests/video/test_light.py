"""Light of films: the curves of the standards, and colors that stay natural in them, luma untouched."""

import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from colorify.color import rgb_to_lab
from colorify.constant_luma import MATRICES
from colorify.inference import Colorizer
from colorify.video import film, job, light
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, coding_of, samples
from colorify.video.planes import Coding

NUMBERS = {"pq": 16, "hlg": 18}


def has_zscale() -> bool:
    if not shutil.which("ffmpeg"):
        return False
    return "zscale" in subprocess.run(["ffmpeg", "-v", "error", "-filters"], capture_output=True, text=True).stdout


def test_the_curves_of_the_standards():
    """SMPTE ST 2084: 0.5 codes 92.2 candela per square meter, 0.58 HDR white; BT.2408: HLG white lies at 0.75."""
    assert light.light(np.array(0.5), "pq") * light.WHITE == pytest.approx(92.25, abs=0.05)
    assert light.light(np.array(1.0), "pq") * light.WHITE == pytest.approx(10_000)
    assert light.light(np.array(0.58), "pq") == pytest.approx(1, abs=0.02)
    assert light.light(np.array(0.75), "hlg") == pytest.approx(1, abs=0.005)
    assert light.light(np.array(1.0), "hlg") * light.WHITE == pytest.approx(1000, abs=0.1)


@pytest.mark.parametrize("transfer", ["pq", "hlg", "sdr"])
def test_there_and_back(transfer):
    codes = np.linspace(0, 1, 101)
    rgb = np.repeat(light.light(codes, transfer)[:, None], 3, 1)
    assert np.abs(light.code(rgb, transfer, "bt2020") - codes[:, None]).max() < 1e-5


@pytest.mark.parametrize("transfer", ["pq", "hlg", "sdr"])
@pytest.mark.parametrize("primaries", ["bt2020", "p3"])
def test_luma_is_untouched_and_colors_are_those_asked_for(transfer, primaries):
    noise = np.random.default_rng(0)
    gray = noise.uniform(0.32, 0.55, (40, 40)).astype(np.float32)
    ab = noise.uniform(-25, 25, (40, 40, 2)).astype(np.float32)
    red, blue = MATRICES["bt2020"]
    weights = np.array((red, 1 - red - blue, blue))
    rgb = light.coded(gray, ab, weights, transfer, primaries)
    assert np.abs(rgb @ weights - gray).max() < 1e-5
    off = rgb_to_lab(light.shown(rgb, transfer, primaries))[..., 1:] - ab
    assert np.abs(off).mean() < 1 and np.quantile(np.abs(off), 0.95) < 5


def wedge(path: Path, transfer: str) -> Path:
    """Gray from dark to light, 10 bits of limited range, BT.2020."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25, options={"level": "3"})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 256, 64, "yuv420p10le"
        tags = (1, 9, 9, NUMBERS[transfer])
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = tags
        for number in range(2):
            frame = av.VideoFrame(256, 64, "yuv420p10le")
            frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc = tags
            for plane in frame.planes:
                samples(plane, 10)[:] = 512
            samples(frame.planes[0], 10)[:] = np.linspace(64, 800, 256).astype(np.uint16)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.fixture
def brown(colorizer, monkeypatch) -> Colorizer:
    """A network that sees everything brown."""
    chroma = np.array((18, 28), np.float32)
    monkeypatch.setattr(colorizer, "chroma", lambda luma, knobs: np.broadcast_to(chroma, (*luma.shape, 2)).copy())
    return colorizer


@pytest.mark.parametrize("transfer", NUMBERS)
def test_a_film_keeps_luma_and_tags(brown, tmp_path, transfer):
    source, out = wedge(tmp_path / "in.mkv", transfer), tmp_path / "out.mkv"
    assert job.check(source, out, FilmOptions(codec="ffv1", quality="lossless")) == []
    film.colorize(source, out, brown, FilmOptions(codec="ffv1", quality="lossless"))
    with av.open(str(source)) as clip, av.open(str(out)) as written:
        before, after = next(clip.decode(video=0)), next(written.decode(video=0))
    assert np.array_equal(samples(before.planes[0], 10), samples(after.planes[0], 10))
    assert coding_of(before) == coding_of(after) == Coding("bt2020", False, 10, transfer, "bt2020")


@pytest.mark.skipif(not has_zscale(), reason="FFmpeg's zscale, which knows these transfers, is not there")
@pytest.mark.parametrize("transfer", NUMBERS)
def test_colors_are_natural_on_a_usual_display(brown, tmp_path, transfer):
    """By FFmpeg's zscale and tonemap: the brown that was laid, in the middle of the range, at the L* of the gray."""
    source, out, shown = wedge(tmp_path / "in.mkv", transfer), tmp_path / "out.mkv", []
    film.colorize(source, out, brown, FilmOptions(codec="ffv1", quality="lossless"))
    to_srgb = (
        f"zscale=t=linear:npl={light.WHITE:g},format=gbrpf32le,zscale=p=bt709,tonemap=clip,"
        "zscale=t=iec61966-2-1:m=gbr:r=full,format=rgb24"
    )
    for path in (source, out):
        run = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", to_srgb, "-frames:v", "1", "-f", "rawvideo", "-"]
        pixels = np.frombuffer(subprocess.run(run, check=True, capture_output=True).stdout, np.uint8)
        shown.append(rgb_to_lab(pixels.reshape(64, 256, 3).astype(np.float32) / 255)[32])
    gray, colored = shown
    middle = (gray[:, 0] > 30) & (gray[:, 0] < 75)
    assert middle.sum() > 30
    hue = np.degrees(np.arctan2(colored[middle, 2], colored[middle, 1]))
    assert np.abs(hue - np.degrees(np.arctan2(28, 18))).max() < 8
    assert np.abs(np.hypot(*colored[middle, 1:].T) - np.hypot(18, 28)).max() < 9
    assert np.abs(colored[middle, 0] - gray[middle, 0]).max() < 4


def test_transfers_that_no_film_has_are_refused(tmp_path):
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25, options={"level": "3"})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt, context.color_trc = 96, 64, "yuv420p", 8
        frame = av.VideoFrame(96, 64, "yuv420p")
        frame.color_trc = 8
        for plane in frame.planes:
            samples(plane, 8)[:] = 128
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(VideoError, match="its transfer is linear: convert"):
        job.check(path, tmp_path / "out.mkv", FilmOptions())
