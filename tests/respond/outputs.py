"""Fakes of what a mouth needs: they record what was played, and play nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from listener.errors import VoiceError
from listener.respond.output import Clip, Track
from listener.respond.prosody import Prosody

RATE_HZ = 16_000


@dataclass
class FakeSynthesizer:
    """A sample for each character. `faults` are texts that it cannot say; while `gate` is closed it makes nothing."""

    faults: frozenset[str] = frozenset()
    gate: asyncio.Event | None = None
    made: list[tuple[str, str, Prosody]] = field(default_factory=list)

    async def synthesize(self, text: str, language: str, prosody: Prosody) -> Clip:
        self.made.append((text, language, prosody))
        if self.gate is not None:
            await self.gate.wait()
        if text in self.faults:
            raise VoiceError(f"cannot say {text}")
        return Clip(np.full(len(text), 1_000, np.int16), RATE_HZ)


@dataclass
class FakeOutput:
    """Records clips by the number of their samples. `hang`: never finished playing; `fault`: does not open."""

    hang: bool = False
    fault: str | None = None
    log: list[str] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    open_tracks: int = 0
    on_play: Callable[[], None] | None = None
    release: asyncio.Event = field(default_factory=asyncio.Event)
    while_playing: Callable[[], Awaitable[None]] | None = None
    """Waited for during each clip."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Track]:
        if self.fault is not None:
            raise VoiceError(self.fault)
        assert self.open_tracks == 0, "two voices at a time"
        self.open_tracks += 1
        self.log.append("open")
        try:
            yield self
        finally:
            self.open_tracks -= 1
            self.log.append("closed")

    async def play(self, clip: Clip) -> None:
        self.log.append(f"play {len(clip.samples)}")
        self.peaks.append(int(np.abs(clip.samples).max()))
        if self.on_play is not None:
            self.on_play()
        await asyncio.sleep(0)
        if self.while_playing is not None:
            await self.while_playing()

    async def finish(self) -> None:
        if self.hang:
            await self.release.wait()
        self.log.append("finished")


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0)
