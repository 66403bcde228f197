"""What goes where, for files, folders and globs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import batch, pictures
from colorify.cli import app
from colorify.color import render, rgb_to_lab
from colorify.inputs import Job, Passed, plan
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from conftest import photo


def tree(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        photo(0).save(folder / name)


def targets(jobs: list[Job], out: Path) -> list[str]:
    return [str(job.target.relative_to(out)) for job in jobs]


def test_file_to_file_and_file_to_folder(tmp_path):
    assert plan(["a.jpg"], Path("b.png"))[0] == [Job(Path("a.jpg"), Path("b.png"))]
    assert plan(["x/a.jpg"], Path("out"))[0] == [Job(Path("x/a.jpg"), Path("out/a.jpg"))]


def test_folders_keep_their_tree_and_skip_other_files(tmp_path):
    tree(tmp_path / "in", "a.jpg", "deep/b.PNG", "deep/er/c.webp")
    (tmp_path / "in" / "notes.txt").write_text("x")
    jobs, errors = plan([str(tmp_path / "in")], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.jpg", "deep/b.PNG", "deep/er/c.webp"]
    assert errors == [Passed(tmp_path / "in" / "notes.txt", "no picture")]


def test_results_inside_the_input_folder_are_no_input(tmp_path):
    tree(tmp_path, "a.jpg", "out/a.jpg")
    assert targets(plan([str(tmp_path)], tmp_path / "out")[0], tmp_path / "out") == ["a.jpg"]


def test_globs_keep_what_varies(tmp_path):
    tree(tmp_path, "x/1/a.jpg", "x/2/a.jpg", "x/2/b.png")
    jobs, _ = plan([str(tmp_path / "x" / "**" / "*.jpg")], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["1/a.jpg", "2/a.jpg"]


def test_a_name_that_looks_like_a_glob_is_a_file_first(tmp_path):
    tree(tmp_path, "a[1].jpg")
    jobs, errors = plan([str(tmp_path / "a[1].jpg")], tmp_path / "b.png")
    assert jobs == [Job(tmp_path / "a[1].jpg", tmp_path / "b.png")] and not errors


def test_nothing_found_and_two_for_one_target(tmp_path):
    tree(tmp_path, "x/a.jpg", "y/a.jpg")
    (tmp_path / "empty").mkdir()
    inputs = [str(tmp_path / name) for name in ("empty", "*.gif", "x/a.jpg", "y/a.jpg")]
    jobs, errors = plan(inputs, tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.jpg"]
    words = ("empty: no pictures", "*.gif: no pictures", f"is that of {inputs[2]}")
    assert all(word in str(error) for word, error in zip(words, errors, strict=True))


def folder_of(folder: Path, count: int) -> list[Job]:
    tree(folder / "in", *(f"{number:02d}.png" for number in range(count)))
    (folder / "in" / "03.png").write_text("no picture")
    return plan([str(folder / "in")], folder / "out")[0]


def test_workers_give_the_same_files_and_name_failures_in_order(colorizer, tmp_path):
    jobs, said = folder_of(tmp_path, 9), []
    assert batch.run(colorizer, jobs, batch.BatchOptions(), said.append, workers=3) == 1
    (tmp_path / "out").rename(tmp_path / "side by side")
    assert batch.run(colorizer, jobs, batch.BatchOptions(), said.append) == 1
    assert len(said) == 2 and said[0] == said[1] and "03.png: not a picture" in said[0]
    made = sorted((tmp_path / "out").iterdir())
    assert len(made) == 8
    assert all(file.read_bytes() == (tmp_path / "side by side" / file.name).read_bytes() for file in made)


def test_only_so_many_are_under_way():
    started = []
    with ThreadPoolExecutor(2) as pool:
        results = batch.in_order(pool, lambda number: started.append(number) or number, range(50), ahead=2)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        assert len(started) <= 6
        assert list(results) == list(range(3, 50))


def test_as_many_workers_as_there_is_work():
    assert batch.workers([]) == 1
    assert 1 <= batch.workers([Job(Path("a"), Path("b"))] * 100) <= 4


KEEP = batch.BatchOptions(keep_color=True)


def colors(seed: int = 0) -> Image.Image:
    """Many hues at every lightness."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)).resize((96, 72))


def tinted(tone: tuple[float, float] = (0, 0)) -> tuple[Image.Image, np.ndarray]:
    """A gray or toned photo with a red spot, and where that is."""
    luma = rgb_to_lab(np.asarray(photo(1, 240, 180).convert("L"), np.float32)[..., None].repeat(3, 2) / 255)[..., :1]
    spot = np.zeros((180, 240), np.float32)
    cv2.circle(spot, (160, 90), 35, 1, -1)
    ab = np.where(spot[..., None] > 0, np.float32((35, 10)), np.float32(tone))
    rgb = render(luma * 0.6 + 20, ab)
    return Image.fromarray((rgb * 255 + 0.5).clip(0, 255).astype(np.uint8)), spot > 0


def colored(
    colorizer, picture: Image.Image, path: Path, options: batch.BatchOptions, **saved
) -> tuple[Path, list[str]]:
    picture.save(path, **saved)
    target = path.with_name(f"out-{path.name}")
    return target, batch.colorize_file(colorizer, Job(path, target), options)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_what_is_in_color_is_copied_to_the_byte(colorizer, tmp_path, name):
    target, notes = colored(colorizer, colors(), tmp_path / name, KEEP)
    assert notes == ["in color: copied as it is"] and target.read_bytes() == (tmp_path / name).read_bytes()
    target.unlink()
    target, notes = colored(colorizer, colors(), tmp_path / name, batch.BatchOptions())
    assert target.read_bytes() != (tmp_path / name).read_bytes()


def test_gray_and_sepia_are_colored(colorizer, tmp_path):
    gray = np.asarray(photo(0, 96, 72).convert("L"), np.float32)
    sepia = np.stack((gray * 0.95 + 12, gray * 0.88 + 6, gray * 0.75), -1).astype(np.uint8)
    for name, picture in (("a.png", photo(0).convert("L")), ("b.png", photo(0).convert("L").convert("RGB"))):
        target, notes = colored(colorizer, picture, tmp_path / name, KEEP)
        assert not notes and target.read_bytes() != (tmp_path / name).read_bytes()
    target, notes = colored(colorizer, Image.fromarray(sepia), tmp_path / "c.png", KEEP)
    assert target.read_bytes() != (tmp_path / "c.png").read_bytes() and not any("in color" in note for note in notes)


@pytest.mark.parametrize("tone", [(0, 0), (5, 16)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_tint_is_kept_and_the_rest_is_colored(colorizer, tmp_path, tone, orientation):
    picture, spot = tinted(tone)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if orientation == 6:
        picture, spot = picture.transpose(Image.Transpose.ROTATE_90), np.rot90(spot)
    target, notes = colored(colorizer, picture, tmp_path / "a.png", KEEP, exif=exif)
    assert "tinted by hand: its tint is kept" in notes
    given, made = (rgb_to_lab(np.asarray(p.convert("RGB"), np.float32) / 255) for p in (picture, Image.open(target)))
    inner, outer = cv2.erode(np.uint8(spot), np.ones((9, 9))) > 0, cv2.dilate(np.uint8(spot), np.ones((9, 9))) == 0
    assert np.abs(made - given)[inner].mean() < 0.5
    plain, _ = colored(colorizer, picture, tmp_path / "b.png", batch.BatchOptions(), exif=exif)
    whole = rgb_to_lab(np.asarray(Image.open(plain).convert("RGB"), np.float32) / 255)
    assert np.abs(made - whole)[outer].mean() < 0.5 < np.abs(whole - given)[inner].mean()


def test_a_tint_and_a_mask_both_count(colorizer, tmp_path):
    picture, _ = tinted()
    mask = np.zeros((90, 120), np.uint8)
    mask[:, 60:] = 255
    target, _ = colored(colorizer, picture, tmp_path / "a.png", batch.BatchOptions(Knobs(mask=mask), keep_color=True))
    given, made = (np.asarray(p.convert("RGB")).astype(int) for p in (picture, Image.open(target)))
    assert np.array_equal(made[:, :115], given[:, :115]) and np.abs(made - given)[:, 215:].max() > 3


def test_pages_in_color_are_kept_among_others(colorizer, tmp_path):
    pages = [colors(), photo(1, 96, 72).convert("L").convert("RGB")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    notes = batch.colorize_file(colorizer, Job(tmp_path / "a.tif", tmp_path / "b.tif"), KEEP)
    assert notes[0] == "pages in color: kept as they are"
    first, second = pictures.pages(tmp_path / "b.tif")
    assert np.array_equal(first.pixels, np.asarray(pages[0]))
    assert not np.array_equal(second.pixels, np.asarray(pages[1]))


def test_another_format_and_times_are_kept(colorizer, tmp_path):
    colors().save(tmp_path / "a.png")
    options = batch.BatchOptions(keep_color=True, keep_times=True)
    assert batch.colorize_file(colorizer, Job(tmp_path / "a.png", tmp_path / "b.tif"), options) == [
        "in color: kept as it is"
    ]
    assert np.array_equal(pictures.read(tmp_path / "b.tif").pixels, np.asarray(colors()))
    assert (tmp_path / "b.tif").stat().st_mtime_ns == (tmp_path / "a.png").stat().st_mtime_ns


def test_a_hint_outside_of_one_picture_spoils_that_alone(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    (tmp_path / "hints.csv").write_text("x,y,a,b\n60,40,30,25\n")
    (tmp_path / "in").mkdir()
    photo(0, 32, 24).convert("L").save(tmp_path / "in" / "a.png")
    photo(0, 96, 72).convert("L").save(tmp_path / "in" / "b.png")
    told = ["image", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--hints", str(tmp_path / "hints.csv")]
    result = CliRunner().invoke(app, [*told, "--model", str(tmp_path / "model.safetensors")])
    assert result.exit_code == 1 and "a.png: hint 1" in result.stderr and (tmp_path / "out" / "b.png").exists()


def test_the_commands_keep_color(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    (tmp_path / "in").mkdir()
    colors().save(tmp_path / "in" / "a.png")
    photo(0).convert("L").save(tmp_path / "in" / "b.png")
    for command in ("image", "bulk"):
        told = [command, str(tmp_path / "in"), "-o", str(tmp_path / command), "--keep-color"]
        result = CliRunner().invoke(app, [*told, "--model", str(tmp_path / "model.safetensors")])
        assert result.exit_code == 0 and "a.png: in color: copied as it is" in result.stderr
        assert (tmp_path / command / "a.png").read_bytes() == (tmp_path / "in" / "a.png").read_bytes()
        assert (tmp_path / command / "b.png").read_bytes() != (tmp_path / "in" / "b.png").read_bytes()


LUMA = batch.BatchOptions(keep_luma=True)


def jpeg(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, quality=80, **options)
    return path


def kept(colorizer, source: Path, target: Path, options: batch.BatchOptions = LUMA) -> list[str]:
    """Color a JPEG; what is said of it. Luma is the same to the bit."""
    notes = batch.colorize_file(colorizer, Job(source, target), options)
    one, other = (pictures.graft.luma_samples(path.read_bytes()) for path in (source, target))
    np.testing.assert_array_equal(one, other)
    return notes


def gray_profile(gamma: float) -> bytes:
    """A gray ICC profile of this gamma: sRGB's with another header and one curve."""
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big") + bytes(2)
    head = srgb[:16] + b"GRAY" + srgb[20:128]
    body = head + (1).to_bytes(4, "big") + b"kTRC" + (144).to_bytes(4, "big") + len(curve).to_bytes(4, "big") + curve
    return len(body).to_bytes(4, "big") + body[4:]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("icc", [None, gray_profile(1.4)], ids=["sRGB", "gamma 1.4"])
def test_luma_is_kept_with_all_that_the_file_carries(colorizer, orientation, icc, tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = orientation, "a street"
    source = jpeg(tmp_path / "a.jpg", photo(3, 101, 67).convert("L"), exif=exif, comment=b"a note", icc_profile=icc)
    lively = Knobs(saturation=3)
    assert kept(colorizer, source, tmp_path / "kept.jpg", batch.BatchOptions(lively, keep_luma=True)) == []
    batch.colorize_file(colorizer, Job(source, tmp_path / "usual.jpg"), batch.BatchOptions(lively))
    result, usual = (pictures.read(tmp_path / f"{name}.jpg") for name in ("kept", "usual"))
    assert dict(result.metadata.exif) == dict(usual.metadata.exif) and result.metadata.exif[0x0112] == orientation
    assert (result.metadata.xmp, result.metadata.icc, result.metadata.comments) == (
        usual.metadata.xmp,
        usual.metadata.icc,
        (b"a note",),
    )
    assert (icc is None) == (result.metadata.icc is None)
    ab, expected = (rgb_to_lab(np.asarray(pictures.as_srgb(one)) / 255.0)[..., 1:] for one in (result, usual))
    assert np.abs(ab - expected).mean() < 0.2 * np.abs(expected).mean()


def test_luma_is_kept_under_hints_and_a_mask(colorizer, tmp_path):
    from colorify.hints import Hint

    source = jpeg(tmp_path / "a.jpg", photo(3, 96, 64).convert("L"))
    mask = np.zeros((64, 96), np.uint8)
    mask[:, :48] = 255
    knobs = Knobs(hints=(Hint(20, 30, (40.0, 30.0)),), mask=mask)
    assert kept(colorizer, source, tmp_path / "b.jpg", batch.BatchOptions(knobs, keep_luma=True)) == []
    rgb = np.asarray(Image.open(tmp_path / "b.jpg")).astype(int)
    assert np.ptp(rgb[:, 64:], axis=-1).max() == 0 and np.ptp(rgb[30, 20]) > 30


def test_luma_of_a_file_in_color_is_kept(colorizer, tmp_path):
    source = jpeg(tmp_path / "a.jpg", photo(3, 101, 67), subsampling="4:2:0", progressive=True)
    assert kept(colorizer, source, tmp_path / "b.jpg") == []


def test_where_luma_cannot_be_kept_the_usual_way_is_taken_and_said(colorizer, tmp_path):
    gray, color = photo(3, 96, 64).convert("L"), jpeg(tmp_path / "c.jpg", photo(3, 96, 64))
    inks, png = jpeg(tmp_path / "inks.jpg", photo(1).convert("CMYK")), tmp_path / "g.png"
    gray.save(png)
    masked = batch.BatchOptions(Knobs(mask=np.full((64, 96), 128, np.uint8)), keep_luma=True)
    cases = (
        (jpeg(tmp_path / "g.jpg", gray), "1.png", LUMA, "the result is no JPEG"),
        (png, "2.jpg", LUMA, "its source is no JPEG"),
        (inks, "3.jpg", LUMA, "its source has 4 inks, and no luma"),
        (color, "4.jpg", masked, "colors that the source has are kept too"),
    )
    for source, name, options, reason in cases:
        notes = batch.colorize_file(colorizer, Job(source, tmp_path / name), options)
        assert f"its luma is not kept to the bit: {reason}" in notes and (tmp_path / name).exists()


@pytest.mark.parametrize("other", ["side_by_side", "layers", "badge"])
def test_what_changes_luma_or_size_does_not_go_with_it(other):
    options = {"knobs": Knobs(badge=True)} if other == "badge" else {other: True}
    with pytest.raises(ValueError, match=f"choose --keep-luma or --{other.replace('_', '-')}"):
        batch.BatchOptions(keep_luma=True, **options)


def test_the_commands_keep_luma(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    (tmp_path / "in").mkdir()
    source = jpeg(tmp_path / "in" / "a.jpg", photo(3).convert("L"))
    for command in ("image", "bulk"):
        told = [command, str(tmp_path / "in"), "-o", str(tmp_path / command), "--keep-luma"]
        result = CliRunner().invoke(app, [*told, "--model", str(tmp_path / "model.safetensors")])
        assert result.exit_code == 0, result.output
        one, other = (pictures.graft.luma_samples(path.read_bytes()) for path in (source, tmp_path / command / "a.jpg"))
        np.testing.assert_array_equal(one, other)
