"""Corrected frames of a film: they govern their shots, and nothing else."""

from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from colorify.color import lab_to_rgb
from colorify.hints import Hint
from colorify.knobs import Knobs
from colorify.video.corrections import Corrections, Spool
from colorify.video.formats import VideoError
from colorify.video.keyframes import Key, Keyframes
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


def test_a_hint_makes_a_key_of_its_frame_and_follows_the_flow(tmp_path, frames):
    """The pan of the third shot carries the place of the hint with it."""
    size = frames[0].luma.shape[::-1]
    hint = Hint(size[0] * 0.5, size[1] * 0.5, (40.0, -30.0), frame=25)
    found = Corrections(ahead(frames), Keyframes(None, 1 / 25, hints=[hint], size=size), tmp_path)
    gray = np.zeros((*size[::-1], 2), np.float32)
    shown = [found(frame, (gray,))[0] for frame in frames]
    found.close()
    middle = size[1] // 2, size[0] // 2
    assert np.abs(shown[25][middle] - (40, -30)).max() < 3
    assert all(np.abs(ab).max() == 0 for ab in shown[:20])
    assert all(ab[..., 0].max() > 25 and np.abs(ab).mean() < 35 for ab in shown[20:])


def test_hints_lie_over_the_picture_of_their_frame(tmp_path, frames):
    size = frames[0].luma.shape[::-1]
    keyed(tmp_path / "keys", frames, [15])
    gray = np.zeros((*size[::-1], 2), np.float32)
    for asked in ([AB.tolist()], [(-30, 30), (0, 0)]):
        hints = [Hint(60 - 40 * n, 40, tuple(ab), time=0.6 + 0.004 * n) for n, ab in enumerate(asked)]
        keys = Keyframes(tmp_path / "keys", 1 / 25, hints=hints, size=size)
        found = Corrections(ahead(frames), keys, tmp_path)
        ab = [found(frame, (gray,))[0] for frame in frames[:16]][15]
        found.close()
        assert all(np.abs(ab[40, int(hint.x)] - hint.ab).max() < 3 for hint in hints)
        assert (np.abs(ab - AB).mean() < 2) == (len(asked) == 1), "what it has already, a hint does not change"


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_places_of_hints_are_those_of_the_upright_film(turns):
    luma = np.full((40, 60), 50, np.float32)
    size = luma.shape[::-1] if turns % 2 == 0 else luma.shape
    key = Key(hints=(Hint(3, 5, (40.0, 0.0)),))
    ab = np.rot90(key.ab(luma, np.zeros((40, 60, 2), np.float32), size, turns), turns)
    assert np.unravel_index(ab[..., 0].argmax(), ab.shape[:2]) == (5, 3)
