"""Satellites made of the wyoming package's own classes, over a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.satellite import RunSatellite
from wyoming.server import AsyncEventHandler, AsyncTcpServer

Play = Callable[["Handler"], Awaitable[None]]


class Handler(AsyncEventHandler):
    """A satellite that does what `play` says once it is asked to run."""

    def __init__(self, play: Play, seen: list[Event], *streams: Any) -> None:
        super().__init__(*streams)
        self._play = play
        self._seen = seen
        self._playing: asyncio.Task[None] | None = None

    async def handle_event(self, event: Event) -> bool:
        self._seen.append(event)
        if RunSatellite.is_type(event.type):
            self._playing = asyncio.create_task(self._run())
        return True

    async def _run(self) -> None:
        with contextlib.suppress(OSError):  # the listener has gone
            await self._play(self)

    async def disconnect(self) -> None:
        if self._playing is not None:
            self._playing.cancel()


@asynccontextmanager
async def satellite(play: Play, kind: Callable[..., Handler] = Handler) -> AsyncIterator[tuple[int, list[Event]]]:
    """Its port, and what it was told."""
    server, seen = AsyncTcpServer("127.0.0.1", 0), []
    await server.start(partial(kind, play, seen))
    try:
        yield server._server.sockets[0].getsockname()[1], seen
    finally:
        await server.stop()


def sine(rate: int, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)


async def speak(handler: Handler, seconds: float = 2.0, rate: int = 16_000, width: int = 2, channels: int = 1) -> None:
    mono = sine(rate, seconds)
    sound = np.repeat(mono[:, None], channels, axis=1)
    if width == 1:
        data = np.round(sound * 127 + 128).astype(np.uint8).tobytes()
    elif width == 3:
        data = np.round(sound * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    else:
        data = np.round(sound * (2 ** (8 * width - 1) - 1)).astype(f"<i{width}").tobytes()
    size = 1_024 * width * channels
    for at in range(0, len(data), size):
        await handler.write_event(AudioChunk(rate, width, channels, data[at : at + size]).event())


async def hang(_handler: Handler) -> None:
    await asyncio.Event().wait()
