"""Corrected frames of a film: they govern their shots, and nothing else."""

from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from colorify.color import lab_to_rgb
from colorify.knobs import Knobs
from colorify.video.corrections import Corrections, Spool
from colorify.video.formats import VideoError
from colorify.video.keyframes import Keyframes
from video.conftest import detailed, reel_of

AB = np.float32([20, -25])


class Plain:
    """A painter whose network says gray."""

    turns, knobs = 0, Knobs()

    def moments(self, frame: SimpleNamespace) -> list[np.ndarray]:
        return [frame.luma]

    def predict(self, luma: np.ndarray) -> np.ndarray:
        return np.zeros((*luma.shape, 2), np.float32)


@pytest.fixture(scope="module")
def frames() -> list[SimpleNamespace]:
    lumas = reel_of([detailed(n) for n in range(3)], 10).lab[..., 0]
    return [SimpleNamespace(pts=number, luma=luma) for number, luma in enumerate(lumas)]


def ahead(frames: list[SimpleNamespace], cuts: tuple[int, ...] = ()) -> Iterator[tuple]:
    for frame in frames:
        yield frame, frame.pts / 25, (sum(frame.pts >= cut for cut in cuts) if cuts else -1), Plain()


def keyed(folder, frames, numbers, colors=AB) -> Keyframes:
    folder.mkdir()
    for number, color in zip(numbers, np.broadcast_to(colors, (len(numbers), 2)), strict=True):
        lab = np.dstack((frames[number].luma, np.broadcast_to(color, (*frames[number].luma.shape, 2))))
        rgb = Image.fromarray(np.rint(lab_to_rgb(lab.astype(np.float32)).clip(0, 1) * 255).astype(np.uint8))
        rgb.save(folder / f"{number}.png")
    return Keyframes(folder, 1 / 25)


def means(corrections: Corrections, frames: list[SimpleNamespace]) -> np.ndarray:
    """Mean ab of each frame, whose network says gray."""
    gray = np.zeros((*frames[0].luma.shape, 2), np.float32)
    found = [corrections(frame, (gray,))[0].mean((0, 1)) for frame in frames]
    corrections.close()
    return np.stack(found)


def test_a_key_governs_all_its_shot_and_nothing_beyond(tmp_path, frames):
    keys = keyed(tmp_path / "keys", frames, [15])
    found = means(Corrections(ahead(frames), keys, tmp_path), frames)
    assert np.abs(found[10:20] - found[15]).max() < 3 and np.abs(found[15] - AB).max() < 5
    assert (found[:10] == 0).all() and (found[20:] == 0).all()


def test_several_keys_share_a_shot_by_nearness(tmp_path, frames):
    keys = keyed(tmp_path / "keys", frames, [12, 18], [(20, 0), (0, 20)])
    found = means(Corrections(ahead(frames), keys, tmp_path), frames)
    ab = found[10:20]
    assert np.abs(ab[:3] - ab[2]).max() < 2 and np.abs(ab[8:] - ab[8]).max() < 2
    assert (np.diff(ab[2:9, 0]) < -1).all() and (np.diff(ab[2:9, 1]) > 1).all()


def test_the_cuts_of_a_table_count_instead(tmp_path, frames):
    keys = keyed(tmp_path / "keys", frames, [15])
    found = means(Corrections(ahead(frames, (0, 14, 17)), keys, tmp_path), frames)
    assert (found[:14] == 0).all() and (found[17:] == 0).all() and (np.abs(found[14:17] - AB) < 5).all()


def test_reading_again_from_the_place_gives_the_same(tmp_path, frames):
    keys = keyed(tmp_path / "keys", frames, [15])
    whole = Corrections(ahead(frames), keys, tmp_path)
    gray = np.zeros((*frames[0].luma.shape, 2), np.float32)
    before = [whole(frame, (gray,))[0] for frame in frames[:14]]
    pts, number = whole.place
    after = [whole(frame, (gray,))[0] for frame in frames[14:]]
    whole.close()
    again = Corrections(ahead(frames[pts:]), Keyframes(tmp_path / "keys", 1 / 25), tmp_path, number)
    assert pts == number == 10 and len(before) == 14
    assert all(np.array_equal(again(frame, (gray,))[0], ab) for frame, ab in zip(frames[14:], after, strict=True))
    again.close()


def test_frames_that_come_another_way_the_second_time(tmp_path, frames):
    corrections = Corrections(ahead(frames[:5]), keyed(tmp_path / "keys", frames, [2]), tmp_path)
    with pytest.raises(VideoError, match="other frames"):
        means(corrections, [SimpleNamespace(pts=Fraction(99), luma=frames[0].luma)])


def test_a_spool_holds_arrays_on_disk(tmp_path):
    spool = Spool(tmp_path, (3, 4))
    for number in (0, 1, 2):
        spool[number] = np.full((3, 4), number + 0.5)
    spool[1] = np.zeros((3, 4))
    assert spool.count == 3 and spool[0].max() == 0.5 and spool[1].max() == 0 and spool[2].min() == 2.5
    spool.close()
