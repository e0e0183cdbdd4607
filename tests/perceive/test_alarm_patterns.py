"""Alarms by their pattern: found where they are, and nowhere else. Many more: benchmarks/alarm_patterns.py."""

import pickle

import numpy as np
import pytest
from pattern_ears import hear, in_noise, pulses

from listener.bench.synthesis import (
    REVERSING,
    TEMPORAL_FOUR,
    TEMPORAL_THREE,
    Cadence,
    at_level,
    cadenced,
    pink_noise,
    reverberate,
    room_impulse_response,
    silence,
    tone,
    white_noise,
)
from listener.perceive.sounds.alarm_patterns import AlarmPatterns
from listener.types import CHUNK_SECONDS, SAMPLE_RATE_HZ, Samples

CODES = {"smoke_alarm": (TEMPORAL_THREE, 8.5), "co_alarm": (TEMPORAL_FOUR, 12.5)}
"""The cadence, and within how many seconds of its start it must be found: two cycles."""

bands = pytest.mark.parametrize("frequency_hz", [3_100.0, 520.0])
codes = pytest.mark.parametrize("label", CODES)


def alarm(label: str, frequency_hz: float, timing: float = 1.0, seconds: float = 20.0) -> Samples:
    return cadenced(CODES[label][0].scaled(timing), seconds, frequency_hz)


@codes
@bands
@pytest.mark.parametrize("timing", [0.92, 1.0, 1.08])
@pytest.mark.parametrize("noisy", [False, True], ids=["clean", "10 dB SNR"])
def test_an_alarm_is_found_within_two_cycles(label: str, frequency_hz: float, timing: float, noisy: bool) -> None:
    sound = alarm(label, frequency_hz, timing)
    finds = hear(in_noise(sound) if noisy else at_level(sound, -12.0))
    assert {find.label for find in finds} == {label}
    assert finds[0].t <= CODES[label][1]
    assert 0.0 < finds[0].score <= 1.0


@codes
@bands
@pytest.mark.parametrize("quiet", [1.3, 13.7])
def test_an_alarm_that_starts_in_silence_is_found_with_its_onset(label: str, frequency_hz: float, quiet: float) -> None:
    finds = hear(np.concatenate([silence(quiet), at_level(alarm(label, frequency_hz), -12.0)]))
    assert {find.label for find in finds} == {label}
    assert finds[0].t - quiet <= CODES[label][1]
    assert finds[0].onset == pytest.approx(quiet, abs=0.3)


@codes
@bands
def test_each_further_cycle_is_a_match_again(label: str, frequency_hz: float) -> None:
    cycle = CODES[label][0].cycle_seconds
    finds = hear(in_noise(alarm(label, frequency_hz, seconds=6 * cycle)))
    assert len(finds) == 5, "six cycles, of which the first can only be told with the second"
    assert [find.onset for find in finds] == pytest.approx([n * cycle for n in range(5)], abs=0.3)


@codes
def test_an_alarm_that_stops_is_not_told_again(label: str) -> None:
    cycle = CODES[label][0].cycle_seconds
    sound = at_level(alarm(label, 3_100.0, seconds=3 * cycle), -12.0)
    assert hear(np.concatenate([sound, silence(30.0)]))[-1].t <= 3 * cycle + CHUNK_SECONDS


def test_quiet_is_no_hindrance() -> None:
    """Found by how far the tone stands out, whatever the microphone's gain."""
    assert [f.label for f in hear(at_level(alarm("smoke_alarm", 3_100.0, seconds=9.0), -60.0))] == ["smoke_alarm"]


@codes
@bands
def test_a_louder_sound_of_the_same_pitch_in_each_pause_does_not_hide_it(label: str, frequency_hz: float) -> None:
    cycle = CODES[label][0].cycle_seconds
    sound = at_level(alarm(label, frequency_hz), -24.0)
    for n in range(3):
        howl = int(((n + 0.87) * cycle) * 16_000)
        sound[howl : howl + 6_400] += at_level(tone(0.4, frequency_hz), -12.0)
    finds = hear(sound)
    assert {find.label for find in finds} == {label}
    assert finds[0].t <= CODES[label][1]


NOT_ALARMS = {
    "two pulses": pulses(2, 0.5, 1.5),
    "two pulses in the cycle of three": pulses(2, 0.5, 2.5),
    "four pulses": pulses(4, 0.5, 1.5),
    "three pulses too soon after each other": pulses(3, 0.5, 0.9),
    "one pulse": pulses(1, 0.5, 3.5),
    "three short pulses": pulses(3, 0.1, 5.2),
    "1 Hz, as a truck that reverses": REVERSING,
}


@bands
@pytest.mark.parametrize("cadence", NOT_ALARMS.values(), ids=list(NOT_ALARMS))
@pytest.mark.parametrize("noisy", [False, True], ids=["clean", "10 dB SNR"])
def test_another_cadence_is_no_alarm(cadence: Cadence, frequency_hz: float, noisy: bool) -> None:
    sound = cadenced(cadence, 30.0, frequency_hz)
    assert hear(in_noise(sound) if noisy else at_level(sound, -12.0)) == []


def two_clocks(first: float, second: float, cycle_seconds: float) -> Cadence:
    """Temporal-three whose groups are by turns `first` and `second` times as long, at one distance."""
    groups = [
        ((0.5 * timing, 0.5 * timing),) * 2 + ((0.5 * timing, cycle_seconds - 2.5 * timing),)
        for timing in (first, second)
    ]
    return Cadence(groups[0] + groups[1])


@bands
@pytest.mark.parametrize(
    "cadence",
    [two_clocks(0.92, 1.08, 4.0), two_clocks(1.08, 1.08, 3.68), two_clocks(0.92, 0.92, 4.3)],
    ids=["groups of two lengths", "slow pulses, fast cycle", "fast pulses, slow cycle"],
)
@pytest.mark.parametrize("noisy", [False, True], ids=["clean", "10 dB SNR"])
def test_pulses_and_cycle_must_come_of_one_clock(cadence: Cadence, frequency_hz: float, noisy: bool) -> None:
    sound = cadenced(cadence, 20.0, frequency_hz)
    assert hear(in_noise(sound) if noisy else at_level(sound, -12.0)) == []


@pytest.mark.parametrize("timing", [0.92, 1.08])
@bands
def test_one_clock_may_be_slow_or_fast(timing: float, frequency_hz: float) -> None:
    sound = cadenced(two_clocks(timing, timing, 4.0 * timing), 9.0, frequency_hz)
    assert [find.label for find in hear(in_noise(sound))] == ["smoke_alarm"]


@pytest.mark.parametrize("seed", [4, 13, 17])
def test_a_room_that_fills_the_gaps_does_not_hide_short_pulses(seed: int) -> None:
    """More reverberation than direct sound, so that hardly a gap is quieter than a pulse, nor the tail than a fifth."""
    response = room_impulse_response(np.random.default_rng(seed), 0.8, -6.0)
    wet = reverberate(alarm("co_alarm", 545.0, 1.05, seconds=13.0), response)[: 13 * SAMPLE_RATE_HZ]
    finds = hear(in_noise(wet, 6.0, seed))
    assert {find.label for find in finds} == {"co_alarm"}
    assert finds[0].t <= CODES["co_alarm"][1]
    assert finds[0].onset == pytest.approx(0.0, abs=0.3)


NOT_ALARMS_IN_A_ROOM = {
    "one beep as long as three pulses": pulses(1, 2.5, 1.5),
    "one beep as long as four short pulses": pulses(1, 0.7, 5.0),
    "three short pulses": pulses(3, 0.1, 5.2),
    "five short pulses": pulses(5, 0.1, 4.8),
    "four short pulses, too soon after each other": pulses(4, 0.1, 2.0),
}


@bands
@pytest.mark.parametrize("cadence", NOT_ALARMS_IN_A_ROOM.values(), ids=list(NOT_ALARMS_IN_A_ROOM))
@pytest.mark.parametrize("seed", range(2))
def test_a_room_makes_no_alarm_of_another_cadence(cadence: Cadence, frequency_hz: float, seed: int) -> None:
    response = room_impulse_response(np.random.default_rng(seed), 0.5, 0.0)
    assert hear(in_noise(reverberate(cadenced(cadence, 20.0, frequency_hz), response), 20.0, seed)) == []


@bands
def test_five_short_pulses_are_not_four(frequency_hz: float) -> None:
    assert hear(at_level(cadenced(pulses(5, 0.1, 5.0), 30.0, frequency_hz), -12.0)) == []


@pytest.mark.parametrize("frequency_hz", [300.0, 1_000.0, 2_000.0, 4_000.0])
@codes
def test_another_tone_is_no_alarm(label: str, frequency_hz: float) -> None:
    assert hear(in_noise(alarm(label, frequency_hz))) == []


@codes
@bands
def test_one_cycle_is_not_enough(label: str, frequency_hz: float) -> None:
    cycle = CODES[label][0].cycle_seconds
    assert hear(np.concatenate([alarm(label, frequency_hz, seconds=cycle), silence(12.0)])) == []


@bands
def test_a_steady_tone_is_no_alarm(frequency_hz: float) -> None:
    assert hear(tone(30.0, frequency_hz)) == []
    assert hear(in_noise(tone(30.0, frequency_hz))) == []


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_alarm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert hear(at_level(pink_noise(rng, 60.0), -6.0)) == []
    assert hear(at_level(white_noise(rng, 60.0), -6.0)) == []


@pytest.mark.parametrize("level", [0.0, 1.0, 1e-30], ids=["digital zero", "a constant", "denormal"])
def test_silence_is_no_alarm_and_no_numerical_error(level: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        assert hear(np.full(16_000 * 20, level, np.float32)) == []


def test_its_state_is_small_and_does_not_grow() -> None:
    rng = np.random.default_rng(2)
    patterns, sizes = AlarmPatterns(), []
    for _ in range(3):
        hear(cadenced(TEMPORAL_THREE, 40.0, 3_100.0) + at_level(pink_noise(rng, 40.0), -20.0), patterns)
        sizes.append(len(pickle.dumps(patterns)))
    assert max(sizes) < 100_000
    assert sizes[2] < 1.1 * sizes[0]
