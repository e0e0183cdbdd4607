"""How many rooms this machine hears in real time: real perception, cascade and MQTT, with sound from memory."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from listener.app import App
from listener.bench.bare import Bare
from listener.bench.ports import free_port
from listener.bench.synthesis import (
    TEMPORAL_THREE,
    at_level,
    cadenced,
    doorbell,
    microwave_beeps,
    phone_ring,
    pink_noise,
    silence,
)
from listener.config import Config, SourceConfig, parse
from listener.errors import PublishError
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Samples, Source

DEADLINE_SECONDS = CHUNK_SECONDS
WARM_UP_SECONDS = 10.0
"""All rooms begin at once, while thousands of states are told to the broker: measured is what is held after that."""
NEVER_SECONDS = 1e6
FIRST_ROOMS = 25
SPEAKING_ROOMS_EVERY = 10
FINEST_STEP = 0.04
"""The search ends when the bounds are this close, as a part of the number of rooms."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`p99_seconds`: age of a chunk, from its last sample to its decision.

    Memory and processor time are those of the daemon and the processes that hear for it, together.
    """

    rooms: int
    p99_seconds: float
    rss_mb: float
    cpu_seconds: float
    audio_seconds: float

    @property
    def in_time(self) -> bool:
        return self.p99_seconds < DEADLINE_SECONDS


def household(seconds: float = 60.0, seed: int = 7) -> Samples:
    """A loop of household sound: noise throughout, and something that happens every ten seconds."""
    rng = np.random.default_rng(seed)
    happenings = (
        doorbell(rng, 4.0),
        microwave_beeps(rng, 5.0),
        phone_ring(rng, 6.0),
        cadenced(TEMPORAL_THREE, 9.0, 3_100.0),
    )
    out = silence(seconds)
    for start in range(5, int(seconds) - 10, 10):
        sound = at_level(happenings[(start // 10) % len(happenings)], -12.0)
        first = start * 16_000
        out[first : first + len(sound)] += sound
    loop: Samples = np.clip(out + at_level(pink_noise(rng, seconds), -25.0), -1.0, 1.0)
    return loop


class LoopedSound:
    """Source that plays a loop from memory at the speed of life, stamped when each chunk's last sample is due."""

    live = True
    description = "looped sound"

    def __init__(self, loop: Samples, phase_seconds: float, offset_chunks: int) -> None:
        self._chunks = loop[: len(loop) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
        self._phase_seconds = phase_seconds
        self._offset_chunks = offset_chunks

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        due_ns = time.monotonic_ns() + int(self._phase_seconds * 1e9)
        index = first_index
        while True:
            due_ns += int(CHUNK_SECONDS * 1e9)
            late_ns = time.monotonic_ns() - due_ns
            if late_ns < 0:
                await asyncio.sleep(-late_ns / 1e9)
            samples = self._chunks[(index + self._offset_chunks) % len(self._chunks)]
            yield Chunk(samples, index, time.time_ns() - max(late_ns, 0), due_ns)
            index += 1


def _config(rooms: int, broker: tuple[str, int], model: Path | None, *, speech: bool) -> Config:
    return parse(
        {
            "rooms": [
                {"name": f"Room {n}", "source": {"type": "pipe" if n == 0 else "microphone"}, "addressing": "open"}
                for n in range(rooms)
            ],
            "mqtt": {"host": broker[0], "port": broker[1], "base_topic": "listener-bench", "discovery": False},
            "sounds": {"model": model},
            "speech": {"enabled": speech},
        }
    )


def _sources(rooms: int, spoken: Samples | None) -> Callable[[SourceConfig], Source]:
    """Household sound in every room; where there is speech, in one of ten it is that."""
    numbers = iter(range(rooms))
    loop = household()

    def next_source(_config: SourceConfig) -> Source:
        number = next(numbers)
        sound = loop if spoken is None or number % SPEAKING_ROOMS_EVERY else spoken
        return LoopedSound(sound, CHUNK_SECONDS * number / rooms, offset_chunks=37 * number)

    return next_source


async def measure(
    rooms: int,
    seconds: float,
    broker: tuple[str, int],
    model: Path | None = None,
    spoken: Samples | None = None,
) -> Measured:
    """Run the daemon with so many rooms for `seconds` after a warm-up. Raises ListenerError when it cannot start.

    `spoken`: a loop of speech, heard in one room of ten; speech is then listened for in all of them.
    """
    process = psutil.Process()
    stop = asyncio.Event()
    with tempfile.TemporaryDirectory() as state:
        config = _config(rooms, broker, model, speech=spoken is not None)
        app = App(config, Path(state), read_source=_sources(rooms, spoken), health_seconds=NEVER_SECONDS)
        running = asyncio.create_task(app.run(stop))
        try:
            await _until(app.hearing, running)
            await _pass(WARM_UP_SECONDS, running)
            app.take_ages()
            before = _cpu_seconds(process)
            await _pass(seconds, running)
            after = _cpu_seconds(process)
            rss_mb = _rss_mb(process)
            ages = np.array(app.take_ages())
        finally:
            stop.set()
            await asyncio.gather(running, return_exceptions=True)
    late = rooms * int(seconds / CHUNK_SECONDS) - len(ages)
    return Measured(
        rooms=rooms,
        # Chunks that were due and not decided at all count as late: a daemon that falls behind must not look quick.
        p99_seconds=round(float(np.quantile(np.append(ages, np.full(max(late, 0), seconds)), 0.99)), 4),
        rss_mb=round(rss_mb, 1),
        cpu_seconds=round(after - before, 2),
        audio_seconds=round(len(ages) * CHUNK_SECONDS, 1),
    )


def _family(process: psutil.Process) -> list[psutil.Process]:
    """The daemon and the processes that hear for it, without the broker."""
    return [process, *(child for child in process.children() if child.name() != "mosquitto")]


def _cpu_seconds(process: psutil.Process) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in _family(process))


def _rss_mb(process: psutil.Process) -> float:
    return sum(member.memory_info().rss for member in _family(process)) / 1e6


async def _pass(seconds: float, running: "asyncio.Task[None]") -> None:
    """Let the daemon run; what it raises is raised here."""
    done, _ = await asyncio.wait([running], timeout=seconds)
    if done:
        running.result()


async def _until(event: asyncio.Event, running: "asyncio.Task[None]") -> None:
    """Wait for the daemon's event; what the daemon raises is raised here."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()


def search(measure_rooms: Callable[[int], Measured], most: int = 4_000) -> Measured:
    """The largest number of rooms that is heard in time: doubled until it is too many, then halved in between."""
    low, high = measure_rooms(FIRST_ROOMS), FIRST_ROOMS
    if not low.in_time:
        return low
    while high < most:
        high = min(2 * low.rooms, most)
        measured = measure_rooms(high)
        if not measured.in_time:
            break
        low = measured
    while low.in_time and high - low.rooms > max(1, FINEST_STEP * high):
        measured = measure_rooms((low.rooms + high) // 2)
        low, high = (measured, high) if measured.in_time else (low, measured.rooms)
    return low


@contextmanager
def external_broker() -> Iterator[tuple[str, int]]:
    """A mosquitto of our own on a free port. Raises PublishError when there is no mosquitto."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise PublishError("no broker to publish to: install mosquitto (`apt install mosquitto`), or give --broker")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mosquitto.conf"
        path.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8")
        broker = subprocess.Popen([program, "-c", str(path)], stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            _wait_for(port)
            yield "127.0.0.1", port
        finally:
            broker.terminate()
            broker.wait(timeout=10)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise PublishError("mosquitto did not start within 5 s")


def as_dict(measured: Measured, bare: Bare | None) -> dict[str, float]:
    """What was measured, and which part of the network's own bound that is, where there is a network."""
    found: dict[str, float] = asdict(measured)
    if bare is not None:
        found |= {"bare_window_ms": bare.window_ms, "bare_rooms": bare.rooms}
        found["part_of_bare"] = round(measured.rooms / bare.rooms, 3)
    return found
