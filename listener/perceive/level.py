"""How loud a chunk is, and whether the microphone is overdriven."""

import math
from typing import Final

import numpy as np

from listener.types import Samples

SILENCE_DBFS: Final = -120.0
CLIPPED_AT: Final = 0.999
CLIPPED_SAMPLES: Final = 16
"""1 ms a chunk: what an overdriven input reaches at once and a single digital peak does not."""


def level_dbfs(samples: Samples) -> float:
    """RMS in dB relative to full scale, -120 for silence.

    A square wave at full scale is 0 dBFS and a sine -3.01 dBFS (AES17 would call that sine 0 dBFS).
    """
    mean_square = float(np.dot(samples, samples)) / max(1, len(samples))
    return max(SILENCE_DBFS, 10.0 * math.log10(mean_square)) if mean_square > 0.0 else SILENCE_DBFS


def is_clipping(samples: Samples) -> bool:
    """True when at least 16 samples of the chunk are at full scale."""
    if max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0))) < CLIPPED_AT:
        return False
    return int(np.count_nonzero(np.abs(samples) >= CLIPPED_AT)) >= CLIPPED_SAMPLES
