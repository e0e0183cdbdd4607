"""What stands behind a Wyoming server in tests, and a client to it: the wyoming package's own, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from listener.config import WyomingServerConfig
from listener.errors import PerceiveError
from listener.servers.wyoming import WyomingServer
from listener.servers.wyoming_offer import Made, Offer, Sound
from listener.types import Intent, Meaning, Samples

MADE = Made("model", "somebody", "https://example.org", ("en", "de"))


@dataclass
class RecordingEars:
    """Says how long it was. `died`: the recognizer has."""

    died: bool = False
    heard: list[tuple[Samples, str]] = field(default_factory=list)

    async def transcribe(self, samples: Samples, language: str) -> str:
        self.heard.append((samples, language))
        if self.died:
            raise PerceiveError("the recognizer died")
        return f"{len(samples) / 16_000:.1f} s"


@dataclass
class Letters:
    """A sentence of as many samples as it has letters, times a thousand."""

    async def speak(self, text: str, language: str) -> AsyncIterator[Sound]:
        for sentence in text.split("."):
            yield Sound(22_050, np.full(1_000 * len(sentence), ord(language[0]), "<i2").tobytes())


@dataclass
class Parrot:
    """Knows two commands. `gate`: while it is closed, nothing is understood."""

    gate: asyncio.Event | None = None

    async def understand(self, text: str, language: str) -> Meaning:
        if self.gate is not None:
            await self.gate.wait()
        if text == "turn on the lamp":
            return Meaning("Done.", True, Intent("HassTurnOn", {"name": "Lamp"}, text, 1.0))
        if text == "what time is it":
            return Meaning(f"Noon ({language}).", True)
        return Meaning("What?")


def offer(**parts: object) -> Offer:
    everything = {"hears": (RecordingEars(), MADE), "speaks": (Letters(), MADE), "understands": (Parrot(), MADE)}
    return Offer("Listener", "1.2", **(everything | parts))  # type: ignore[arg-type]


@asynccontextmanager
async def serving(offered: Offer | None = None, **config: object) -> AsyncIterator[WyomingServer]:
    section = WyomingServerConfig.model_validate({"port": 0, **config})
    async with WyomingServer(section, offered or offer()) as server:
        yield server


@asynccontextmanager
async def client(server: WyomingServer) -> AsyncIterator[AsyncTcpClient]:
    assert server.port is not None
    async with AsyncTcpClient("127.0.0.1", server.port, read_timeout=60) as connected:
        yield connected


async def ask(server: WyomingServer, *events: Event) -> Event | None:
    """The first answer to what is sent on a connection of its own; None: it was closed without one."""
    async with client(server) as connected:
        for event in events:
            await connected.write_event(event)
        return await connected.read_event()


def said(
    samples: np.ndarray, rate: int = 16_000, width: int = 2, channels: int = 1, language: str | None = None
) -> list[Event]:
    """`transcribe` and all that follows it, as Home Assistant sends it. `samples`: float, [n]."""
    pcm = np.repeat((samples * 32_767).astype("<i2"), channels).tobytes()
    size = 2_048 * channels
    chunks = [AudioChunk(rate, width, channels, pcm[at : at + size]).event() for at in range(0, len(pcm), size)]
    start = AudioStart(rate, width, channels).event()
    return [Transcribe(language=language).event(), start, *chunks, AudioStop().event()]
