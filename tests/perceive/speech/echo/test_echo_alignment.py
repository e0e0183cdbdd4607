"""Where what we play begins to be heard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perceive.speech.echo.speakers import babble, faint_noise, in_the_room

from listener.perceive.speech.echo.alignment import locate

SOUND = babble(2.0)


@settings(max_examples=25, deadline=None)
@given(at=st.integers(0, 18_000), rt60_seconds=st.sampled_from([0.2, 0.4, 0.8]))
def test_it_is_found_to_the_sample_in_a_room_that_echoes(at: int, rt60_seconds: float) -> None:
    track = np.concatenate((np.zeros(at, np.float32), SOUND))[:25_600]
    track = np.pad(track, (0, 25_600 - len(track)))
    heard = in_the_room(track, 0.0, rt60_seconds=rt60_seconds) + faint_noise(25_600)
    assert locate(heard, SOUND, 0, 25_600) == at


def test_what_began_before_is_found_before() -> None:
    assert locate(SOUND[9_000:25_000] + faint_noise(16_000), SOUND, -20_000, 16_000) == -9_000


@pytest.mark.parametrize("seed", range(8))
def test_somebody_else_is_not_taken_for_us(seed: int) -> None:
    assert locate(babble(1.6, seed=50 + seed), SOUND, 0, 25_600) is None
    assert locate(faint_noise(25_600, seed=1_000 + seed), SOUND, 0, 25_600) is None


@pytest.mark.parametrize(("heard", "played"), [(0, 0), (100, 32_000), (25_600, 100)])
def test_too_little_says_nothing(heard: int, played: int) -> None:
    assert locate(faint_noise(heard), SOUND[:played], 0, heard) is None


def test_silence_is_nowhere() -> None:
    silence = np.zeros(25_600, np.float32)
    assert locate(silence, SOUND, 0, 25_600) is None
    assert locate(SOUND[:25_600], silence, 0, 25_600) is None


def test_nowhere_to_look_is_nowhere() -> None:
    assert locate(SOUND, SOUND, 5, 4) is None
