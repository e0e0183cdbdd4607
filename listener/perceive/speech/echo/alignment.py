"""When what we play begins to be heard: nobody tells, so it is looked for in what the microphone heard.

Generalized cross-correlation with phase transform: Knapp and Carter, "The generalized correlation method for
estimation of time delay" (IEEE Trans. ASSP 24, 1976). The phase transform makes of speech a single peak, also in a room
that echoes.
"""

from typing import Final

import numpy as np

from listener.types import SAMPLE_RATE_HZ, Samples

LOWEST_HZ: Final = 200
HIGHEST_HZ: Final = 5_000
"""Where speech has power and small loudspeakers play."""
LEAST_PEAK: Final = 12.0
"""Over the root mean square of all lags. Of sound that is not ours the highest is 5; of ours, after 0.4 s, 35."""
LEAST_SAMPLES: Final = SAMPLE_RATE_HZ // 5


def locate(heard: Samples, played: Samples, first: int, last: int) -> int | None:
    """At which sample of `heard`, from `first` to `last`, `played` begins; None where it is not in it.

    Negative where it began before. Both at 16 kHz.
    """
    if len(heard) < LEAST_SAMPLES or len(played) < LEAST_SAMPLES or first > last:
        return None
    size = 1 << (len(heard) + len(played) - 1).bit_length()
    cross = np.fft.rfft(heard, size) * np.fft.rfft(played, size).conj()
    low, high = (size * hz // SAMPLE_RATE_HZ for hz in (LOWEST_HZ, HIGHEST_HZ))
    whitened = np.zeros_like(cross)
    whitened[low:high] = cross[low:high] / np.maximum(np.abs(cross[low:high]), 1e-12)
    correlation = np.fft.irfft(whitened, size)
    lags = np.arange(max(first, 1 - len(played)), min(last, len(heard) - 1) + 1)
    if not len(lags):
        return None
    candidates = correlation[lags]  # a negative index is a negative lag: the correlation is circular
    best = int(np.argmax(candidates))
    scale = float(np.sqrt(np.mean(correlation**2)))
    return int(lags[best]) if candidates[best] >= LEAST_PEAK * max(scale, 1e-12) else None
