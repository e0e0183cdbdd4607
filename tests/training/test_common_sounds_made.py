"""Common sounds as they are made for taught sounds."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from listener.perceive.sounds.common_sounds import common_sounds
from training.common_sounds import PART_ALIKE, limit_alike, texture, twice


def test_textures_are_sound_and_no_two_are_the_same() -> None:
    made = [texture(np.random.default_rng(seed), 1.0) for seed in range(8)]
    assert all(np.isfinite(one).all() and np.abs(one).max() == 1.0 for one in made)
    assert len({one.tobytes() for one in made}) == 8


def test_a_sound_that_is_recorded_twice_is_itself_over_other_noise() -> None:
    rng = np.random.default_rng(1)
    sound = np.sin(np.arange(32_000) * 0.3).astype(np.float32)
    one, other = twice(rng, sound)
    assert len(one) == len(other) > len(sound)
    quiet, loud = slice(0, 8_000), slice(24_000, 40_000)
    assert np.corrcoef(one[loud], other[loud])[0, 1] > 0.8
    assert abs(np.corrcoef(one[quiet], other[quiet])[0, 1]) < 0.2


def test_as_many_pairs_as_asked_for_are_more_alike_than_the_limit() -> None:
    rng = np.random.default_rng(2)
    common = common_sounds(rng.standard_normal((300, 16)).astype(np.float32), "n", 0.0)
    where = rng.standard_normal((50, 16)) * 3
    pairs = [tuple((w + 0.5 * rng.standard_normal((12, 16))).astype(np.float32) for _ in range(2)) for w in where]
    limit = limit_alike(common, pairs)
    reached = [float((common.space(other) @ common.space(one).T).max(axis=1).mean()) for one, other in pairs]
    assert np.mean(np.array(reached) >= limit) >= PART_ALIKE - 0.05
    assert limit > 0.5
