"""The table of shots: written, edited, read back, and what is wrong with one."""

import numpy as np
import pytest

from colorify.models import checkpoint as checkpoints
from colorify.video import film, job, scene, shots, stills
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from colorify.video.shots import Cast, Shot
from video.conftest import detailed, reel_of
from video.test_film import read


@pytest.fixture(scope="module")
def reel(tmp_path_factory):
    return scene.write_gray(
        reel_of([detailed(n) for n in range(3)], 10), tmp_path_factory.mktemp("reel") / "in.mkv", grain=0.01
    )


def test_the_shots_of_a_film_are_found_written_and_read_back(reel, tmp_path):
    found = shots.find(reel, FilmOptions())
    assert [(shot.start, shot.end, shot.keyframe) for shot in found] == [(0, 0.4, 0.2), (0.4, 0.8, 0.6), (0.8, None, 1)]
    shots.write(tmp_path / "shots.csv", found)
    assert (tmp_path / "shots.csv").read_text().splitlines()[:2] == [
        "start,end,keyframe,saturation,model,reference",
        "0.000,0.400,0.200,,,",
    ]
    assert shots.read(tmp_path / "shots.csv") == found


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("start,satuartion\n0,1", r"row 1: unknown column 'satuartion'.*saturation"),
        ("end\n3", "row 1: no column 'start'"),
        ("start,end\n0,1\nx,2", "row 3: could not convert"),
        ("start,end\n0,1\n2,2", "row 3: start 2.0, end 2.0: expected"),
        ("start,end\n0,2\n1,3", "row 3: begins at 1 seconds, before the row above ends"),
        ("start,end\n0,2\n0,3", "row 3: begins"),
        ("start,keyframe\n5,4", "row 2: keyframe 4: expected"),
        ("start,saturation\n0,20", "row 2: saturation 20.0: expected 0 to 10"),
        ("start,every\n0,0", "row 2: expected steady"),
        ("start,reference\n0,nowhere.png", "row 2: .*nowhere"),
        ("start,model\n0,nothing-of-it", "row 2: .*nothing-of-it"),
        ("start\n0,1,2", "row 2: more cells"),
        ("start\n", "no shots"),
    ],
)
def test_errors_name_the_row(tmp_path, table, words):
    path = tmp_path / "shots.csv"
    path.write_text(table)
    with pytest.raises(VideoError, match=words):
        shots.read(path)


def test_what_no_row_names_is_as_the_film(colorizer, tmp_path):
    (tmp_path / "shots.csv").write_text("start,end,saturation\n1,2,0.5\n4,,2\n")
    cast = Cast(tmp_path / "shots.csv", colorizer, FilmOptions(), 0.04)
    asked = [cast.options_of(cast.number(time)).knobs.saturation for time in (0, 0.99, 1.5, 3, 5)]
    assert asked == [1, 0.5, 0.5, 1, 2] and cast.number(0) != cast.number(3)
    assert Cast(None, colorizer, FilmOptions(), 0.04).number(7) == -1


def chroma(path) -> np.ndarray:
    return np.array([np.mean([np.abs(plane.astype(float) - 128).mean() for plane in frame[3]]) for frame in read(path)])


def test_settings_hold_for_their_shot_alone(checkpoint, colorizer, reel, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "tiny.safetensors")
    table = tmp_path / "shots.csv"
    film.colorize(reel, tmp_path / "plain.mkv", colorizer, FilmOptions(quality="lossless", shots=table))
    assert len(shots.read(table)) == 3, "written, and used"
    table.write_text(f"start,saturation,model,every\n0,,,\n0.4,0,,\n0.8,,{tmp_path / 'tiny.safetensors'},4\n")
    options = FilmOptions(quality="lossless", shots=table)
    film.colorize(reel, tmp_path / "set.mkv", colorizer, options)
    plain, asked = chroma(tmp_path / "plain.mkv"), chroma(tmp_path / "set.mkv")
    assert (asked[10:20] == 0).all() and np.array_equal(plain[:10], asked[:10]) and (plain > 1).all()
    assert np.abs(plain[20:] - asked[20:]).max() < 0.5 * plain[20:].min(), "the same model, asked less often"


def test_a_shot_may_have_references_of_its_own(colorizer, tmp_path):
    detailed(3).save(tmp_path / "coat.png")
    detailed(4).save(tmp_path / "sky.png")
    (tmp_path / "shots.csv").write_text("start,reference\n0,\n1,coat.png; sky.png\n")
    cast = Cast(tmp_path / "shots.csv", colorizer, FilmOptions(), 0.04)
    before = cast.digest
    assert [len(cast.options_of(number).knobs.references) for number in (0, 1)] == [0, 2]
    detailed(5).save(tmp_path / "sky.png")
    assert Cast(tmp_path / "shots.csv", colorizer, FilmOptions(), 0.04).digest != before


def test_the_keyframes_of_a_table_are_exported(colorizer, reel, tmp_path):
    (tmp_path / "shots.csv").write_text("start,keyframe\n0,0.2\n0.4,\n0.8,1\n")
    found = stills.export_keyframes(reel, tmp_path / "keys", colorizer, FilmOptions(shots=tmp_path / "shots.csv"))
    assert [path.name for path in found] == ["000000.200s.png", "000001.000s.png"]


def test_a_table_that_cannot_be_is_refused_before_the_start(colorizer, reel, tmp_path):
    (tmp_path / "shots.csv").write_text("start\n-1\n")
    with pytest.raises(VideoError, match="row 2"):
        job.check(reel, tmp_path / "out.mkv", FilmOptions(shots=tmp_path / "shots.csv"))


def test_a_shot_without_settings_is_equal_to_itself():
    assert Shot(0.0) == Shot(0.0, None, None, {})
