"""What the network learns from, as the scripts make it: sounds of our own, fades, rooms and codecs."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from listener.types import Samples
from training.examples import active_frames, both, faded
from training.made_sounds import DECOYS, MADE
from training.rooms import heard_in_a_room, through_a_codec


def test_two_sounds_at_once() -> None:
    first, second = np.array([1, 0, np.nan, 1], np.float32), np.array([0, 0, 0, np.nan], np.float32)
    np.testing.assert_array_equal(both(first, second), [1, 0, np.nan, 1])


def test_active_frames_are_the_loud_ones() -> None:
    sound = np.full(1_600, 1e-4, np.float32)
    sound[480:800] = 0.5
    assert np.flatnonzero(active_frames(sound)).tolist() == [3, 4]


def test_what_fades_is_there_as_long_as_it_can_be_heard() -> None:
    noise = np.random.default_rng(0).standard_normal(38_400).astype(np.float32)
    kinds = set()
    for seed in range(50):
        sound, active = faded(np.random.default_rng(seed), noise, np.ones(240, np.bool_))
        rms_db = 10 * np.log10(np.mean(sound.reshape(240, 160) ** 2, axis=1) + 1e-12)
        assert (sound.dtype, sound.shape) == (np.float32, noise.shape)
        assert (rms_db[active] > -26 - 6).all()  # a frame of noise is as loud as the others within some dB
        assert (rms_db[~active] < -26 + 6).all()
        assert np.count_nonzero(np.diff(active.astype(int))) <= 1, "it comes or goes, once"
        kinds.add((bool(active[0]), bool(active[-1])))
    assert {(True, False), (False, True)} <= kinds


@pytest.mark.parametrize("makers", [*MADE.values(), DECOYS], ids=[*MADE, "decoys"])
def test_what_is_made_is_sound(makers: tuple[Callable[[np.random.Generator], Samples], ...]) -> None:
    for make in makers:
        for seed in range(20):
            sound, again = (make(np.random.default_rng(seed)) for _ in range(2))
            assert sound.dtype == np.float32
            assert np.isfinite(sound).all()
            assert np.abs(sound).max() > 0.01
            np.testing.assert_array_equal(sound, again)


def test_rooms_and_codecs_keep_the_length() -> None:
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal(38_400)).astype(np.float32)
    for change in (heard_in_a_room, through_a_codec):
        heard = change(rng, sound)
        assert (len(heard), heard.dtype) == (len(sound), np.float32)
        assert np.isfinite(heard).all()
