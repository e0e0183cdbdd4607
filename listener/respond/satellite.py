"""A satellite's loudspeaker as a room's output: audio-start, audio-chunk …, audio-stop; `played` when it was heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, Protocol

import soxr
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable

from listener.errors import SourceError, VoiceError
from listener.respond.output import Clip, Track

RATE_HZ: Final = 22_050
"""What the speakers of satellites expect unless they are told otherwise (wyoming-satellite, `--snd-command-rate`)."""
CHUNK_SECONDS: Final = 0.05
LEAD_SECONDS: Final = 0.4
"""So much is sent before it is due: the network may stumble, and what is sent cannot be stopped any more."""
TAKE_SECONDS: Final = 4.0
"""A satellite that does not take the next piece for so long hangs."""
PLAYED_SECONDS: Final = 2.0
"""After the last word, for a satellite that does not say that it has played; decision 95."""


class Line(Protocol):
    """A connection to a satellite. `played`: it says that it has played all; `ended`: it is gone."""

    @property
    def played(self) -> asyncio.Event: ...

    @property
    def ended(self) -> asyncio.Event: ...

    async def send(self, event: Event) -> None:
        """Raises SourceError: the connection is gone."""
        ...


class HasSpeaker(Protocol):
    @property
    def description(self) -> str: ...

    def speaker(self) -> AbstractAsyncContextManager[Line]:
        """Entering raises SourceError: not to be reached."""
        ...


class SatelliteSpeaker:
    """Implements `Output`: the loudspeaker of a satellite."""

    def __init__(self, satellite: HasSpeaker) -> None:
        self._satellite = satellite

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Track]:
        speaker = self._satellite.speaker()
        try:
            line = await speaker.__aenter__()
        except SourceError as error:
            raise VoiceError(f"output: {error}") from None
        track = _Track(line, self._satellite.description)
        try:
            await track.start()
            yield track
        finally:
            with suppress(VoiceError):
                await track.stop()
            await speaker.__aexit__(None, None, None)


class _Track:
    """Sends sound no faster than it is heard, by our clock: a satellite's is seconds off in an hour, not in a reply."""

    def __init__(self, line: Line, description: str) -> None:
        self._line = line
        self._description = description
        self._heard_at = 0.0
        """By the event loop's clock, when all that was sent will have been heard."""
        self._stopped = False

    async def start(self) -> None:
        self._line.played.clear()
        await self._send(AudioStart(RATE_HZ, 2, 1))

    async def play(self, clip: Clip) -> None:
        samples = clip.samples
        if clip.rate_hz != RATE_HZ and len(samples):
            samples = await asyncio.to_thread(soxr.resample, samples, clip.rate_hz, RATE_HZ)
        size = round(CHUNK_SECONDS * RATE_HZ)
        clock = asyncio.get_running_loop().time
        for at in range(0, len(samples), size):
            piece = samples[at : at + size]
            self._heard_at = max(self._heard_at, clock())
            await asyncio.sleep(self._heard_at - LEAD_SECONDS - clock())
            await self._send(AudioChunk(RATE_HZ, 2, 1, piece.astype("<i2").tobytes()))
            self._heard_at += len(piece) / RATE_HZ

    async def finish(self) -> None:
        await self.stop()
        left_seconds = max(0.0, self._heard_at - asyncio.get_running_loop().time())
        signs = [asyncio.create_task(sign.wait()) for sign in (self._line.played, self._line.ended)]
        try:
            await asyncio.wait(signs, timeout=left_seconds + PLAYED_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for sign in signs:
                sign.cancel()
        if self._line.ended.is_set() and not self._line.played.is_set():
            raise VoiceError(f"output: {self._description}: the connection ended before all was heard")

    async def stop(self) -> None:
        """No more is sent; what the satellite holds, it plays."""
        if not self._stopped:
            self._stopped = True
            await self._send(AudioStop())

    async def _send(self, event: Eventable) -> None:
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                await self._line.send(event.event())
        except TimeoutError:
            raise VoiceError(
                f"output: {self._description} has taken no sound for {TAKE_SECONDS:g} s; look at it and at the network"
            ) from None
        except SourceError as error:
            raise VoiceError(f"output: {error}") from None
