"""Finished parts belong to one job."""

import pytest

from colorify.knobs import Knobs
from colorify.video import film
from colorify.video.film import FilmOptions
from video.test_film import make, read


def test_parts_of_another_job_are_not_taken(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 32)
    source, out = make(tmp_path / "in.mkv", frames=60), tmp_path / "out.mkv"

    def stop(now: film.FilmProgress) -> None:
        if now.frames == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film.colorize(source, out, colorizer, FilmOptions(quality="lossless"), stop)
    told = []
    film.colorize(source, out, colorizer, FilmOptions(knobs=Knobs(saturation=0.0), quality="lossless"), told.append)
    assert told[0].frames == 1 and all((plane == 128).all() for frame in read(out) for plane in frame[3])
