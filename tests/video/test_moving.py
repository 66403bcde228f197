"""Masks of films: one picture, a film, numbered pictures; what is black keeps the samples it had."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.knobs import Knobs
from colorify.masks import Moving
from colorify.models import checkpoint as checkpoints
from colorify.pictures import PictureError
from colorify.video import film, library, moving, segments
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import RATE, make, read

SIZE = (96, 64)


def half(left: int = 255, right: int = 0) -> np.ndarray:
    mask = np.full(SIZE[::-1], right, np.uint8)
    mask[:, : SIZE[0] // 2] = left
    return mask


def as_film(path: Path, grays: list[int]) -> Path:
    """A lossless film of plain grays, upright, at the rate of `make`."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "gray"
        for number, gray in enumerate(grays):
            frame = av.VideoFrame.from_ndarray(np.full(SIZE[::-1], gray, np.uint8), format="gray")
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def as_pictures(folder: Path, grays: list[int]) -> Path:
    folder.mkdir()
    for number, gray in enumerate(grays, 7):
        Image.fromarray(np.full(SIZE[::-1], gray, np.uint8)).save(folder / f"m{number:03d}.png")
    return folder


def colored(colorizer, source: Path, out: Path, mask: object, **options: object) -> list[list[np.ndarray]]:
    """Cb and Cr of each frame of a film under a mask."""
    look = FilmOptions(knobs=Knobs(saturation=3, mask=mask), quality="lossless", codec="ffv1", **options)
    film.colorize(source, out, colorizer, look)
    return [frame[3] for frame in read(out)]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le", "gray"])
def test_black_stays_as_it_was_and_white_is_colored(colorizer, tmp_path, pix_fmt):
    source = make(tmp_path / "in.mkv", pix_fmt, frames=4)
    masked = colored(colorizer, source, tmp_path / "a.mkv", half())
    free = colored(colorizer, source, tmp_path / "b.mkv", None)
    for one, other in zip(masked, free, strict=True):
        for plane, whole in zip(one, other, strict=True):
            middle = plane.shape[1] // 2
            assert np.ptp(plane[:, middle + 1 :]) == 0 and plane[0, -1] in (128, 512)
            np.testing.assert_array_equal(plane[:, : middle - 1], whole[:, : middle - 1])


def test_black_keeps_colors_that_the_film_has(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv", frames=4, colored=slice(0, 4))
    given = [frame[3] for frame in read(source)]
    for one, own in zip(colored(colorizer, source, tmp_path / "a.mkv", half()), given, strict=True):
        for plane, before in zip(one, own, strict=True):
            np.testing.assert_array_equal(plane[:, 26:], before[:, 26:])
            assert (plane[:, :22] != before[:, :22]).any()


def test_a_mask_is_upright(colorizer, tmp_path):
    source = make(tmp_path / "in.mp4", frames=3, codec="libx264", turned=90)
    (plane, _), *_ = colored(colorizer, source, tmp_path / "a.mkv", np.rot90(half(), 1))
    (turned, _), *_ = colored(colorizer, source, tmp_path / "b.mkv", np.rot90(half(), -1))
    halves = [[np.ptp(part) > 0 for part in (one[:, :22], one[:, 26:])] for one in (plane, turned)]
    assert sorted(halves) == [[False, True], [True, False]]


GRAYS = [255, 0, 128, 0, 255, 255]


@pytest.mark.parametrize("kind", ["film", "folder", "pattern"])
def test_a_mask_of_many_frames_is_that_of_each(colorizer, tmp_path, kind):
    source = make(tmp_path / "in.mkv", frames=len(GRAYS))
    mask = as_film(tmp_path / "m.mkv", GRAYS) if kind == "film" else as_pictures(tmp_path / "m", GRAYS)
    mask = mask / "m%03d.png" if kind == "pattern" else mask
    free = colored(colorizer, source, tmp_path / "b.mkv", None)
    for gray, one, other in zip(GRAYS, colored(colorizer, source, tmp_path / "a.mkv", mask), free, strict=True):
        share = np.float32(gray / 255)
        for plane, whole in zip(one, other, strict=True):
            np.testing.assert_array_equal(plane, np.rint(128 + (whole.astype(np.float32) - 128) * share))


@pytest.mark.parametrize("kind", ["film", "folder"])
def test_a_stretch_has_the_masks_of_its_own_frames(colorizer, tmp_path, kind):
    grays = [0 if number < 20 else 255 for number in range(30)]
    source = make(tmp_path / "in.mkv")
    mask = as_film(tmp_path / "m.mkv", grays) if kind == "film" else as_pictures(tmp_path / "m", grays)
    start = 16.5 / float(RATE)
    plain = [np.ptp(cb) == 0 for cb, _ in colored(colorizer, source, tmp_path / "a.mkv", mask, start=start)]
    assert plain == [True] * 3 + [False] * 10


def test_masks_hold_until_the_next_one_and_reach_back_to_the_first(tmp_path):
    masks = moving.Masks(Knobs(mask=as_film(tmp_path / "m.mkv", GRAYS)).mask, RATE)
    step = 1 / float(RATE)
    seen = [int(masks.at(time * step).values[0, 0]) for time in (0, 0, 1.2, 2, 9)]
    assert seen == [255, 255, 0, 128, 255]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (lambda home: half()[:32], "is not the shape"),
        (lambda home: as_film(home / "m.mkv", GRAYS[:3]), "seconds of masks, the film has"),
        (lambda home: as_pictures(home / "m", GRAYS * 2), "seconds of masks, the film has"),
    ],
)
def test_a_mask_of_another_shape_or_length_is_named_before_the_work(colorizer, tmp_path, mask, words):
    source = make(tmp_path / "in.mkv", frames=len(GRAYS))
    options = FilmOptions(knobs=Knobs(mask=mask(tmp_path)))
    for asked in (
        lambda: film.plan(source, tmp_path / "a.mkv", options),
        lambda: segments.plan(source, tmp_path / "a.mkv", options),
    ):
        with pytest.raises(VideoError, match=words) as caught:
            asked()
        assert str(caught.value).startswith(str(source))
    with pytest.raises(ValueError, match=words):
        next(library.frames(source, colorizer, options))
    assert not (tmp_path / "a.mkv").exists()


def test_missing_masks_are_named(tmp_path):
    folder = as_pictures(tmp_path / "m", GRAYS)
    (folder / "m009.png").unlink()
    with pytest.raises(VideoError, match="1 pictures are missing, the first of them 9"):
        moving.Masks(Knobs(mask=folder).mask, Fraction(25))
    with pytest.raises(PictureError, match="no such file"):
        Knobs(mask=tmp_path / "none.mkv")


def test_another_mask_is_another_job(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv", frames=3)
    digests = []
    for number, gray in enumerate((255, 0)):
        mask = Knobs(mask=np.full(SIZE[::-1], gray, np.uint8))
        folder = tmp_path / f"parts{number}"
        _, parts = film.color_parts(source, folder, colorizer, FilmOptions(knobs=mask))
        digests.append(parts.job)
    assert digests[0] != digests[1]
    first = Moving(as_pictures(tmp_path / "m", GRAYS))
    Image.new("L", (5, 5)).save(tmp_path / "m" / "m007.png")
    assert Moving(tmp_path / "m") != first


def test_the_commands_take_masks(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    source = make(tmp_path / "in.mkv", frames=len(GRAYS))
    model = ["--model", str(tmp_path / "model.safetensors"), "--quality", "lossless", "--codec", "ffv1"]
    mask = ["--mask", str(as_pictures(tmp_path / "m", [0] * len(GRAYS)))]
    for command, out in (("video", tmp_path / "a.mkv"), ("bulk", tmp_path / "b" / "in.mkv")):
        target = out if command == "video" else out.parent
        result = CliRunner().invoke(app, [command, str(source), "-o", str(target), *mask, *model])
        assert result.exit_code == 0, result.output
        assert all((plane == 128).all() for frame in read(out) for plane in frame[3])
    result = CliRunner().invoke(app, ["video", str(source), "--preview", str(tmp_path / "p.png"), *mask, *model])
    assert result.exit_code == 0, result.output
    assert np.ptp(np.asarray(Image.open(tmp_path / "p.png").convert("RGB")).astype(int), axis=-1).max() <= 3
    Image.new("L", SIZE).save(tmp_path / "photo.png")
    told = ["image", str(tmp_path / "photo.png"), "-o", str(tmp_path / "q.png"), *mask, *model[:2]]
    assert "a mask of many frames is for films" in CliRunner().invoke(app, told).stderr
