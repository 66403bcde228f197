"""Single frames: to look at first, to correct and give back."""

import numpy as np
import pytest
from PIL import Image

from colorify.video import film, stills
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make


def test_exported_keyframes_are_found_again(colorizer, tmp_path):
    source, folder = make(tmp_path / "in.mkv"), tmp_path / "keys"
    (first, *_) = written = stills.export_keyframes(source, folder, colorizer)
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
