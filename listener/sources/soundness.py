"""Whether what a live source delivers can be sound at all. Pure: clocks are given."""

from dataclasses import dataclass, field

import numpy as np

from listener.types import CHUNK_SECONDS, Chunk

SILENT_SECONDS = 3.6
"""9 chunks of one constant value: shown within 5 s, together with the chunk that had begun. A room is never so quiet,
not even a gate in a camera that sends noise of one bit."""
FLAT = 1e-6
"""Peak to peak, of full scale 2: half of what one bit of 20 is. A constant may ring that much where it is resampled."""
FLOOD_FACTOR = 1.5
FLOOD_SECONDS = 12.0
"""So much sound may come at once: a stream's buffer when it is opened, what a sleeping machine had recorded."""


@dataclass(slots=True)
class Soundness:
    """Looks at each chunk of one opening. `fault` says what is wrong, in words that follow the source's name.

    `silent_chunks` is counted over openings: one that begins as the last one ended has not recovered.
    """

    bounded: bool = True
    """Whether the source has a pace of its own. A pipe has not: who is ahead waits."""
    began: float | None = None
    heard_seconds: float = 0.0
    flat_chunks: int = 0
    flat_since: float = 0.0
    dropped: int = field(default=0)

    def fault(self, chunk: Chunk, now: float) -> str | None:
        """`now` is the monotonic clock (s) when the chunk came."""
        return self._flat(chunk, now) or self._flood(now)

    def _flat(self, chunk: Chunk, now: float) -> str | None:
        first, middle = chunk.samples[0], chunk.samples[len(chunk.samples) // 2]
        if abs(middle - first) > FLAT:  # nearly always, and quicker than the smallest and the largest of 6,400
            self.flat_chunks = 0
            return None
        low, high = float(chunk.samples.min()), float(chunk.samples.max())
        if high - low > FLAT:
            self.flat_chunks = 0
            return None
        self.flat_chunks += 1
        if self.flat_chunks == 1:
            self.flat_since = now - CHUNK_SECONDS
        # By both clocks: a pipe that is read faster than life may bring seconds of silence in a moment.
        if self.flat_chunks * CHUNK_SECONDS < SILENT_SECONDS or now - self.flat_since < SILENT_SECONDS:
            return None
        if abs(high) <= FLAT:
            return "delivers only digital silence (zeros); is it muted, at its switch or in the mixer"
        return f"delivers the same value ({high:.3f}) all the time; unplug it and plug it in again"

    def _flood(self, now: float) -> str | None:
        if self.began is None:
            self.began = now
        self.heard_seconds += CHUNK_SECONDS
        allowed_seconds = FLOOD_SECONDS + FLOOD_FACTOR * (now - self.began)
        if not self.bounded or self.heard_seconds <= allowed_seconds:
            return None
        return f"delivers more than {FLOOD_FACTOR:g} s of sound in a second; its clock or its driver is broken"


def is_flat(chunk: Chunk) -> bool:
    """Whether the chunk holds one value only."""
    return float(np.ptp(chunk.samples)) <= FLAT
