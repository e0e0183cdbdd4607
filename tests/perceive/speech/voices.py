"""Speech for tests, by Debian's flite; each sentence is made once."""

import functools
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
import soundfile as sf

from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Chunk, Samples

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed (apt-get install flite)")


@functools.cache
def said(text: str, voice: str = "rms") -> Samples:
    """At -26 dBFS, 16 kHz, as flite says it."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True, capture_output=True)
        samples, rate = sf.read(file.name, dtype="float32")
    assert rate == SAMPLE_RATE_HZ
    loud = samples[np.abs(samples) > 0.01 * np.abs(samples).max()]
    return (samples * (0.05 / np.sqrt(np.mean(loud**2)))).astype(np.float32)


def pause(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def chunks(*pieces: Samples, first: int = 0) -> list[Chunk]:
    """In a quiet room (-70 dBFS), padded with silence to whole chunks."""
    samples = np.concatenate(pieces)
    samples = np.concatenate((samples, np.zeros(-len(samples) % CHUNK_SAMPLES, np.float32)))
    samples += np.random.default_rng(1).normal(0, 3e-4, len(samples)).astype(np.float32)
    return [Chunk(part, first + index) for index, part in enumerate(samples.reshape(-1, CHUNK_SAMPLES))]
