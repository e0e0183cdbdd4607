"""Chunks are exact: however the input is cut, over hours, in any format."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.chunks import Chunker
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ

RATES = [4_000, 8_000, 11_025, 16_000, 22_050, 44_099, 44_100, 48_000, 192_000, 384_000]


def cut(frames: np.ndarray, rate: int, cuts: list[int]) -> tuple[list[np.ndarray], Chunker]:
    chunker = Chunker(rate, frames.shape[1])
    out = []
    for start, end in itertools.pairwise([0, *sorted(cuts), len(frames)]):
        out += chunker.push(frames[start:end])
    return out + chunker.flush(), chunker


def noise(seconds: float, rate: int, channels: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (round(seconds * rate), channels)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(RATES), st.integers(1, 9))
def test_any_cutting_gives_the_same_chunks_bit_for_bit(data: st.DataObject, rate: int, channels: int) -> None:
    frames = noise(0.9, rate, channels, seed=data.draw(st.integers(0, 9)))
    frames[0] = np.nan
    cuts = data.draw(st.lists(st.integers(0, len(frames)), max_size=12))
    at_once, _ = cut(frames, rate, [])
    in_pieces, _ = cut(frames, rate, cuts)
    assert np.array_equal(np.array(at_once), np.array(in_pieces))


@given(st.sampled_from(RATES), st.integers(0, 30_000))
@settings(deadline=None)
def test_the_length_is_that_of_the_input_within_one_sample(rate: int, length: int) -> None:
    chunks, chunker = cut(noise(1, 30_000, 1)[:length], rate, [])
    assert abs(chunker.samples_out - round(length * SAMPLE_RATE_HZ / rate)) <= 1
    assert len(chunks) == -(-chunker.samples_out // CHUNK_SAMPLES)
    assert all(chunk.shape == (CHUNK_SAMPLES,) and chunk.dtype == np.float32 for chunk in chunks)


@pytest.mark.parametrize(("rate", "hours"), [(11_025, 1), (44_100, 2), (48_000, 1)])
def test_no_drift_over_hours(rate: int, hours: int) -> None:
    """A sound that repeats every second gives five chunks that repeat every two, after hours as at the start."""
    second = (0.5 * np.sin(2 * np.pi * 1_003 * np.arange(rate) / rate)).astype(np.float32)[:, None]
    chunker = Chunker(rate, 1)
    expected: list[np.ndarray] = []
    count = 0
    for _ in range(hours * 3_600 // 10):
        for chunk in chunker.push(np.tile(second, (10, 1))):
            if 5 <= count < 10:
                expected.append(chunk)
            elif count >= 10:
                assert np.abs(chunk - expected[count % 5]).max() < 1e-6
            count += 1
    count += len(chunker.flush())
    assert count == hours * 3_600 * SAMPLE_RATE_HZ // CHUNK_SAMPLES


def test_at_16_khz_nothing_is_changed() -> None:
    frames = noise(1, SAMPLE_RATE_HZ, 1)
    chunks, _ = cut(frames, SAMPLE_RATE_HZ, [1, 7, 9_000])
    assert np.array_equal(np.concatenate(chunks)[: len(frames)], frames[:, 0])
    assert not np.concatenate(chunks)[len(frames) :].any()


def test_a_tone_keeps_its_frequency_and_level() -> None:
    t = np.arange(48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 3_100 * t)).astype(np.float32)[:, None]
    sound = np.concatenate(cut(np.repeat(tone, 2, axis=1), 48_000, [])[0])[:16_000]
    t = np.arange(16_000) / 16_000
    middle = slice(2_000, 14_000)
    assert np.abs(sound - 0.5 * np.sin(2 * np.pi * 3_100 * t))[middle].max() < 1e-3


def test_what_16_khz_cannot_hold_is_filtered_out() -> None:
    t = np.arange(48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 11_000 * t)).astype(np.float32)[:, None]  # would fold to 5 kHz
    sound = np.concatenate(cut(tone, 48_000, [])[0])[:16_000]
    assert np.abs(sound[2_000:14_000]).max() < 1e-4


def test_channels_are_mixed_as_their_mean() -> None:
    frames = noise(0.4, SAMPLE_RATE_HZ, 7)
    (chunk,) = Chunker(SAMPLE_RATE_HZ, 7).push(frames)
    assert np.allclose(chunk, frames.mean(axis=1, dtype=np.float64), atol=1e-6)
    (other_layout,) = Chunker(SAMPLE_RATE_HZ, 7).push(np.asfortranarray(frames))
    assert np.array_equal(chunk, other_layout)


@pytest.mark.parametrize(
    ("dtype", "full", "zero"),
    [(np.uint8, 0, 128), (np.int16, -(2**15), 0), (np.int32, -(2**31), 0), (np.float64, -1.0, 0.0)],
)
def test_every_sample_format_is_scaled_to_one(dtype: type, full: float, zero: float) -> None:
    frames = np.full((CHUNK_SAMPLES, 1), zero, dtype)
    frames[0] = full
    (chunk,) = Chunker(SAMPLE_RATE_HZ, 1).push(frames)
    assert chunk[0] == -1.0
    assert not chunk[1:].any()


def test_what_is_no_number_or_too_large_is_repaired_and_counted() -> None:
    frames = np.zeros((CHUNK_SAMPLES, 2), np.float32)
    frames[:4, 0] = [np.nan, np.inf, -np.inf, 3.0]
    chunker = Chunker(SAMPLE_RATE_HZ, 2)
    before = frames.copy()
    (chunk,) = chunker.push(frames)
    assert (chunker.non_finite, chunker.clamped) == (3, 1)
    assert chunk[:4].tolist() == [0, 0, 0, 0.5]
    assert "3 samples were no finite numbers" in chunker.damage
    assert np.array_equal(frames, before, equal_nan=True), "the caller's frames are the caller's"


def test_the_overshoot_of_the_resampler_stays_in_range_and_is_not_counted() -> None:
    square = np.sign(np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 48_000 + 0.1)).astype(np.float32)[:, None]
    chunks, chunker = cut(square, 48_000, [])
    assert np.abs(np.concatenate(chunks)).max() == 1.0
    assert chunker.damage == ""


def test_nothing_in_nothing_out() -> None:
    chunker = Chunker(44_100, 1)
    assert chunker.push(np.zeros((0, 1), np.float32)) == []
    assert chunker.flush() == []


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (-1, 1), (4_000_000_000, 1), (16_000, 0), (16_000, 65_535)])
def test_impossible_rates_and_channel_counts_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match=r"outside 1"):
        Chunker(rate, channels)


def test_frames_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="where"):
        Chunker(16_000, 2).push(np.zeros((10, 3), np.float32))
