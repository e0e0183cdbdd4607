"""A loudspeaker and a microphone in one room: what is played comes back, fainter and later, with the room's echo.

Time is that of the stream, and stands still until somebody asks for the next chunk: what is measured does not depend on
how fast the machine is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic_ns, time_ns
from typing import Final

import numpy as np
import soxr

from listener.respond.output import Clip, Track
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Chunk, Outage, Samples

OPEN_SECONDS: Final = 0.2
"""From asking for the device to its first block (docs/decisions/0050)."""
BUFFER_SECONDS: Final = 1.0
"""So much is handed over before it is heard: pipes, and the sound server's buffer."""
DRAIN_SECONDS: Final = 0.3


class Air:
    """Implements `Output` and `Supervisor`. `background` is what is heard besides ourselves, and how long.

    `impulse_response` is how the room answers the loudspeaker, of energy 1; `echo_db` how much fainter we are in the
    microphone than what was played; `settled` waits until everybody has done what the last chunk asked them to do.
    """

    def __init__(
        self,
        background: Samples,
        impulse_response: Samples,
        echo_db: float,
        delay_seconds: float,
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        self.now = 0
        """The stream's sample that is heard next."""
        self._heard = background[: len(background) // CHUNK_SAMPLES * CHUNK_SAMPLES].copy()
        self._played = np.zeros_like(self._heard)
        delay = np.zeros(_samples(delay_seconds), np.float32)
        energy = float(np.sqrt(np.sum(impulse_response**2)))
        self._path = np.concatenate((delay, impulse_response)) * np.float32(10 ** (echo_db / 20) / energy)
        self._settled = settled
        self._waiting: list[tuple[int, asyncio.Event]] = []

    @property
    def t(self) -> float:
        """Seconds of audio."""
        return self.now / SAMPLE_RATE_HZ

    @property
    def over(self) -> bool:
        """The stream has ended."""
        return self.now >= len(self._heard)

    @property
    def own_seconds(self) -> float:
        """How long something of ours was played so far."""
        frames = self._played[: self.now // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, 160)
        return float(np.count_nonzero(np.abs(frames).max(axis=1, initial=0.0) > 1e-4)) / 100

    def voice(self, samples: Samples) -> float:
        """Somebody speaks, from now on. Returns when they will have ended, in seconds of audio."""
        end = min(self.now + len(samples), len(self._heard))
        self._heard[self.now : end] += samples[: end - self.now]
        return end / SAMPLE_RATE_HZ

    async def until(self, sample: int) -> None:
        """Wait for that sample of the stream. At the end of the stream nobody waits any more."""
        await asyncio.sleep(0)  # also then others have their turn
        while self.now < min(sample, len(self._heard)):
            event = asyncio.Event()
            self._waiting.append((sample, event))
            await event.wait()

    async def rest(self, seconds: float) -> None:
        await self.until(self.now + _samples(seconds))

    async def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        """The microphone: to the end of the background."""
        for index in range(first_index, first_index + len(self._heard) // CHUNK_SAMPLES):
            await self._settled()
            samples = self._microphone()
            self.now += CHUNK_SAMPLES
            self._wake()
            yield Chunk(samples, index, time_ns(), monotonic_ns())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Track]:
        """The loudspeaker."""
        await self.rest(OPEN_SECONDS)
        track = _AirTrack(self)
        try:
            yield track
        finally:
            self._played[self.now :] = 0.0  # whoever leaves early is silent at once

    def emit(self, samples: Samples, start: int) -> int:
        """Play from that sample on; returns the sample after the last."""
        end = min(start + len(samples), len(self._played))
        self._played[start:end] = samples[: max(0, end - start)]
        return end

    def _microphone(self) -> Samples:
        """The next chunk: what is heard in the room, and the part of the echo that falls into it."""
        before = len(self._path) - 1
        first, end = self.now - before, self.now + CHUNK_SAMPLES
        played = np.pad(self._played[max(0, first) : end], (max(0, -first), 0))
        size = len(played) + before
        echo = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(self._path, size), size)[before : len(played)]
        return np.clip(self._heard[self.now : end] + echo, -1.0, 1.0).astype(np.float32)

    def _wake(self) -> None:
        for sample, event in self._waiting:
            if self.over or self.now >= sample:
                event.set()
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].is_set()]


class _AirTrack:
    """One reply on its way through the air."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._end = air.now

    async def play(self, clip: Clip) -> None:
        samples: Samples = clip.samples.astype(np.float32) / np.float32(32_768)
        if clip.rate_hz != SAMPLE_RATE_HZ and len(samples):
            samples = soxr.resample(samples, clip.rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
        self._end = self._air.emit(samples, max(self._end, self._air.now))
        await self._air.until(self._end - _samples(BUFFER_SECONDS))

    async def finish(self) -> None:
        await self._air.until(self._end + _samples(DRAIN_SECONDS))


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
