"""Tracks of tones: how far a tone stands out, and when it sounded."""

import numpy as np
import pytest

from listener.bench.synthesis import at_level, pink_noise, silence, tone, white_noise
from listener.perceive.sounds.tracks import (
    AROUND_HIGH,
    AROUND_LOW,
    BESIDE_DB,
    FLOOR_POWER,
    HIGH_COLUMNS,
    HIGH_TRACKS,
    HISTORY_SLOTS,
    LOW_COLUMNS,
    SLOT_SECONDS,
    SLOTS_PER_CHUNK,
    TRACKS,
    ToneTracks,
)
from listener.perceive.spectrum import BIN_HZ, Spectrum
from listener.types import CHUNK_SAMPLES, Samples


def tracks_of(sound: Samples) -> ToneTracks:
    spectrum, tracks = Spectrum(), ToneTracks()
    for chunk in sound[: len(sound) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES):
        tracks.step(spectrum.step(chunk))
    return tracks


def test_shapes_and_the_newest_slot_is_the_last() -> None:
    tracks = tracks_of(np.concatenate([silence(4.0), tone(0.4, 3_100.0)]))
    assert tracks.level.shape == tracks.contrast.shape == (HISTORY_SLOTS, TRACKS)
    assert tracks.level.dtype == tracks.contrast.dtype == np.float32
    assert tracks.slots_heard == 11 * SLOTS_PER_CHUNK
    assert tracks.level[-SLOTS_PER_CHUNK:, :HIGH_TRACKS].max() > tracks.level[:-SLOTS_PER_CHUNK].max() + 60


def test_levels_and_contrasts_are_what_they_are_defined_to_be() -> None:
    magnitudes = np.random.default_rng(2).rayleigh(size=(40, 257)).astype(np.float32)
    tracks = ToneTracks()
    tracks.step(magnitudes)
    power = (magnitudes.astype(np.float64) ** 2).reshape(SLOTS_PER_CHUNK, 2, 257).sum(axis=1) + FLOOR_POWER
    decibels = 10 * np.log10(power)
    for track, column in enumerate([*HIGH_COLUMNS, *LOW_COLUMNS]):
        level = 10 * np.log10(power[:, column - 1 : column + 2].sum(axis=1))
        near = 5 if track < HIGH_TRACKS else 4
        sides = [decibels[:, column + sign * near + sign * np.arange(3)].mean(axis=1) for sign in (-1, 1)]
        around = decibels[:, AROUND_HIGH if track < HIGH_TRACKS else AROUND_LOW].mean(axis=1)
        expected = level - np.maximum(np.maximum(*sides) - BESIDE_DB, around)
        np.testing.assert_allclose(tracks.level[-SLOTS_PER_CHUNK:, track], level, atol=1e-4)
        np.testing.assert_allclose(tracks.contrast[-SLOTS_PER_CHUNK:, track], expected, atol=1e-4)


@pytest.mark.parametrize(("frequency_hz", "columns"), [(3_100.0, HIGH_COLUMNS), (520.0, LOW_COLUMNS)])
def test_a_tone_stands_out_in_its_own_track_whatever_its_level(frequency_hz: float, columns: "list[int]") -> None:
    own = int(np.argmin(np.abs(np.asarray(columns) * BIN_HZ - frequency_hz)))
    own += HIGH_TRACKS if frequency_hz < 1_000 else 0
    noise = at_level(pink_noise(np.random.default_rng(1), 4.0), -40.0)
    for gain in (1.0, 0.01):
        contrast = tracks_of((at_level(tone(4.0, frequency_hz), -20.0) + noise) * np.float32(gain)).contrast[-100:]
        assert contrast[:, own].min() > 20.0
        other_band = contrast[:, HIGH_TRACKS:] if own < HIGH_TRACKS else contrast[:, :HIGH_TRACKS]
        assert np.median(other_band) < 12.0


def test_plain_noise_stands_out_by_about_five_decibels() -> None:
    contrast = tracks_of(white_noise(np.random.default_rng(1), 12.0)).contrast
    assert np.median(contrast) == pytest.approx(5.0, abs=1.0)
    assert np.mean(contrast > 15.0) < 0.001


def test_a_bump_in_the_spectrum_does_not_stand_out_as_a_tone_does() -> None:
    """A bark has its bulk at 500 Hz, some hundred hertz wide: it stands out of what is far, not of what is beside."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(16_000 * 8))
    hertz = np.fft.rfftfreq(16_000 * 8, 1 / 16_000)
    bump = np.fft.irfft(spectrum * 10 ** (-np.abs(hertz - 520.0) / 800.0)).astype(np.float32)
    barking = tracks_of(at_level(bump, -12.0)).contrast[-300:, HIGH_TRACKS:]
    assert np.median(barking) < 10.0
    noise = at_level(bump, -30.0)
    assert np.median(tracks_of(at_level(tone(8.0, 520.0), -20.0) + noise).contrast[-300:, HIGH_TRACKS + 2]) > 15.0


def test_the_loudest_track_of_each_band_is_remembered_where_it_is_clear() -> None:
    noise = at_level(pink_noise(np.random.default_rng(1), 2.4), -40.0)
    tracks = tracks_of(np.concatenate([silence(1.2), at_level(tone(1.2, 3_100.0), -12.0)]) + noise)
    own = int(np.argmin(np.abs(HIGH_COLUMNS * BIN_HZ - 3_100.0)))
    assert (tracks.loudest[-50:, 0] == own).all()
    assert np.mean(tracks.loudest[:-61, 0] == -1) > 0.9, "nothing is clear in noise"


def test_a_tone_is_dated_to_a_slot_or_two() -> None:
    on, off = 2.0, 3.1
    sound = np.concatenate([silence(on), tone(off - on, 3_100.0), silence(0.9)])
    noise = at_level(pink_noise(np.random.default_rng(1), 4.0), -30.0)
    tracks = tracks_of(sound + noise)
    (slots,) = np.nonzero(tracks.contrast[-200:, :HIGH_TRACKS].max(axis=1) > 15.0)
    assert slots[0] * SLOT_SECONDS == pytest.approx(on, abs=2 * SLOT_SECONDS)
    assert slots[-1] * SLOT_SECONDS == pytest.approx(off, abs=2 * SLOT_SECONDS)


def test_digital_silence_is_finite() -> None:
    with np.errstate(all="raise"):
        tracks = tracks_of(silence(10.0))
    assert np.isfinite(tracks.level).all()
    assert np.isfinite(tracks.contrast).all()
    assert tracks.contrast.max() < 8.0
