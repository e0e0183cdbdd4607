"""What waits between a live stream and a room that is late."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from listener.chunks import Frames
from listener.errors import SourceError
from listener.sources.backlog import Backlog
from listener.sources.soundness import Soundness
from listener.types import CHUNK_SECONDS, Chunk


async def blocks(count: int, error: Exception | None = None) -> AsyncIterator[Frames]:
    for number in range(count):
        yield np.full((100, 1), number, np.float32)
    if error is not None:
        raise error


async def drained(backlog: Backlog) -> list[int]:
    return [int((await backlog.take())[0, 0]) for _ in range(backlog.frames // 100)]


async def test_a_room_in_time_loses_nothing() -> None:
    async with Backlog("s", 1_000, blocks(3)) as backlog:
        assert [int((await backlog.take())[0, 0]) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(SourceError, match=r"^s has ended$"):
            await backlog.take()


async def test_a_room_that_is_late_hears_the_newest_and_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with Backlog("stream x", 1_000, blocks(50, SourceError("broke off")), seconds=1.0) as backlog:
        while backlog.frames < 1_000 or backlog.dropped_frames < 4_000:
            await asyncio.sleep(0)
        assert await drained(backlog) == list(range(40, 50))
        with pytest.raises(SourceError, match="broke off"):  # after all that came before it
            await backlog.take()
    assert backlog.dropped_frames == 4_000
    assert "stream x: in all, 4.0 s dropped" in caplog.text


async def test_leaving_ends_the_receiving() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[Frames]:
        try:
            await asyncio.Event().wait()
            yield np.zeros((1, 1), np.float32)
        finally:
            ended.set()

    async with Backlog("s", 1_000, endless()):
        await asyncio.sleep(0)
    assert ended.is_set()


@pytest.mark.parametrize("speed", [0.999, 1.0, 1.001])
def test_a_clock_that_is_a_little_off_is_no_fault_in_hours(speed: float) -> None:
    soundness = Soundness()
    noise = np.linspace(-0.1, 0.1, 6_400, dtype=np.float32)
    chunk = Chunk(noise, 0, 1, 1)
    assert not any(soundness.fault(chunk, n * CHUNK_SECONDS / speed) for n in range(20_000))
