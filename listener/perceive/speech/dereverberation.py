"""Takes off the late echo of a room, for a second opinion on what was said.

Spectral subtraction of late reverberation (Lebart, Boucher and Denbigh, Acta Acustica 87, 2001): the power of the
echo is that of the sound a little earlier, fallen as far as the reverberation time says.
"""

from typing import Final

import numpy as np

from listener.types import SAMPLE_RATE_HZ, Samples

HOP: Final = 160
WINDOW: Final = 400
FFT: Final = 512
REVERBERATION_SECONDS: Final = 0.4
"""Of a furnished room; measured in none."""
LATE_FRAMES: Final = 5
"""50 ms: what arrives before belongs to the sound itself."""
SMOOTHING: Final = 0.5
"""Of the power, per frame: the echo has no fine structure."""
LEAST_GAIN: Final = 0.3
"""More would leave holes that sound like no speech at all."""


def dereverberated(samples: Samples) -> Samples:
    """The same number of samples with less of their echo, float32 at 16 kHz."""
    window = np.sqrt(np.hanning(WINDOW + 1)[:WINDOW]).astype(np.float32)
    padded = np.concatenate((np.zeros(WINDOW, np.float32), samples, np.zeros(WINDOW + HOP, np.float32)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * window, FFT)
    power = (np.abs(spectrum) ** 2).astype(np.float32)
    voices = (np.fft.irfft(spectrum * _gain(power), FFT)[:, :WINDOW] * window).astype(np.float32)
    return _overlapped(voices, window**2, len(padded))[WINDOW : WINDOW + len(samples)]


def _gain(power: Samples) -> Samples:
    """From power `[frames, bins]`, the factor for each, smoothed over neighbouring bins."""
    smooth = np.empty_like(power)
    last = power[0]
    for index, row in enumerate(power):
        last = smooth[index] = SMOOTHING * last + (1 - SMOOTHING) * row
    late = np.zeros_like(power)
    late[LATE_FRAMES:] = smooth[:-LATE_FRAMES]
    late *= 10 ** (-6 * LATE_FRAMES * HOP / SAMPLE_RATE_HZ / REVERBERATION_SECONDS)
    gain = np.sqrt(np.maximum(LEAST_GAIN**2, 1 - late / np.maximum(power, 1e-12)))
    edges = np.pad(gain, ((0, 0), (1, 1)), mode="edge")
    smoothed: Samples = ((edges[:, :-2] + 2 * gain + edges[:, 2:]) / 4).astype(np.float32)
    return smoothed


def _overlapped(frames: Samples, weight: Samples, length: int) -> Samples:
    sound, total = np.zeros(length, np.float32), np.zeros(length, np.float32)
    for index, frame in enumerate(frames):
        sound[index * HOP : index * HOP + WINDOW] += frame
        total[index * HOP : index * HOP + WINDOW] += weight
    sound /= np.maximum(total, 1e-3)
    return sound
