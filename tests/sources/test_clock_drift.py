"""A satellite whose clock is fast, over a real socket: 1 % for ten minutes, which gains what 0.1 % gains in 100."""

import asyncio
from contextlib import aclosing
from functools import partial

import numpy as np
import pytest
from sources.satellites import Handler, satellite
from wyoming.audio import AudioChunk

from listener.sources import backlog
from listener.sources.supervisor import SupervisedSource
from listener.sources.wyoming import Satellite
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk

SECONDS = 600
"""Its clock gains 6 s: more than what may wait for a room."""
SPEED = 1.01
EVENT_SAMPLES = 16_000
RATE = 16_000


def numbered(first: int, count: int) -> bytes:
    """A saw of 1,000 samples, each of which says where it belongs."""
    return ((np.arange(first, first + count) % 1_000) * 30).astype("<i2").tobytes()


async def send_for_hours(heard: asyncio.Semaphore, handler: Handler) -> None:
    """As fast as the room hears it, so that minutes take seconds."""
    for second in range(SECONDS):
        await heard.acquire()
        sound = numbered(second * EVENT_SAMPLES, EVENT_SAMPLES)
        await handler.write_event(AudioChunk(RATE, 2, 1, sound).event())


async def test_a_satellite_with_another_clock_is_heard_without_a_gap(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    most_waiting = 0

    class Watched(backlog.Backlog):
        def _put(self, block: np.ndarray) -> None:
            nonlocal most_waiting
            super()._put(block)
            most_waiting = max(most_waiting, self.frames)

    monkeypatch.setattr("listener.sources.wyoming.Backlog", Watched)
    now = 0.0
    ahead = asyncio.Semaphore(2)  # seconds that are on their way
    async with satellite(partial(send_for_hours, ahead)) as (port, _):
        source = SupervisedSource(Satellite("127.0.0.1", port, 60.0, 60.0), 60.0, clock=lambda: now)
        chunks = SECONDS * RATE // CHUNK_SAMPLES
        async with aclosing(source.items(0)) as items:
            for index in range(chunks):
                item = await anext(items)
                assert isinstance(item, Chunk), item
                now += CHUNK_SECONDS / SPEED  # by our clock, its second takes a little less
                if (index + 1) % 5 in (0, 3):
                    ahead.release()
                assert item.index == index
                expected = (np.arange(index * CHUNK_SAMPLES, (index + 1) * CHUNK_SAMPLES) % 1_000) * 30 / 32_768
                assert np.abs(item.samples - expected).max() < 1e-6
    assert source.reopened == 0
    assert most_waiting <= 3 * EVENT_SAMPLES, "nothing grows"
    assert "dropped" not in caplog.text
