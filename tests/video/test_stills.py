"""Single frames: to look at first, to correct and give back."""

import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.pictures.provenance import stated
from colorify.video import film, stills
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make


def test_exported_keyframes_are_found_again(colorizer, tmp_path):
    source, folder = make(tmp_path / "in.mkv"), tmp_path / "keys"
    (first, *_) = written = stills.export_keyframes(source, folder, colorizer)
    assert stated(pictures.read(first).metadata.xmp)["AISystemUsed"] == f"colorify {colorizer.signature}"
    assert first.name == "000000.000s.png" and sorted(folder.iterdir()) == written
    with Image.open(first) as picture:
        assert picture.size == (96, 64)
    with pytest.raises(VideoError, match="exists already"):
        stills.export_keyframes(source, folder, colorizer)
    done = film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(keyframes=folder, every=1000))
    assert done.looked < 30


def test_the_preview_shows_six_moments_gray_and_in_colour(colorizer, tmp_path):
    sheet = stills.preview(make(tmp_path / "in.mkv"), colorizer)
    assert sheet.width > 2 * 96 and sheet.height > 6 * 64
    pixels = np.asarray(sheet).astype(int)
    assert np.ptp(pixels[30:90, 8:96], axis=-1).max() <= 2 < np.ptp(pixels[30:90, 110:190], axis=-1).max()


def test_keyframes_of_a_stretch_and_of_a_table(colorizer, tmp_path):
    """Only those of the stretch; with a table of shots those that it names."""
    source, table = make(tmp_path / "in.mkv"), tmp_path / "shots.csv"
    table.write_text("start,end,keyframe\n0,0.5,0.2\n0.5,,0.8\n")
    for options, names in (
        (FilmOptions(shots=table), ["000000.20", "000000.80"]),
        (FilmOptions(shots=table, end=0.6), ["000000.20"]),
        (FilmOptions(shots=table, start=0.4), ["000000.80"]),
    ):
        folder = tmp_path / f"{options.start} {options.end}"
        written = stills.export_keyframes(source, folder, colorizer, options)
        assert [path.name[:9] for path in written] == names  # to a hundredth: Matroska rounds


def test_a_still_behind_the_end_is_an_error(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    picture, time = stills.still(source, 0.5)
    assert picture.size == (96, 64) and time == pytest.approx(0.5, abs=0.05)
    with pytest.raises(VideoError, match="no frame at 99 seconds or later"):
        stills.still(source, 99)
