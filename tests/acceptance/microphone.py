"""A microphone of the network that a test speaks into: a Wyoming satellite which always streams, over a real socket.

It is the package wyoming's own server. Sound runs at the speed of life; whatever is played goes out over faint noise.
Its loudspeaker remembers what it was sent, and says that it has played it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.snd import Played

from listener.types import SAMPLE_RATE_HZ, Samples

STEP_SECONDS = 0.05
NOISE_AMPLITUDE = 3e-4
"""About -70 dBFS: a quiet room. Digital silence would be a fault."""


Sound = Callable[[int, np.random.Generator], bytes]
"""So many samples of what sounds in the room next, as int16."""


class Microphone:
    """`with Microphone(port) as microphone: microphone.play(samples)`. One thread with an event loop of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._waiting: list[Samples] = []
        self._lock = threading.Lock()
        self._silent = threading.Event()
        self._silent.set()
        self._serving: _Serving | None = None

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def plug_in(self) -> None:
        assert self._serving is None, "it is plugged in"
        self._serving = _Serving(self.port, self._next)

    def unplug(self) -> None:
        """Nobody answers on the port any more."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None

    @property
    def listeners(self) -> int:
        """How many connections hear it at the moment."""
        return 0 if self._serving is None else self._serving.streaming

    @property
    def spoken_bytes(self) -> int:
        """How much its loudspeaker was sent, since it was plugged in."""
        return 0 if self._serving is None else self._serving.spoken_bytes

    def play(self, samples: Samples) -> None:
        """Sound in the room, after what is already being played: float32 mono at 16 kHz."""
        with self._lock:
            self._waiting.append(samples.astype(np.float32))
            self._silent.clear()

    def hush(self) -> None:
        """Nothing more of what was to be played."""
        with self._lock:
            self._waiting.clear()
            self._silent.set()

    def wait_until_played(self, seconds: float = 60.0) -> None:
        assert self._silent.wait(seconds), "nobody listens to this microphone"

    def _next(self, count: int, noise: np.random.Generator) -> bytes:
        """`count` samples as int16."""
        out = noise.normal(0.0, NOISE_AMPLITUDE, count)
        at = 0
        with self._lock:
            while at < count and self._waiting:
                piece = self._waiting[0][: count - at]
                out[at : at + len(piece)] += piece
                at += len(piece)
                self._waiting[0] = self._waiting[0][len(piece) :]
                if not len(self._waiting[0]):
                    del self._waiting[0]
            if not self._waiting:
                self._silent.set()
        return (np.clip(out, -1, 1) * 32_767).astype("<i2").tobytes()


class _Serving:
    """The satellite's server, in a thread with an event loop of its own, until `stop`."""

    def __init__(self, port: int, sound: Sound) -> None:
        self._port = port
        self._sound = sound
        self._satellites: set[_Satellite] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name=f"microphone {port}", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), f"no satellite on port {port}"

    @property
    def streaming(self) -> int:
        return sum(satellite.streams for satellite in tuple(self._satellites))

    @property
    def spoken_bytes(self) -> int:
        return sum(satellite.spoken_bytes for satellite in tuple(self._satellites))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), f"the satellite on port {self._port} does not end"

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = AsyncTcpServer("127.0.0.1", self._port)
        await server.start(partial(_Satellite, self._sound, self._satellites))
        self._ready.set()
        await self._stop.wait()
        await server.stop()
        for satellite in tuple(self._satellites):  # the server closes its port, and not its connections
            satellite.hang_up()
        await asyncio.sleep(0.05)


class _Satellite(AsyncEventHandler):
    """One connection: streams from when it is asked to run until it is told to pause or the line is gone."""

    def __init__(self, sound: Sound, all_of_them: "set[_Satellite]", *streams: Any) -> None:
        super().__init__(*streams)
        self._sound = sound
        self._all = all_of_them
        self._all.add(self)
        self._streaming: asyncio.Task[None] | None = None
        self.spoken_bytes = 0

    @property
    def streams(self) -> bool:
        return self._streaming is not None and not self._streaming.done()

    async def handle_event(self, event: Event) -> bool:
        if RunSatellite.is_type(event.type) and self._streaming is None:
            self._streaming = asyncio.create_task(self._stream())
        elif AudioChunk.is_type(event.type):
            self.spoken_bytes += len(AudioChunk.from_event(event).audio)
        elif AudioStop.is_type(event.type):
            await self.write_event(Played().event())
        return not PauseSatellite.is_type(event.type)

    async def disconnect(self) -> None:
        self._all.discard(self)
        if self._streaming is not None:
            self._streaming.cancel()
            await asyncio.wait([self._streaming])

    def hang_up(self) -> None:
        self.writer.transport.abort()

    async def _stream(self) -> None:
        loop = asyncio.get_running_loop()
        noise = np.random.default_rng(1)
        count = round(STEP_SECONDS * SAMPLE_RATE_HZ)
        due = loop.time()
        with contextlib.suppress(OSError):  # the listener has gone
            while True:
                await self.write_event(AudioChunk(SAMPLE_RATE_HZ, 2, 1, self._sound(count, noise)).event())
                due += STEP_SECONDS
                await asyncio.sleep(max(0.0, due - loop.time()))
