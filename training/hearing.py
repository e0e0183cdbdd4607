"""Recordings as a room hears them: whole chunks, and their spectra."""

import numpy as np

from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, Magnitudes, Samples


def padded(samples: Samples) -> Samples:
    """Up to whole chunks, as a recording is read."""
    return np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))


def spectra(samples: Samples) -> list[Magnitudes]:
    """One for each chunk."""
    spectrum = Spectrum()
    return [spectrum.step(chunk) for chunk in padded(samples).reshape(-1, CHUNK_SAMPLES)]
