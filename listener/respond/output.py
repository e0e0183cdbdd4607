"""What a room speaks with: the interfaces between text, synthesis and loudspeaker."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from listener.respond.prosody import Prosody
from listener.types import SAMPLE_RATE_HZ, Samples


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound to be played: int16 `[n]`, mono, at `rate_hz`."""

    samples: NDArray[np.int16] = field(repr=False)
    rate_hz: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate_hz

    def at_volume(self, volume: float) -> "Clip":
        """`volume` 0 to 1, as a factor of the amplitude."""
        return self if volume == 1.0 else Clip((self.samples * volume).astype(np.int16), self.rate_hz)

    def as_heard(self) -> Samples:
        """As a microphone has it: float32 at 16 kHz."""
        samples: Samples = self.samples.astype(np.float32) / np.float32(32_768)
        if self.rate_hz == SAMPLE_RATE_HZ or not len(samples):
            return samples
        heard: Samples = soxr.resample(samples, self.rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
        return heard


class Synthesizer(Protocol):
    """Makes speech of text."""

    async def synthesize(self, text: str, language: str, prosody: Prosody) -> Clip:
        """Raises VoiceError: no voice for the language, a model that is damaged, a process that died or hangs."""
        ...


class Track(Protocol):
    """An open output. Left before `finish`, it falls silent at once."""

    async def play(self, clip: Clip) -> None:
        """Append the clip. Returns when it is on its way, a second at most before it has been heard.

        Raises VoiceError: the device has gone, or takes no sound.
        """
        ...

    async def finish(self) -> None:
        """Wait until everything has been heard. Raises VoiceError."""
        ...


class Output(Protocol):
    """A loudspeaker."""

    def open(self) -> AbstractAsyncContextManager[Track]:
        """Entering raises VoiceError: no such device, in use, no PortAudio."""
        ...
