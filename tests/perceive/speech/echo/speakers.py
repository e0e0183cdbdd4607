"""A loudspeaker, a room and its microphone, with a voice made of noise: made-up speech that needs no synthesizer."""

import numpy as np

from listener.bench.synthesis import room_impulse_response
from listener.types import SAMPLE_RATE_HZ, Samples


def babble(seconds: float, seed: int = 1, level_dbfs: float = -18.0) -> Samples:
    """Noise with the spectrum and the syllables of speech: four bursts a second, falling by 6 dB an octave."""
    rng = np.random.default_rng(seed)
    count = round(seconds * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.normal(size=count))
    hz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ)
    sound = np.fft.irfft(spectrum * np.where(hz > 100, 1 / np.maximum(hz, 300), 0), count)
    syllables = 0.05 + np.sin(np.pi * 4 * np.arange(count) / SAMPLE_RATE_HZ + rng.uniform(0, 3)) ** 2
    sound *= syllables
    return (sound * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(sound**2))).astype(np.float32)


def in_the_room(
    played: Samples, delay_seconds: float = 0.12, echo_db: float = -10.0, rt60_seconds: float = 0.4
) -> Samples:
    """How it comes back: later, fainter, reverberant. As many samples."""
    answer = room_impulse_response(np.random.default_rng(7), rt60_seconds)
    path = np.concatenate((np.zeros(round(delay_seconds * SAMPLE_RATE_HZ)), answer)) * 10 ** (echo_db / 20)
    size = len(played) + len(path)
    return np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(path, size), size)[: len(played)].astype(np.float32)


def faint_noise(count: int, level_dbfs: float = -60.0, seed: int = 3) -> Samples:
    return np.random.default_rng(seed).normal(0, 10 ** (level_dbfs / 20), count).astype(np.float32)


def power_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12))
