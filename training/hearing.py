"""Recordings as a room hears them: whole chunks, and their spectra."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from listener.perceive.spectrum import Spectrum
from listener.sources.heard_out import SILENCE_CHUNKS
from listener.types import CHUNK_SAMPLES, Magnitudes, Samples

LATE_FRAMES: Final = 61
"""How much later the network's convolutions say of a sound what YAMNet's say, in frames of 10 ms: each looks at three
rows, the last of which is the newest, where YAMNet's looks at one before and one after (`trunk.late_frames`)."""


def padded(samples: Samples) -> Samples:
    """Up to whole chunks."""
    return np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))


def heard_out(samples: Samples) -> Samples:
    """As a recording is heard: whole chunks, and then silence."""
    return np.pad(padded(samples), (0, SILENCE_CHUNKS * CHUNK_SAMPLES))


def spectra(samples: Samples) -> list[Magnitudes]:
    """One for each chunk."""
    spectrum = Spectrum()
    return [spectrum.step(chunk) for chunk in padded(samples).reshape(-1, CHUNK_SAMPLES)]


def late(chunks: Sequence[Magnitudes]) -> list[Magnitudes]:
    """The same sound, as late as the network is, and cut off at the same time."""
    frames = np.pad(np.concatenate(chunks), ((LATE_FRAMES, 0), (0, 0)))
    return np.split(frames[:-LATE_FRAMES], len(chunks))
