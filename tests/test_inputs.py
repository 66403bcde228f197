"""Every file of a folder run is colored or named with the reason; what ``-o`` may be."""

import csv
import io
import os
import socket
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from colorify import batch, bulk, inputs, pictures
from colorify.cli import app
from colorify.data import manifest
from colorify.data.manifest import DataError
from colorify.inputs import Passed, UsageError, plan
from colorify.knobs import Knobs
from colorify.models import checkpoint as files
from colorify.pictures import FORMATS
from conftest import photo

SIDECARS = ("a.xmp", "a.txt", "a.json", "Thumbs.db", "no suffix", "scan.pdf", "a.jpg~", "a.jpg.bak")
HIDDEN = (".DS_Store", "._a.jpg", ".a.png")


@pytest.fixture
def model(checkpoint, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    files.save(checkpoint, path)
    return str(path)


def colorify(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def put(folder: Path, *names: str) -> None:
    """Pictures where the suffix says so, text else."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(0).save(path) if path.suffix in FORMATS and path.name[0] != "." else path.write_text("x")


def reasons(passed: list[Passed], folder: Path) -> dict[str, tuple[str, bool]]:
    return {os.path.relpath(one.source, folder): (one.kind, one.failed) for one in passed}


def test_every_file_of_a_folder_is_a_job_or_has_its_reason(tmp_path):
    top = tmp_path / "in"
    put(top, "a.png", "deep/b.JPG", *SIDECARS, *HIDDEN, ".git/config", "film.mkv", "all.zip", "d.gif", "e.PSD", "f.cr2")
    jobs, passed = plan([str(top)], tmp_path / "out")
    assert [str(job.target.relative_to(tmp_path / "out")) for job in jobs] == ["a.png", "deep/b.JPG"]
    assert reasons(passed, top) == (
        dict.fromkeys(SIDECARS, ("no picture", False))
        | dict.fromkeys((*HIDDEN, ".git"), ("hidden", False))
        | {"film.mkv": ("a film", False), "all.zip": ("an archive", False)}
        | dict.fromkeys(("d.gif", "e.PSD", "f.cr2"), ("a format that is not read", True))
    )
    jobs, _ = plan([str(top)], tmp_path / "out", films=True)
    assert "film.mkv" in {job.target.name for job in jobs}


def test_what_is_no_plain_file(tmp_path):
    top = tmp_path / "in"
    put(top, "a.png", "real/b.png")
    put(tmp_path / "elsewhere", "c.png")
    (top / "link.png").symlink_to(top / "a.png")
    (top / "nowhere.png").symlink_to("missing.png")
    (top / "nowhere.txt").symlink_to("missing.txt")
    (top / "circle.png").symlink_to("circle.png")
    (top / "up").symlink_to(top)
    (top / "same").symlink_to(top / "real")
    (top / "other").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(top / "pipe.png")
    os.mkfifo(top / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(top / "socket.jpg"))
        (top / "folder.png").mkdir()
        jobs, passed = plan([str(top)], tmp_path / "out")
    assert {job.source.name for job in jobs} == {"a.png", "b.png", "link.png"}
    assert {name: (one[0], one[1]) for name, one in reasons(passed, top).items()} == {
        "nowhere.png": ("a link that leads nowhere", True),
        "nowhere.txt": ("no picture", False),
        "circle.png": ("a link in a circle", True),
        "up": ("a link to a folder", False),
        "same": ("a link to a folder", False),
        "other": ("a link to a folder", True),
        "pipe.png": ("no file", True),
        "pipe": ("no picture", False),
        "socket.jpg": ("no file", True),
    }


def test_a_folder_that_cannot_be_read_is_a_failure(tmp_path, monkeypatch):
    """As root every folder can be read, so the refusal of the system is simulated."""
    put(tmp_path / "in", "a.png", "closed/b.png")
    real = os.scandir

    def scandir(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    jobs, passed = plan([str(tmp_path / "in")], tmp_path / "out")
    assert [job.source.name for job in jobs] == ["a.png"]
    assert [str(one) for one in passed] == [f"{tmp_path}/in/closed: a folder that cannot be read: Permission denied"]
    assert passed[0].failed


def test_results_are_no_input_and_it_is_said(tmp_path):
    put(tmp_path, "a.png", "out/a.png", "out/deep/b.png")
    (tmp_path / "back.png").symlink_to(tmp_path / "out" / "a.png")
    for text in (str(tmp_path), str(tmp_path / "*"), str(tmp_path / "**" / "*")):
        jobs, passed = plan([text], tmp_path / "out")
        assert [job.source.name for job in jobs] == ["a.png"]
        assert reasons(passed, tmp_path) == dict.fromkeys(("out", "back.png"), ("lies inside -o", False))
    for inside in ("out", "out/deep"):
        jobs, passed = plan([str(tmp_path / inside)], tmp_path / "out")
        assert not jobs and reasons(passed, tmp_path) == {inside: ("lies inside -o", True)}
    jobs, passed = plan([str(tmp_path / "out" / "*.png")], tmp_path / "out")
    assert not jobs and ("lies inside -o", False) in reasons(passed, tmp_path).values()
    assert any(one.failed and one.kind == "no pictures found" for one in passed)


def test_globs_take_folders_and_shards_whole_and_name_the_rest(tmp_path):
    put(tmp_path / "in", "x1/a.png", "x1/deep/b.png", "x2.txt", "x3.png", "y.png")
    with tarfile.open(tmp_path / "in" / "x4.tar", "w") as tar:
        tar.add(tmp_path / "in" / "y.png", "c.png")
    for pattern in ("x*", "**/x*"):
        jobs, passed = plan([str(tmp_path / "in" / pattern)], tmp_path / "out")
        found = {str(job.target.relative_to(tmp_path / "out")) for job in jobs}
        assert found == {"x1/a.png", "x1/deep/b.png", "x3.png", "x4/c.png"}
        assert reasons(passed, tmp_path / "in") == {"x2.txt": ("no picture", False)}


def test_members_of_a_tar_file(tmp_path):
    picture = io.BytesIO()
    photo(0).save(picture, "PNG")
    names = ("./a.png", "a.json", ".hidden.png", "../up.png", "b.gif", "film.mkv", "again.png", "again.png", "k/d.txt")
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(picture.getvalue())
            tar.addfile(entry, io.BytesIO(picture.getvalue()))
        for name, kind in (("link.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE), ("k", tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "a.png"
            tar.addfile(entry)
    jobs, passed = plan([str(tmp_path / "in.tar")], tmp_path / "out")
    assert [str(job.target.relative_to(tmp_path / "out")) for job in jobs] == ["in/a.png", "in/again.png"]
    (picture,) = jobs[1].read(1)
    assert picture.size == photo(0).size
    assert reasons(passed, tmp_path / "in.tar") == {
        "a.json": ("no picture", False),
        "k/d.txt": ("no picture", False),
        ".hidden.png": ("hidden", False),
        "../up.png": ("leads out of the folder", True),
        "b.gif": ("a format that is not read", True),
        "film.mkv": ("a film", False),
        "again.png": ("replaced", False),
        "link.png": ("no plain file inside a tar file", True),
        "hard.png": ("no plain file inside a tar file", True),
    }


@pytest.mark.parametrize(("member", "beyond"), [(0, -100), (0, 10), (1, -100), (1, 10)])
def test_a_tar_file_that_is_cut_does_not_take_the_folder_with_it(tmp_path, member, beyond):
    """Cut in the header of a member, or in its data: what comes before is coloured."""
    put(tmp_path / "in", "a.png")
    with tarfile.open(tmp_path / "whole.tar", "w") as tar:
        tar.add(tmp_path / "in" / "a.png", "1.png")
        tar.add(tmp_path / "in" / "a.png", "2.png")
    with tarfile.open(tmp_path / "whole.tar") as tar:
        start = tar.getmembers()[member].offset_data
    (tmp_path / "in" / "cut.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[: start + beyond])
    jobs, passed = plan([str(tmp_path / "in")], tmp_path / "out")
    assert [job.target.name for job in jobs] == ["a.png", *["1.png"][:member]]
    named = {f"cut.tar/{member + 1}.png": ("cut short", True)} if beyond > 0 else {}
    assert reasons(passed, tmp_path / "in") == {"cut.tar": ("not a whole tar file", True)} | named


def test_hostile_headers_of_a_tar_file(tmp_path):
    """A name with a zero byte, and a header that claims more bytes than can be counted."""
    put(tmp_path, "a.png")
    with tarfile.open(tmp_path / "in.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("a.png")
        entry.pax_headers = {"path": "x\0y.png"}
        tar.addfile(entry)
        tar.add(tmp_path / "a.png", "a.png")
    huge = tarfile.TarInfo("long")
    huge.type, huge.size = tarfile.GNUTYPE_LONGNAME, 1 << 80
    (tmp_path / "huge.tar").write_bytes(huge.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    jobs, passed = plan([str(tmp_path / "in.tar"), str(tmp_path / "huge.tar")], tmp_path / "out")
    assert [job.target.name for job in jobs] == ["a.png"]
    assert reasons(passed, tmp_path) == {
        "in.tar/x?y.png": ("no name that a file can have", True),
        "huge.tar": ("not a whole tar file", True),
    }
    with pytest.raises(DataError, match="not a whole tar file"):
        list(manifest.items(tmp_path / "huge.tar"))


def test_what_lies_behind_a_url(tmp_path):
    put(tmp_path / "in", "a.png", "b.txt", ".hidden/c.png", "d.gif", "e.tar")
    jobs, passed = plan([f"file://{tmp_path}/in"], tmp_path / "out")
    assert [job.target for job in jobs] == [tmp_path / "out" / "a.png"]
    found = {one.source.removeprefix(f"file://{tmp_path}/in/"): (one.kind, one.failed) for one in passed}
    assert found == {
        "b.txt": ("no picture", False),
        ".hidden/c.png": ("hidden", False),
        "d.gif": ("a format that is not read", True),
        "e.tar": ("an archive", False),
    }
    (job,), passed = plan([f"file://{tmp_path}/in/a.png"], tmp_path / "b.png")
    assert job.target == tmp_path / "b.png" and not passed


@pytest.mark.parametrize(
    ("source", "out", "becomes"),
    [
        ("a.png", "b.jpg", "b.jpg"),
        ("a.png", "b.xyz/", "b.xyz/a.png"),
        ("a.png", "b.png/", "b.png/a.png"),
        ("a.png", "old.folder", "old.folder/a.png"),
        ("a.png", "old.png", "old.png/a.png"),
        ("a.png", "new", "new/a.png"),
        ("a.png", "b.xyz", "unknown format '.xyz': choose one of .jpg, "),
        ("a.png", "b.gif", "unknown format '.gif'"),
        ("a.png", "b.mkv", "unknown format '.mkv'"),
        ("a.png", "v1.2", "end it with / for a folder"),
        ("a.png", "file", "a file's name, where a folder is wanted"),
        ("in", "b.xyz", "b.xyz/c.png"),
        ("in", "b.png", "a file's name, where a folder is wanted"),
        ("in", "b.mkv", "a file's name, where a folder is wanted"),
        ("in", "b.png/", "b.png/c.png"),
        ("i*/c.*", "b.png", "a file's name, where a folder is wanted"),
        ("notes.txt", "new", "its suffix names no format to write: '.txt': choose -o FILE"),
        ("notes.txt", "b.png", "b.png"),  # what it is, its content tells
    ],
)
def test_what_the_target_may_be(tmp_path, monkeypatch, source, out, becomes):
    monkeypatch.chdir(tmp_path)
    put(Path(), "a.png", "in/c.png", "notes.txt", "file", "old.folder/x.txt", "old.png/x.txt")
    try:
        jobs, passed = plan([source], out)
        found = [*(str(job.target) for job in jobs), *map(str, passed)][0]
        status = 0 if jobs else 1
    except UsageError as error:
        found, status = str(error), 2
    assert becomes in found and (status or found == becomes)
    assert colorify("image", source, "-o", out, "--model", "none").exit_code == (status or 1)


@pytest.mark.parametrize("out", ["b.png", "b.mkv", "file"])
def test_an_archive_goes_into_a_folder(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    put(Path(), "a.png", "file")
    result = colorify("bulk", "a.png", "-o", out)
    assert result.exit_code == 2 and "a folder is wanted" in " ".join(result.stderr.replace("│", " ").split())
    assert not Path("b.png").exists()


@pytest.mark.parametrize(
    ("given", "target"),
    [("a.jpg", "a-colorized.jpg"), ("in", "in-colorized"), ("in/", "in-colorized"), ("b.tar", "b-colorized"),
     ("c.dng", "c-colorized.tif"), ("d.odd", "d.odd-colorized")],
)  # fmt: skip
def test_without_a_place_results_go_beside_the_input(tmp_path, monkeypatch, given, target):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.tar", "c.dng", "d.odd"):
        (tmp_path / name).touch()
    assert inputs.beside([given]) == target
    monkeypatch.chdir(tmp_path / "in")
    assert inputs.beside(["."]) == str(tmp_path / "in-colorized")
    for several in ([], ["..", "."], ["*.jpg"]):
        with pytest.raises(inputs.UsageError, match="name a folder"):
            inputs.beside(several)


def test_the_commands_say_it_and_the_list_has_a_row_for_each(model, tmp_path):
    top = tmp_path / "in"
    put(top, "a.png", "deep/b.png", *(f"{number:02d}.txt" for number in range(25)), ".DS_Store")
    result = colorify("image", top, "-o", tmp_path / "one", "--model", model)
    assert result.exit_code == 0, result.output
    lines = [line.removeprefix("colorify: ") for line in result.stderr.splitlines() if line.startswith("colorify: ")]
    assert lines == [
        f"{top}/.DS_Store: hidden",
        *(f"{top}/{number:02d}.txt: no picture" for number in range(20)),
        "and 5 more: no picture",
    ]
    assert result.stdout == f"2 done, 0 failed, 26 passed over (25 no picture, 1 hidden): {tmp_path}/one\n"
    put(top, "c.gif")
    (top / "broken.png").write_text("no picture")
    for before in (0, 2):
        result = colorify("bulk", top, "-o", tmp_path / "all", "--model", model)
        done = f"{2 - before} done, {before} done before, 2 failed (1 a format that is not read), "
        done += "26 passed over (25 no picture, 1 hidden)"
        assert result.exit_code == 1 and result.stdout == f"{done}: {tmp_path}/all/colorify.csv\n"
        with (tmp_path / "all" / bulk.LIST).open(newline="") as file:
            rows = {os.path.relpath(row["source"], top): row for row in csv.DictReader(file)}
        assert len(rows) == len((tmp_path / "all" / bulk.LIST).read_text().splitlines()) - 1 == 30
        assert (rows["a.png"]["state"], rows["broken.png"]["state"]) == ("done", "failed")
        assert (rows["c.gif"]["state"], rows["c.gif"]["reason"]) == ("failed", "a format that is not read: .gif")
        assert (rows["00.txt"]["state"], rows["00.txt"]["target"]) == ("passed over", "")
    (top / "c.gif").rename(top / "c.png")
    photo(0).save(top / "c.png")
    colorify("bulk", top, "-o", tmp_path / "all", "--model", model)
    assert "c.png,c.png,done," in (tmp_path / "all" / bulk.LIST).read_text()


def test_one_picture_says_where_it_went(model, tmp_path):
    put(tmp_path, "a.png")
    result = colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.jpg", "--model", model)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{tmp_path}/b.jpg\n", "")


def test_what_is_known_before_is_said_before_a_model_is_loaded(tmp_path):
    put(tmp_path, "a.png", "b.png")
    result = colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", "none")
    assert result.exit_code == 1 and "exists already (--overwrite" in result.stderr and "none" not in result.stderr
    (tmp_path / "a.mkv").touch()
    result = colorify("video", tmp_path / "a.mkv", "-o", tmp_path / "a.mkv", "--model", "none")
    assert result.exit_code == 1 and "exists already (--overwrite" in result.stderr and "none" not in result.stderr
    result = colorify("image", tmp_path / "c.png", "-o", tmp_path / "d.png", "--model", "none")
    assert result.exit_code == 1 and "c.png: no such file" in result.stderr and "model" not in result.stderr


def test_a_list_that_a_kill_left_long_is_read_and_shortened(model, tmp_path):
    put(tmp_path / "in", "a.png", "b.png")
    jobs, passed = plan([str(tmp_path / "in")], tmp_path / "out")
    running = bulk.color([*jobs, *passed], tmp_path / "out", model, batch.BatchOptions(knobs=Knobs(size=32)))
    next(running)
    text = (tmp_path / "out" / bulk.LIST).read_text()
    assert text.count("planned") == 2 and text.count("done") == 1
    running.close()
    text = (tmp_path / "out" / bulk.LIST).read_text()
    assert text.count("a.png") == text.count("b.png") == 2  # source and target, once each


def test_a_drawing_is_colored_with_a_warning(model, tmp_path):
    put(tmp_path / "in", "a.png")
    paper = Image.new("L", (400, 300), 240)
    for number in range(9):
        ImageDraw.Draw(paper).ellipse((20 + 30 * number, 30, 120 + 30 * number, 250), outline=20, width=3)
    paper.save(tmp_path / "in" / "b.png")
    wide = np.asarray(paper).astype(np.uint16) * 257
    pictures.write(pictures.from_array(wide), tmp_path / "in" / "c.png")
    said = [f"{tmp_path}/in/{name}.png: colored; looks like a line drawing" for name in "bc"]
    for command in ("image", "bulk"):
        result = colorify(command, tmp_path / "in", "-o", tmp_path / command, "--model", model)
        assert result.exit_code == 0 and len(list((tmp_path / command).glob("*.png"))) == 3
        assert [line for line in result.stderr.splitlines() if "looks" in line] == [f"colorify: {one}" for one in said]
    with (tmp_path / "bulk" / bulk.LIST).open(newline="") as file:
        assert {row["state"] for row in csv.DictReader(file) if row["reason"] in ("", *said)} == {"done"}


def test_reasons_are_counted():
    passed = [Passed("a", "hidden"), Passed("b", "no picture"), Passed("c", "no picture"), Passed("d", "x: y", True)]
    assert inputs.summary({"done": 1000}, 2, passed) == (
        "1,000 done, 2 failed (1 x), 3 passed over (2 no picture, 1 hidden)"
    )
    assert inputs.summary({"done": 1, "done before": 0}, 0, []) == "1 done, 0 done before, 0 failed"
