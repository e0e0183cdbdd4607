"""Sounds that tests play, made from nothing (`listener.bench.synthesis`) or spoken by Debian's flite."""

import subprocess
import tempfile

import numpy as np
import soundfile
from programs import need

from listener.bench.synthesis import TEMPORAL_FOUR, TEMPORAL_THREE, at_level, cadenced, silence
from listener.types import SAMPLE_RATE_HZ, Samples


def smoke_alarm(seconds: float = 12.0) -> Samples:
    """Temporal-three at 3.1 kHz: heard as `smoke_alarm` within its second cycle."""
    return at_level(cadenced(TEMPORAL_THREE, seconds, 3_100.0), -12.0)


def co_alarm(seconds: float = 18.0) -> Samples:
    """Temporal-four at 3.1 kHz: heard as `co_alarm`."""
    return at_level(cadenced(TEMPORAL_FOUR, seconds, 3_100.0), -12.0)


def pause(seconds: float) -> Samples:
    return silence(seconds)


def spoken(text: str, voice: str = "rms") -> Samples:
    """A sentence at -26 dBFS, between two pauses. Skips, or fails on CI, where flite is missing."""
    need("flite")
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True, capture_output=True)
        samples, rate = soundfile.read(file.name, dtype="float32")
    assert rate == SAMPLE_RATE_HZ
    loud = samples[np.abs(samples) > 0.01 * np.abs(samples).max()]
    sentence = (samples * (0.05 / np.sqrt(np.mean(loud**2)))).astype(np.float32)
    return np.concatenate((silence(0.8), sentence, silence(1.6)))
