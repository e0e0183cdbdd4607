"""Any sound in, chunks of 0.4 s out: scaled, mixed to mono, resampled to 16 kHz, cut. Pure: no clock, no device."""

from functools import reduce

import numpy as np
import soxr
from numpy.typing import NDArray

from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples

MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 768_000
MAX_CHANNELS = 1_024

Frames = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int32] | NDArray[np.int16] | NDArray[np.uint8]
"""Interleaved sound, shape `[n, channels]`. Floats are in [-1, 1], integers use their whole range (bytes: 128 is 0)."""

_FULL_SCALE = {np.dtype(np.int32): 2.0**31, np.dtype(np.int16): 2.0**15}


class Chunker:
    """Cuts an endless stream of any rate and channel count into chunks of 6,400 float32 samples at 16 kHz.

    How the input is cut into blocks makes no difference, not in a single bit. Over any length the output has
    `round(n * 16000 / rate)` samples, within one. Raises ValueError for a rate or channel count out of bounds.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
            raise ValueError(f"a rate of {rate} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz")
        if not 1 <= channels <= MAX_CHANNELS:
            raise ValueError(f"{channels} channels are outside 1 to {MAX_CHANNELS}")
        self.non_finite = 0
        """Input values that were NaN or infinite, and became 0."""
        self.clamped = 0
        """Input values beyond [-1, 1] that were clamped."""
        self.samples_out = 0
        """Samples at 16 kHz that have left in chunks, without the padding of the last."""
        self._channels = channels
        # soxr's HQ is its default: 20 bits of precision, far below the noise of any room. At 16 kHz nothing is done.
        self._resampler = None if rate == SAMPLE_RATE_HZ else soxr.ResampleStream(rate, SAMPLE_RATE_HZ, 1, quality="HQ")
        self._rest = np.zeros(0, np.float32)

    def push(self, frames: Frames) -> list[Samples]:
        """Hear the next frames, shape `[n, channels]`, n >= 0; returns the chunks that they complete."""
        if frames.ndim != 2 or frames.shape[1] != self._channels:
            raise ValueError(f"frames of shape {frames.shape} where [n, {self._channels}] was expected")
        if not len(frames):
            return []
        # Added channel by channel: five times as fast as a mean along the rows, whose last bit also depends on how
        # the block lies in memory.
        mono = reduce(np.add, self._clean(frames).T) / np.float32(self._channels)
        return self._cut(self._resample(np.ascontiguousarray(mono), last=False))

    def flush(self) -> list[Samples]:
        """The sound has ended: what the resampler still held, the last chunk padded with zeros.

        Mostly one chunk; none if nothing is left; two where a slow input rate makes the resampler's delay long.
        The chunker is of no use afterwards.
        """
        chunks = self._cut(self._resample(np.zeros(0, np.float32), last=True))
        if len(self._rest):
            self.samples_out += len(self._rest)
            chunks.append(np.pad(self._rest, (0, CHUNK_SAMPLES - len(self._rest))))
            self._rest = self._rest[:0]
        return chunks

    @property
    def damage(self) -> str:
        """What had to be repaired so far, for a log line; empty if nothing was."""
        parts = []
        if self.non_finite:
            parts.append(f"{self.non_finite} samples were no finite numbers and became 0")
        if self.clamped:
            parts.append(f"{self.clamped} samples beyond full scale were clamped")
        return "; ".join(parts)

    def _clean(self, frames: Frames) -> Samples:
        """Frames as float32 in [-1, 1], a copy where the caller's would have to change."""
        if frames.dtype.kind != "f":
            return _scale(frames)
        finite = np.isfinite(frames)
        if not finite.all():
            self.non_finite += int(finite.size - np.count_nonzero(finite))
            frames = np.where(finite, frames, np.zeros((), frames.dtype))
        clamped = np.clip(frames, -1.0, 1.0).astype(np.float32, copy=False)
        self.clamped += int(np.count_nonzero(np.abs(frames) > 1.0))
        return clamped

    def _resample(self, mono: Samples, last: bool) -> Samples:
        if self._resampler is None:
            return mono
        resampled: Samples = self._resampler.resample_chunk(mono, last=last)
        # A band-limited signal may overshoot between the samples that it came from. That is no fault of the source,
        # so it is clamped, but not counted.
        return np.clip(resampled, -1.0, 1.0)

    def _cut(self, samples: Samples) -> list[Samples]:
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // CHUNK_SAMPLES * CHUNK_SAMPLES
        self._rest = joined[whole:].copy()  # a copy, or the rest would keep the whole block in memory
        self.samples_out += whole
        return list(joined[:whole].reshape(-1, CHUNK_SAMPLES))


def _scale(frames: Frames) -> Samples:
    """Integers as float32 in [-1, 1)."""
    if frames.dtype == np.uint8:
        return (frames.astype(np.float32) - np.float32(128)) / np.float32(128)
    full_scale = _FULL_SCALE.get(frames.dtype)
    if full_scale is None:
        raise ValueError(f"samples of type {frames.dtype} are not understood")
    return (frames / np.float64(full_scale)).astype(np.float32)
