"""Every sample of luma comes out as it went in, at every depth that a codec holds; what it does not hold is refused."""

from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify import inference
from colorify.cli import app
from colorify.constant_luma import MATRICES
from colorify.containers import CONTAINERS
from colorify.video import film, formats, job
from colorify.video.film import FilmOptions
from colorify.video.formats import DEPTHS, RANGES, Need, VideoError, coding_of, planar, samples
from colorify.video.planes import Coding

LOSSLESS = [codec for codec, kinds in formats.CODECS.items() if "lossless" in kinds]
PACKED = (
    *("nv12", "nv21", "nv16", "nv24", "p010le", "p010be", "p012le", "p016le", "p210le", "p216le", "p410le", "p412le"),
    *("yuyv422", "uyvy422", "yvyu422", "yuva420p", "yuva444p10le", "yuva422p16le", "yuva422p12le", "yuv420p10be"),
    *("yuv422p16be", "yuv444p12be", "gray16be", "gray10be", "gray12be", "ya8", "ya16le", "y210le", "y212le", "xv30le"),
    *("xv36le", "xv48le", "vuyx", "vuya", "ayuv64le", "vyu444", "nv20le", "ayuv", "yuv440p12be"),
)


def filled(pix_fmt: str, full: bool | None, size: tuple[int, int] = (32, 24), seed: int = 0) -> av.VideoFrame:
    """A frame whose samples are random, over their whole range; ``full`` None: it does not say its own."""
    frame, noise = av.VideoFrame(*size, pix_fmt), np.random.default_rng(seed)
    depth = frame.format.components[0].bits
    for plane in frame.planes:
        values = samples(plane, depth)
        values[:] = noise.integers(0, 2**depth, values.shape)
    if full is not None:
        frame.color_range = RANGES[full]
    return frame


def write(path, frames, codec="ffv1"):
    """The frames as a film of ten a second."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=10, options={"level": "3"} if codec == "ffv1" else {})
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, frames[0].format.name
        stream.codec_context.color_range = int(frames[0].color_range)
        for number, frame in enumerate(frames):
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def read(path) -> list[av.VideoFrame]:
    with av.open(str(path)) as clip:
        return list(clip.decode(video=0))


def luma(frame: av.VideoFrame) -> np.ndarray:
    return samples(frame.planes[0], frame.format.components[0].bits).copy()


def bits(depth: int) -> str:
    return "" if depth == 8 else f"{depth}le"


FILMS = [
    (f"{kind}p{bits(depth)}" if kind != "gray" else f"gray{bits(depth)}", full)
    for kind in ("gray", "yuv420", "yuv422", "yuv444")
    for depth in DEPTHS
    for full in (False, True)
]


@pytest.mark.parametrize("codec", LOSSLESS)
@pytest.mark.parametrize(("pix_fmt", "full"), FILMS)
def test_luma_of_every_depth_subsampling_and_range(colorizer, tmp_path, codec, pix_fmt, full):
    """Equal, sample by sample, or refused before anything is written, by a line that names a codec that can."""
    frames = [filled(pix_fmt, full, seed=seed) for seed in range(2)]
    source, out = write(tmp_path / "in.mkv", frames), tmp_path / "out.mkv"
    depth = frames[0].format.components[0].bits
    options = FilmOptions(codec=codec, quality="lossless")
    if depth not in {"libx264": (8, 10), "libx265": (8, 10, 12), "ffv1": DEPTHS, "libvpx-vp9": (8,)}[codec]:
        with pytest.raises(VideoError, match=rf"in\.mkv: codec {codec} .* {depth} bits.*--codec ffv1"):
            film.colorize(source, out, colorizer, options)
        assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
        return
    film.colorize(source, out, colorizer, options)
    after = read(out)
    assert [coding_of(frame) for frame in after] == [coding_of(frame) for frame in frames]
    assert all(np.array_equal(luma(a), luma(b)) for a, b in zip(frames, after, strict=True))
    assert all(samples(plane, depth).std() > 0 for plane in after[0].planes[1:])


@pytest.mark.parametrize("depth", [depth for depth in DEPTHS if depth > 8])
@pytest.mark.parametrize("size", [(32, 24), (33, 25)])
def test_rgb_becomes_its_luma_in_full_range(colorizer, tmp_path, depth, size):
    """Of gray RGB the samples themselves; of colors, what the matrix says, rounded."""
    frames = [filled(f"gbrp{bits(depth)}", None, size, seed) for seed in range(2)]
    green = samples(frames[0].planes[0], depth)
    for plane in frames[0].planes[1:]:
        samples(plane, depth)[:] = green
    source, out = write(tmp_path / "in.mkv", frames), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(codec="ffv1", quality="lossless"))
    gray, colored = read(out)
    assert coding_of(gray).full and coding_of(gray).depth == depth
    assert np.array_equal(luma(gray), green)
    g, b, r = (samples(plane, depth).astype(float) for plane in frames[1].planes)
    red, blue = MATRICES["bt601"]
    assert np.abs(luma(colored) - (red * r + blue * b + (1 - red - blue) * g)).max() < 0.51


@pytest.mark.parametrize("pix_fmt", PACKED)
@pytest.mark.parametrize("full", [False, True, None])
def test_packed_samples_are_unpacked_untouched(pix_fmt, full):
    """There and back again: what keeps every sample twice keeps it once."""
    kind = av.VideoFormat(pix_fmt, 64, 32)
    plain = filled(formats.unpacked(kind), full, (64, 32))
    again = planar(plain.reformat(format=pix_fmt))
    depth = plain.format.components[0].bits
    assert again.format.name == plain.format.name
    for before, after in zip(plain.planes, again.planes, strict=True):
        assert np.array_equal(samples(before, depth), samples(after, depth))


@pytest.mark.parametrize("pix_fmt", ["rgb24", "bgr24", "bgr0", "rgba", "rgb48le", "rgba64be", "gbrap12le", "gbrap"])
def test_packed_gray_rgb_keeps_its_samples(pix_fmt):
    depth = av.VideoFormat(pix_fmt).components[0].bits
    plain = filled(f"gbrp{bits(depth)}" if pix_fmt[0] != "g" else pix_fmt, None, (64, 32))
    green = samples(plain.planes[0], depth).copy()
    for plane in plain.planes[1:3]:
        samples(plane, depth)[:] = green
    found = planar(plain if plain.format.name == pix_fmt else plain.reformat(format=pix_fmt))
    assert np.array_equal(luma(found), green) and coding_of(found).full
    assert all((samples(plane, depth) == 2 ** (depth - 1)).all() for plane in found.planes[1:])


@pytest.mark.parametrize("pix_fmt", ["gbrpf32le", "grayf32le", "bayer_rggb8", "xyz12le", "gbrpf16le"])
def test_samples_that_are_refused(pix_fmt):
    with pytest.raises(VideoError, match=f"{pix_fmt}.*convert"):
        planar(av.VideoFrame(16, 16, pix_fmt))


@pytest.mark.parametrize(("codec", "depth"), [("libx264", 10), ("libx265", 12), ("libsvtav1", 10)])
def test_the_usual_quality_keeps_the_depth(colorizer, tmp_path, codec, depth):
    source = write(tmp_path / "in.mkv", [filled(f"yuv420p{bits(depth)}", False, (96, 64))] * 2)
    film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(codec=codec))
    assert read(tmp_path / "out.mkv")[0].format.name == f"yuv420p{depth}le"


def test_the_command_refuses_before_the_model_is_loaded(tmp_path, monkeypatch):
    """16 bits of gray: libx264 cannot, and the line says who can; what it names works."""
    monkeypatch.setattr(inference.Colorizer, "load", lambda *_: pytest.fail("the model was loaded"))
    levels = np.arange(4096, dtype="u2").reshape(64, 64) * 16
    source = write(tmp_path / "gray16.mkv", [av.VideoFrame.from_ndarray(levels, "gray16le")])
    result = CliRunner().invoke(app, ["video", str(source), "-o", str(tmp_path / "out.mkv")])
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "gray16.mkv" in result.stderr and "--codec ffv1 --quality lossless" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gray16.mkv"]


def test_sixteen_bits_of_gray_keep_all_their_levels(colorizer, tmp_path):
    levels = np.arange(4096, dtype="u2").reshape(64, 64) * 16
    source = write(tmp_path / "in.mkv", [av.VideoFrame.from_ndarray(levels, "gray16le")])
    film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(codec="ffv1", quality="lossless"))
    (found,) = read(tmp_path / "out.mkv")
    assert np.array_equal(luma(found), levels) and coding_of(found).full


def test_own_colors_keep_their_samples_in_a_finer_format(colorizer, tmp_path):
    """4:2:2 at 12 bits that is in color: with keep_color every sample of chroma stays too."""
    frames = [filled("yuv422p12le", False, seed=seed) for seed in range(3)]
    source, out = write(tmp_path / "in.mkv", frames), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(codec="ffv1", quality="lossless", keep_color=True))
    for before, after in zip(frames, read(out), strict=True):
        assert after.format.name == "yuv422p12le"
        for one, two in zip(before.planes, after.planes, strict=True):
            assert np.array_equal(samples(one, 12), samples(two, 12))


def test_what_is_said_of_codecs_is_said_of_codecs_that_there_are():
    assert all(kinds and kinds.keys() <= set(formats.QUALITIES) for kinds in formats.CODECS.values())
    assert job.FITTING.keys() == formats.CODECS.keys() and set(formats.INTERLACED) <= formats.CODECS.keys()
    assert all(suffix in job.FITTING[codec] for suffix, codecs in job.USUAL.items() for codec in codecs)
    assert all(set(kinds) <= set(CONTAINERS) for kinds in job.FITTING.values())
    for codec, kinds in formats.CODECS.items():
        for quality in kinds:
            formats.check_codec(codec, quality)


def table() -> str:
    """What each codec holds, of frames of even sides."""
    rows = ["| codec | containers | bits | lossless | fields |", "|---|---|---|---|---|"]
    for codec, kinds in formats.CODECS.items():
        depths = ", ".join(str(depth) for depth in DEPTHS if formats.held(codec, Need(Coding(depth=depth), (256, 128))))
        fields = "kept" if codec in formats.INTERLACED else "`--deinterlace`"
        into = ", ".join(job.FITTING[codec])
        rows.append(f"| `{codec}` | {into} | {depths} | {'yes' if 'lossless' in kinds else 'no'} | {fields} |")
    return "\n".join(rows)


def test_the_table_of_the_docs_is_true():
    assert table() in (Path(__file__).parents[2] / "docs" / "films.md").read_text(encoding="utf-8"), table()
