"""The alarm patterns with the real spectrum in front of them, as a room has them."""

from dataclasses import dataclass

import numpy as np

from listener.bench.synthesis import Cadence, at_level, mix, pink_noise
from listener.perceive.sounds.alarm_patterns import AlarmPatterns
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Samples


@dataclass(frozen=True)
class Find:
    """A match: at the end of which chunk (s), and where it says the alarm began (s)."""

    label: str
    score: float
    t: float
    onset: float


def hear(sound: Samples, patterns: AlarmPatterns | None = None) -> list[Find]:
    """Everything that is recognised in a recording, with the last partial chunk padded."""
    spectrum, patterns = Spectrum(), patterns or AlarmPatterns()
    chunks = np.pad(sound, (0, -len(sound) % CHUNK_SAMPLES)).reshape(-1, CHUNK_SAMPLES)
    finds = []
    for index, chunk in enumerate(chunks):
        t = (index + 1) * CHUNK_SECONDS
        finds += [Find(m.label, m.score, t, t - m.onset_seconds_ago) for m in patterns.step(spectrum.step(chunk))]
    return finds


def in_noise(sound: Samples, snr_db: float = 10.0, seed: int = 1) -> Samples:
    """`sound` over pink noise; only where it sounds counts for its power."""
    noise = pink_noise(np.random.default_rng(seed), len(sound) / SAMPLE_RATE_HZ)
    return at_level(mix(sound, noise, snr_db, np.abs(sound) > 0.01), -6.0)


def pulses(count: int, seconds: float, pause_seconds: float) -> Cadence:
    """`count` pulses with gaps of their own length, then a pause, over and over."""
    return Cadence(((seconds, seconds),) * (count - 1) + ((seconds, pause_seconds),))
