"""Common sounds as they are made for taught sounds, and how alike a sound is to itself."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from training.alike import limit_alike
from training.common_sounds import recorded, texture
from training.trunk import FEATURES


def test_textures_are_sound_and_no_two_are_the_same() -> None:
    made = [texture(np.random.default_rng(seed), 1.0) for seed in range(8)]
    assert all(np.isfinite(one).all() and np.abs(one).max() == 1.0 for one in made)
    assert len({one.tobytes() for one in made}) == 8


def test_a_sound_is_recorded_over_noise_at_some_level() -> None:
    sound = np.sin(np.arange(32_000) * 0.3).astype(np.float32)
    one, other = (recorded(np.random.default_rng(seed), sound) for seed in (1, 2))
    assert len(one) == len(other) > len(sound)
    assert np.isfinite(one).all()
    assert 0.01 < np.abs(one).max() <= 1.0
    assert np.abs(one[:8_000]).max() > 0
    assert not np.array_equal(one, other)


def test_most_recordings_of_a_label_are_less_alike_than_the_limit(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    clips, chunks = 24, 6
    n = np.arange(clips * 2 * 2 * chunks)
    what = np.column_stack([n // (4 * chunks), n // (2 * chunks) % 2, n % chunks]).astype(np.int32)
    for part in range(3):
        sounds, moments = rng.standard_normal((clips, FEATURES)), 0.5 * rng.standard_normal((chunks, FEATURES))
        sounds[3] = sounds[0]  # two recordings of one sound: fewer than may be too near
        features = sounds[what[:, 0]] + moments[what[:, 2]] + 0.3 * rng.standard_normal((len(n), FEATURES))
        np.save(tmp_path / f"again-{part}-features.npy", features.astype(np.float16))
        np.save(tmp_path / f"again-{part}-what.npy", what)
        np.save(tmp_path / f"again-{part}-labels.npy", np.array(["rain", "door", ""] * 8))
    limit = limit_alike(tmp_path)
    assert 0.0 < limit < 0.6
