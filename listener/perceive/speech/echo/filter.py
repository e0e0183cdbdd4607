"""The part of what is heard that is what we play, come back through the room: an adaptive filter, and what it leaves.

A partitioned-block frequency-domain Kalman filter: Enzner and Vary, "Frequency-domain adaptive Kalman filter for
acoustic echo control in hands-free telephones" (Signal Processing 86, 2006), with the partitions of Kuech, Mabande and
Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller" (ICASSP 2014). It knows by
itself how far to trust each bin: somebody who speaks into our words is noise to it, and does not lead it astray.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.types import Samples

BLOCK: Final = 256
"""16 ms: what is filtered at a time. A window is two of them, by overlap-save."""
PARTITIONS: Final = 20
"""0.32 s of the room's answer: of a room that echoes for 0.4 s all but what is 48 dB fainter."""
STAYS: Final = 0.9998
"""How much of the room's answer is the same one block later; the rest is people who move, and clocks that drift."""
UNKNOWN: Final = 1.0
FADES: Final = 0.5
"""Variance of the first partition before anything was heard, and of each more as a part of the one before it: the decay
of a room that echoes for 0.32 s. Told so, the filter takes out 8 dB of a first sentence instead of 5."""
NOISE_SMOOTHING: Final = 0.7
"""Of what is not ours, per block."""
LEAST_POWER: Final = 1e-8

Spectra = NDArray[np.complex64]


class EchoFilter:
    """Of one loudspeaker and one microphone. Blocks come one after the other."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        bins = BLOCK + 1
        self._answer: Spectra = np.zeros((partitions, bins), np.complex64)
        fading = UNKNOWN * FADES ** np.arange(partitions, dtype=np.float32)
        self._doubt = np.repeat(fading[:, None], bins, axis=1)
        self._played: Spectra = np.zeros((partitions, bins), np.complex64)
        self._last: Samples = np.zeros(BLOCK, np.float32)
        self._noise: Samples = np.full(bins, LEAST_POWER, np.float32)

    def step(self, heard: Samples, played: Samples) -> Samples:
        """What is left of `heard` `[BLOCK]` without the echo of what was `played` `[BLOCK]` and before."""
        self._hear(played)
        echo = np.fft.irfft((self._answer * self._played).sum(axis=0))[BLOCK:]
        left = heard - echo.astype(np.float32)
        self._learn(left)
        return left

    def played_before(self, played: Samples) -> None:
        """What was played until now `[(partitions + 1) * BLOCK]`, where that was not known when it was heard."""
        windows = np.lib.stride_tricks.sliding_window_view(played, 2 * BLOCK)[::BLOCK][::-1]
        self._played = np.fft.rfft(windows, axis=1).astype(np.complex64)
        self._last = played[-BLOCK:]

    def forget_played(self) -> None:
        """Nothing was played for as long as the filter is."""
        self._played = np.zeros_like(self._played)
        self._last = np.zeros(BLOCK, np.float32)

    def _hear(self, played: Samples) -> None:
        self._played = np.roll(self._played, 1, axis=0)
        self._played[0] = np.fft.rfft(np.concatenate((self._last, played)))
        self._last = played

    def _learn(self, rest: Samples) -> None:
        """Kalman's update, each bin by itself; the filter's second half is cut off, as overlap-save demands."""
        error = np.fft.rfft(np.concatenate((np.zeros(BLOCK, np.float32), rest))).astype(np.complex64)
        self._noise = (NOISE_SMOOTHING * self._noise + (1 - NOISE_SMOOTHING) * np.abs(error) ** 2).astype(np.float32)
        power = np.abs(self._played) ** 2
        expected = (power * self._doubt).sum(axis=0) + 2 * self._noise + LEAST_POWER
        step = self._doubt / expected
        change = np.fft.irfft(step * self._played.conj() * error, axis=1).astype(np.float32)
        change[:, BLOCK:] = 0.0
        self._answer = (STAYS * (self._answer + np.fft.rfft(change, axis=1))).astype(np.complex64)
        left = (1 - 0.5 * step * power) * self._doubt
        self._doubt = (STAYS**2 * left + (1 - STAYS**2) * np.abs(self._answer) ** 2).astype(np.float32)
