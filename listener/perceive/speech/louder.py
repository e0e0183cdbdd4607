"""Somebody who is louder than ourselves while we speak. Counted in samples; no model.

An utterance that began with our own words goes on with theirs, and a recognizer makes nothing of the mixture. But who
wants us to be quiet raises their voice (Lombard's effect), and we know how loud our own was a moment ago.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from listener.types import SAMPLE_RATE_HZ, Samples

FRAME_SAMPLES: Final = 320
"""20 ms"""
MEMORY_FRAMES: Final = 300
LEAST_FRAMES: Final = 100
"""Two seconds of ourselves, before anybody can be louder; of six, over several replies, we remember our level."""
LOUDER_DB: Final = 6.0
"""Above the loudest twentieth of these: our own vowels differ by less (docs/decisions/0085)."""
QUANTILE: Final = 0.95
BEGIN_FRAMES: Final = 5
BEGIN_LOUD: Final = 4
END_FRAMES: Final = 15
"""0.3 s: the closure in "stop", the pause in "stop talking"."""
BEFORE_SAMPLES: Final = round(0.16 * SAMPLE_RATE_HZ)
AFTER_SAMPLES: Final = round(0.12 * SAMPLE_RATE_HZ)
"""Consonants are fainter than vowels: the `s` before, the `p` after."""
LONGEST_SAMPLES: Final = round(1.6 * SAMPLE_RATE_HZ)
"""Nobody says "stop" for longer; what is louder for so long is what we sound like now."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From this sample of the stream to that one somebody was louder."""

    start: int
    end: int


class LouderVoice:
    """Of one room; to be told of every chunk while we are heard."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._loud: deque[bool] = deque(maxlen=BEGIN_FRAMES)
        self._start: int | None = None
        self._last_loud = 0

    def pause(self) -> None:
        """We are silent: whoever speaks now does not speak into our words. How loud we were is remembered."""
        self._loud.clear()
        self._start = None

    def step(self, samples: Samples, end: int) -> list[Stretch]:
        """Hear a chunk that ends at that sample of the stream; the stretches that are over."""
        frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        powers = np.einsum("ij,ij->i", frames, frames) / FRAME_SAMPLES
        limit = self._limit()
        at = end - len(samples)
        over: list[Stretch] = []
        for power in powers.tolist():
            at += FRAME_SAMPLES
            level = 10.0 * math.log10(max(power, 1e-12))
            if (stretch := self._frame(level, level >= limit, at)) is not None:
                over.append(stretch)
        return over

    def _limit(self) -> float:
        if len(self._levels) < LEAST_FRAMES:
            return math.inf
        return float(np.quantile(self._levels, QUANTILE)) + LOUDER_DB

    def _frame(self, level: float, loud: bool, at: int) -> Stretch | None:
        self._loud.append(loud)
        if loud:
            self._last_loud = at
        if self._start is None:
            if sum(self._loud) >= BEGIN_LOUD:
                self._start = at - BEGIN_FRAMES * FRAME_SAMPLES
            elif not loud:
                self._levels.append(level)
            return None
        if at - self._start > LONGEST_SAMPLES:
            self._levels.clear()
            self.pause()
            return None
        if at - self._last_loud < END_FRAMES * FRAME_SAMPLES:
            return None
        start, self._start = self._start, None
        self._loud.clear()
        return Stretch(max(0, start - BEFORE_SAMPLES), self._last_loud + AFTER_SAMPLES)
