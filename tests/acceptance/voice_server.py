"""A voice for Home Assistant: a Wyoming server that hums instead of speaking, made of the package's own classes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from conftest import free_port
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.tts import Synthesize

from listener.bench.synthesis import tone

RATE_HZ = 16_000
WIDTH_BYTES = 2
NAME = "Test voice"


class Voice(AsyncEventHandler):
    """One connection of Home Assistant's integration."""

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(_info().event())
        elif Synthesize.is_type(event.type):
            await self.write_event(AudioStart(RATE_HZ, WIDTH_BYTES, 1).event())
            await self.write_event(AudioChunk(RATE_HZ, WIDTH_BYTES, 1, _hum()).event())
            await self.write_event(AudioStop().event())
        return True


def _hum() -> bytes:
    return (tone(0.3, 440.0) * 8_000).astype(np.dtype("<i2")).tobytes()


def _info() -> Info:
    told = {"attribution": Attribution("test", "http://127.0.0.1"), "installed": True, "version": "1"}
    voice = TtsVoice(name="hum", description="Hums", languages=["en"], speakers=None, **told)
    return Info(tts=[TtsProgram(name=NAME, description=NAME, voices=[voice], **told)])


@contextmanager
def voice_server() -> Iterator[int]:
    """Its port."""
    port, ready, loop = free_port(), threading.Event(), asyncio.new_event_loop()
    end = asyncio.Event()

    async def serve() -> None:
        server = AsyncTcpServer("127.0.0.1", port)
        await server.start(Voice)
        ready.set()
        await end.wait()
        await server.stop()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=work, name="voice")
    thread.start()
    try:
        assert ready.wait(10), f"no voice on port {port}"
        yield port
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
