"""Groups of pulses in one track: found where the noise around them hides neither their rhythm nor their level."""

import numpy as np
import pytest
from pattern_ears import pulses

from listener.bench.synthesis import (
    TEMPORAL_FOUR,
    TEMPORAL_THREE,
    Cadence,
    at_level,
    cadenced,
    pink_noise,
    reverberate,
    room_impulse_response,
    silence,
)
from listener.perceive.sounds import pulses as finder
from listener.perceive.sounds.pulses import Code, Group, GroupFinder
from listener.perceive.sounds.tracks import HIGH_TRACKS, SLOT_SECONDS, ToneTracks
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, Samples

codes = pytest.mark.parametrize(
    ("code", "cadence"), [(finder.TEMPORAL_THREE, TEMPORAL_THREE), (finder.TEMPORAL_FOUR, TEMPORAL_FOUR)]
)
bands = pytest.mark.parametrize("frequency_hz", [3_100.0, 520.0])


def best_group(sound: Samples, code: Code) -> Group | None:
    """The best of all groups that are found while `sound` is heard."""
    spectrum, tracks, groups = Spectrum(), ToneTracks(), GroupFinder(code)
    found = []
    for chunk in sound[: len(sound) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES):
        tracks.step(spectrum.step(chunk))
        found += groups.find(tracks)
    return max(found, key=lambda group: group.score, default=None)


def one_group(cadence: Cadence, frequency_hz: float, start_seconds: float = 2.0) -> Samples:
    sound = cadenced(cadence, cadence.cycle_seconds, frequency_hz)
    return np.concatenate([silence(start_seconds), sound, silence(2.0)])


@codes
@bands
@pytest.mark.parametrize("timing", [0.9, 1.0, 1.1])
def test_a_group_is_found_where_it_is(code: Code, cadence: Cadence, frequency_hz: float, timing: float) -> None:
    noise = at_level(pink_noise(np.random.default_rng(1), 12.0), -40.0)
    sound = at_level(one_group(cadence.scaled(timing), frequency_hz), -12.0)
    group = best_group(sound + noise[: len(sound)], code)
    assert group is not None
    assert group.score > 0.8
    assert (group.track < HIGH_TRACKS) == (frequency_hz > 1_000)
    assert group.start * SLOT_SECONDS == pytest.approx(2.0, abs=0.1)
    assert (group.end - group.start) * SLOT_SECONDS == pytest.approx(code.group_seconds * timing, abs=0.1)
    assert min(group.pulses) > 0.7
    assert max(group.beside) < 0.2


@codes
@bands
def test_reverberation_in_a_silent_room_is_not_taken_for_pulses(
    code: Code, cadence: Cadence, frequency_hz: float
) -> None:
    """Nothing else sounds, so the tone's own reverberation stands out as far as a tone can."""
    response = room_impulse_response(np.random.default_rng(4), 0.5, 3.0)
    group = best_group(at_level(reverberate(one_group(cadence, frequency_hz), response), -12.0), code)
    assert group is not None
    assert group.score > 0.7
    assert group.start * SLOT_SECONDS == pytest.approx(2.0, abs=0.1)


@codes
@bands
def test_a_louder_sound_just_before_does_not_hide_a_group(code: Code, cadence: Cadence, frequency_hz: float) -> None:
    sound = at_level(one_group(cadence, frequency_hz), -26.0)
    burst = slice(int(1.2 * 16_000), int(1.4 * 16_000))
    sound[burst] += at_level(pink_noise(np.random.default_rng(2), 0.2), -1.0)
    group = best_group(sound, code)
    assert group is not None
    assert group.score > 0.7
    assert group.start * SLOT_SECONDS == pytest.approx(2.0, abs=0.1)


@bands
def test_a_pulse_too_many_is_seen_beside_the_group(frequency_hz: float) -> None:
    sound = at_level(one_group(pulses(4, 0.5, 2.5), frequency_hz), -12.0)
    group = best_group(sound, finder.TEMPORAL_THREE)
    assert group is None or max(group.beside) > 0.6


@codes
def test_noise_has_hardly_a_group(code: Code, cadence: Cadence) -> None:
    group = best_group(at_level(pink_noise(np.random.default_rng(3), 30.0), -12.0), code)
    assert group is None or group.score < 0.6
