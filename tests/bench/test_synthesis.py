"""The synthesized sounds are what their names say: measured on the samples, not on how they were made."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.bench.synthesis import (
    REVERSING,
    TEMPORAL_FOUR,
    TEMPORAL_THREE,
    Cadence,
    Generator,
    Note,
    arpeggio,
    at_level,
    cadenced,
    digital_alarm_clock,
    doorbell,
    gate,
    looped,
    low_battery_chirps,
    microwave_beeps,
    mix,
    phone_ring,
    pink_noise,
    reverberate,
    reversing_truck,
    room_impulse_response,
    scale,
    silence,
    struck,
    tone,
    white_noise,
)
from listener.types import SAMPLE_RATE_HZ, Samples

RANDOM: list[Callable[[Generator, float], Samples]] = [
    white_noise,
    pink_noise,
    doorbell,
    microwave_beeps,
    phone_ring,
    reversing_truck,
    digital_alarm_clock,
    scale,
    arpeggio,
]


def spans(sound: Samples) -> list[tuple[float, float]]:
    """(start, end) in s of whatever is louder than -20 dB of the peak; gaps of less than 20 ms belong to it."""
    (loud,) = np.nonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
    cuts = np.flatnonzero(np.diff(loud) > 0.02 * SAMPLE_RATE_HZ)
    first, last = loud[np.r_[0, cuts + 1]], loud[np.r_[cuts, len(loud) - 1]]
    return list(zip((first / SAMPLE_RATE_HZ).tolist(), (last / SAMPLE_RATE_HZ).tolist(), strict=True))


def strongest_hz(sound: Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * SAMPLE_RATE_HZ / len(sound))


def rms(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))


@pytest.mark.parametrize("make", RANDOM, ids=lambda make: make.__name__)
def test_a_seed_names_a_sound_exactly(make: Callable[[Generator, float], Samples]) -> None:
    first, again, other = (make(np.random.default_rng(seed), 5.3) for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert first.shape == (84_800,)
    assert np.isfinite(first).all()
    assert np.abs(first).max() > 0.1
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("cadence", "beeps"),
    [
        (TEMPORAL_THREE, [(0, 0.5), (1, 1.5), (2, 2.5), (4, 4.5), (5, 5.5), (6, 6.5)]),  # ISO 8201: cycles of 4 s
        (TEMPORAL_FOUR, [(0, 0.1), (0.2, 0.3), (0.4, 0.5), (0.6, 0.7), (5.7, 5.8), (5.9, 6.0), (6.1, 6.2), (6.3, 6.4)]),
        (REVERSING, [(n, n + 0.5) for n in range(7)]),
    ],
)
def test_the_codes_are_those_of_the_standards(cadence: Cadence, beeps: list[tuple[float, float]]) -> None:
    sound = cadenced(cadence, 7.0, 3_100.0)
    assert np.ravel(spans(sound)) == pytest.approx(np.ravel(beeps), abs=0.005)
    assert strongest_hz(sound) == pytest.approx(3_100.0, abs=2.0)


def test_a_slower_alarm_is_slower_in_all_its_parts() -> None:
    slow = TEMPORAL_THREE.scaled(1.1)
    assert slow.cycle_seconds == pytest.approx(4.4)
    assert spans(cadenced(slow, 4.4, 520.0))[1] == pytest.approx((1.1, 1.65), abs=0.005)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.3))
def test_jitter_moves_each_duration_on_its_own_and_within_its_bounds(seed: int, spread: float) -> None:
    jittered = np.array(TEMPORAL_THREE.jittered(np.random.default_rng(seed), spread).steps)
    ratio = jittered / np.array(TEMPORAL_THREE.steps)
    assert (np.abs(ratio - 1) <= spread + 1e-9).all()


@settings(deadline=None)
@given(st.floats(-10.0, 10.0), st.floats(0.5, 10.0))
def test_beeps_stay_within_the_sound_wherever_a_cycle_begins(start_seconds: float, seconds: float) -> None:
    beeps = list(TEMPORAL_THREE.beeps(seconds, start_seconds))
    assert all(0 <= start < end <= seconds for start, end in beeps)
    assert all(end <= start for (_, end), (start, _) in pairwise(beeps))


def test_a_square_wave_has_odd_harmonics_and_no_aliases() -> None:
    spectrum = np.abs(np.fft.rfft(tone(1.0, 1_000.0, "square"))) / 8_000
    assert spectrum[[1_000, 3_000, 5_000, 7_000]] == pytest.approx(4 / np.pi / np.array([1, 3, 5, 7]), rel=0.01)
    spectrum[[1_000, 3_000, 5_000, 7_000]] = 0
    assert spectrum.max() < 1e-3


def test_beeps_do_not_click() -> None:
    envelope = gate(1.0, [(0.2, 0.4)])
    assert np.abs(np.diff(envelope)).max() < 0.06
    assert (envelope.min(), envelope.max()) == (0.0, 1.0)


def test_chirps_come_once_a_period() -> None:
    found = spans(low_battery_chirps(90.0, every_seconds=40.0))
    assert np.ravel(found) == pytest.approx([1.0, 1.1, 41.0, 41.1, 81.0, 81.1], abs=0.005)


def test_pink_noise_has_as_much_power_in_each_octave() -> None:
    noise = pink_noise(np.random.default_rng(1), 30.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves_db = [10 * np.log10(power[30 * low : 60 * low].sum()) for low in (62, 125, 250, 500, 1_000, 2_000, 3_900)]
    assert np.ptp(octaves_db) < 1.0
    assert rms(noise) == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("rt60_seconds", [0.2, 0.4, 0.8])
def test_a_room_decays_by_sixty_decibels_in_its_reverberation_time(rt60_seconds: float) -> None:
    """Measured as ISO 3382-1 does: the slope of the backward-integrated energy, here from -5 to -25 dB."""
    response = room_impulse_response(np.random.default_rng(1), rt60_seconds, direct_to_reverberant_db=-20.0)
    energy_db = 10 * np.log10(np.cumsum(response[::-1].astype(np.float64) ** 2)[::-1])
    begin, end = (int(np.argmax(energy_db < energy_db[0] - db)) for db in (5, 25))
    assert 3 * (end - begin) / SAMPLE_RATE_HZ == pytest.approx(rt60_seconds, rel=0.1)
    assert np.sum(response**2) == pytest.approx(1.0, abs=1e-5)


def test_the_direct_sound_is_as_strong_as_asked() -> None:
    response = room_impulse_response(np.random.default_rng(1), 0.5, direct_to_reverberant_db=6.0)
    energy = response.astype(np.float64) ** 2
    assert 10 * np.log10(energy[0] / energy[1:].sum()) == pytest.approx(6.0, abs=0.01)


def test_reverberation_is_a_convolution() -> None:
    rng = np.random.default_rng(1)
    sound, response = white_noise(rng, 0.1), room_impulse_response(rng, 0.05)
    np.testing.assert_allclose(reverberate(sound, response), np.convolve(sound, response)[: len(sound)], atol=1e-4)


@settings(deadline=None)
@given(st.floats(-20.0, 40.0))
def test_a_mixture_has_the_ratio_that_was_asked_for(snr_db: float) -> None:
    sound, noise = tone(0.5, 1_000.0), pink_noise(np.random.default_rng(1), 0.5)
    assert 20 * np.log10(rms(sound) / rms(mix(sound, noise, snr_db) - sound)) == pytest.approx(snr_db, abs=0.2)


def test_only_where_it_sounds_counts_for_its_power() -> None:
    sound = np.concatenate([tone(0.1, 1_000.0), silence(0.9)])
    noise = white_noise(np.random.default_rng(1), 1.0)
    added = mix(sound, noise, 0.0, np.abs(sound) > 0) - sound
    assert rms(added) == pytest.approx(rms(tone(0.1, 1_000.0)), rel=0.05)


def test_silence_cannot_be_mixed_to_a_ratio_and_stays() -> None:
    noise = white_noise(np.random.default_rng(1), 0.1)
    np.testing.assert_array_equal(mix(silence(0.1), noise, 10.0), noise)
    np.testing.assert_array_equal(mix(noise, silence(0.1), 10.0), noise)
    np.testing.assert_array_equal(mix(noise, noise, 10.0, np.zeros(1_600, np.bool_)), 2 * noise)


def test_levels_are_of_the_largest_sample_and_clip_at_full_scale() -> None:
    sound = tone(0.1, 441.0)
    assert np.abs(at_level(sound, -6.0)).max() == pytest.approx(10 ** (-6 / 20), rel=1e-4)
    assert np.abs(at_level(sound, 6.0)).max() == 1.0
    assert not at_level(silence(0.1), -6.0).any()
    assert len(at_level(silence(0.0), -6.0)) == 0


def test_a_loop_goes_on() -> None:
    sound = white_noise(np.random.default_rng(1), 0.1)
    np.testing.assert_array_equal(looped(sound, 0.25), np.concatenate([sound, sound, sound[:800]]))


def test_a_struck_note_rings_out() -> None:
    sound = struck(2.0, [Note(0.5, 600.0, ring_seconds=1.0), Note(3.0, 600.0, 1.0)])
    assert not sound[:8_000].any()
    early, late = sound[8_100:9_700], sound[19_200:20_800]  # 0.69 s apart: 42 dB
    assert 20 * np.log10(rms(early) / rms(late)) == pytest.approx(41.6, abs=1.0)
    assert strongest_hz(early) == pytest.approx(600.0, abs=10.0)


def test_a_reversing_truck_begins_anywhere_in_its_beat() -> None:
    for seed in range(5):
        lengths = [end - start for start, end in spans(reversing_truck(np.random.default_rng(seed), 10.0))[1:-1]]
        assert lengths == pytest.approx([0.5] * len(lengths), abs=0.01)


def test_a_microwave_is_done_once() -> None:
    for seed in range(5):
        beeps = spans(microwave_beeps(np.random.default_rng(seed), 30.0))
        assert 3 <= len(beeps) <= 5
        assert beeps[-1][1] < 11.0
