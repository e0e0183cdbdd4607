"""The one spectrum of a room, computed once a chunk and shared by the tagger and the alarm patterns.

Framing as in AudioSet's log-mel features (Hershey et al., "CNN Architectures for Large-Scale Audio Classification",
ICASSP 2017), which YAMNet was trained on: periodic Hann window of 25 ms, hop of 10 ms, FFT of 512.
"""

import numpy as np
from numpy.typing import NDArray

from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples

WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
FFT_SAMPLES = 512
BINS = FFT_SAMPLES // 2 + 1
BIN_HZ = SAMPLE_RATE_HZ / FFT_SAMPLES
FRAMES_PER_CHUNK = CHUNK_SAMPLES // HOP_SAMPLES
FRAME_SECONDS = HOP_SAMPLES / SAMPLE_RATE_HZ
CONTEXT_SAMPLES = WINDOW_SAMPLES - HOP_SAMPLES

_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)).astype(np.float32)

Magnitudes = NDArray[np.float32]
"""Magnitude of the short-time Fourier transform, shape `[40, 257]`: 10 ms a row, 31.25 Hz a column."""


class Spectrum:
    """Short-time Fourier transform of an endless stream; its state is the last 240 samples."""

    def __init__(self) -> None:
        self._samples = np.zeros(CONTEXT_SAMPLES + CHUNK_SAMPLES, np.float32)
        self._frames = np.lib.stride_tricks.sliding_window_view(self._samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
        self._windowed = np.zeros((FRAMES_PER_CHUNK, FFT_SAMPLES), np.float32)  # padded once: rfft pads slowly

    def step(self, samples: Samples) -> Magnitudes:
        """Hear the next 6,400 samples. The last of the 40 frames ends with the last sample."""
        self._samples[:CONTEXT_SAMPLES] = self._samples[CHUNK_SAMPLES:]
        self._samples[CONTEXT_SAMPLES:] = samples
        np.multiply(self._frames, _HANN, out=self._windowed[:, :WINDOW_SAMPLES])
        return np.abs(np.fft.rfft(self._windowed)).astype(np.float32, copy=False)
