"""Where an utterance begins and ends, from probabilities of a voice. Counted in samples: no clock, no chunk."""

from dataclasses import dataclass
from typing import Final

from listener.config import VadConfig
from listener.perceive.speech.silero import FRAME_SAMPLES
from listener.types import SAMPLE_RATE_HZ

PRE_ROLL_SECONDS: Final = 0.3
"""Kept before the first frame with a voice: unvoiced consonants come before what the network calls a voice."""

HYSTERESIS: Final = 0.15
"""A voice goes on until its probability is so far below the threshold (Silero's own utilities use the same)."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Somebody has begun to speak at this sample of the stream, pre-roll included."""

    start: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last sample with a voice. `cut`: it was ended for its length, and somebody may still speak."""

    end: int
    cut: bool = False


class Endpointer:
    """One room's: `step` takes a frame's probability and the stream's sample at which the frame ends."""

    def __init__(self, config: VadConfig) -> None:
        self._config = config
        self._min_speech = round(config.min_speech_seconds * SAMPLE_RATE_HZ)
        self._max_silence = round(config.max_silence_seconds * SAMPLE_RATE_HZ)
        self._max_samples = round(config.max_seconds * SAMPLE_RATE_HZ)
        self._voiced = 0
        self._start: int | None = None
        self._last_voice = 0

    @property
    def speaking(self) -> bool:
        return self._start is not None

    def quiet_samples(self, end: int) -> int:
        """For how long nobody has been heard in the utterance that is open; 0 where none is."""
        return 0 if self._start is None else end - self._last_voice

    def step(self, probability: float, end: int, raised: float = 0.0) -> Begun | Ended | None:
        """`raised`: by how much the threshold is higher, while we hear ourselves."""
        threshold = min(0.95, self._config.threshold + raised)
        if self._start is None:
            return self._wait(probability >= threshold, end)
        if probability >= max(0.05, threshold - HYSTERESIS):
            self._last_voice = end
        if end - self._last_voice >= self._max_silence:
            return self._finish()
        return self._finish(cut=True) if end - self._start >= self._max_samples else None

    def silence(self) -> None:
        """The gate is closed: whatever seemed to begin did not."""
        self._voiced = 0

    def finish(self) -> Ended | None:
        """End the utterance that is open, if one is."""
        self._voiced = 0
        return None if self._start is None else self._finish()

    def _wait(self, voiced: bool, end: int) -> Begun | None:
        self._voiced = self._voiced + FRAME_SAMPLES if voiced else 0
        if self._voiced < self._min_speech:
            return None
        self._start = max(0, end - self._voiced - round(PRE_ROLL_SECONDS * SAMPLE_RATE_HZ))
        self._last_voice, self._voiced = end, 0
        return Begun(self._start)

    def _finish(self, cut: bool = False) -> Ended:
        self._start = None
        return Ended(self._last_voice, cut)
