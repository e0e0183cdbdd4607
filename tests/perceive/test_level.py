"""Level and clipping."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.perceive.level import SILENCE_DBFS, is_clipping, level_dbfs
from listener.types import CHUNK_SAMPLES, Samples


def sine(amplitude: float) -> Samples:
    return (amplitude * np.sin(2 * np.pi * 1_000 * np.arange(CHUNK_SAMPLES) / 16_000)).astype(np.float32)


@given(st.floats(-100.0, 0.0))
def test_a_sine_measures_3_db_below_its_peak(peak_dbfs: float) -> None:
    assert level_dbfs(sine(10 ** (peak_dbfs / 20))) == pytest.approx(peak_dbfs - 3.01, abs=0.01)


def test_silence_is_the_floor() -> None:
    assert level_dbfs(np.zeros(CHUNK_SAMPLES, np.float32)) == SILENCE_DBFS
    assert level_dbfs(np.full(CHUNK_SAMPLES, 1e-9, np.float32)) == SILENCE_DBFS


def test_a_square_wave_is_full_scale() -> None:
    square = np.sign(sine(1.0) + 0.01)
    assert math.isclose(level_dbfs(square.astype(np.float32)), 0.0, abs_tol=1e-6)


@pytest.mark.parametrize(("clipped", "expected"), [(0, False), (15, False), (16, True)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_millisecond_at_full_scale_is_clipping(clipped: int, sign: float, expected: bool) -> None:
    samples = sine(0.5)
    samples[:clipped] = sign
    assert is_clipping(samples) is expected
