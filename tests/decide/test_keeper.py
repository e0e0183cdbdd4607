"""An engine that was lost, or was never there, is built in the background, with backoff."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from test_fallback import FakeEngine

from listener.decide.keeper import FIRST_WAIT_SECONDS, HEALTHY_SECONDS, LONGEST_WAIT_SECONDS, Keeper
from listener.errors import EngineError, ModelError
from listener.types import RoomSettings


class Clock:
    """Stands still but for `pass_time`; a sleeper is woken when its time has come."""

    def __init__(self) -> None:
        self.now_seconds = 1_000.0
        self.slept: list[float] = []
        self._wake = asyncio.Event()

    def now(self) -> float:
        return self.now_seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._wake.wait()
        self._wake.clear()
        self.now_seconds += seconds

    async def wake(self) -> None:
        """Let the sleeper go on, until it sleeps again or has done its work."""
        before = len(self.slept)
        self._wake.set()
        for _ in range(20):
            await asyncio.sleep(0)
            if len(self.slept) > before:
                return


def keeper(clock: Clock, *built: FakeEngine | Exception) -> Keeper:
    script = list(built)

    async def build() -> FakeEngine:
        await asyncio.sleep(0)
        found = script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return Keeper("big", build, sleep=clock.sleep, now=clock.now)


async def settled(
    condition: Callable[[], bool], step: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
) -> None:
    for _ in range(50):
        if condition():
            return
        await step()
    raise AssertionError("it did not come to that")


async def test_an_engine_that_cannot_be_loaded_at_the_start_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    kept = keeper(clock, ModelError("no such folder"), EngineError("CUDA is gone"), ValueError("oops"), FakeEngine())
    await kept.start()
    with pytest.raises(EngineError, match="is loaded in the background"):
        await kept.open("kitchen", "en", RoomSettings())
    await settled(lambda: kept.generation == 1, clock.wake)
    assert await kept.open("kitchen", "en", RoomSettings())
    assert clock.slept == [5.0, 10.0, 20.0]
    assert "no such folder" in caplog.text
    assert "CUDA is gone" in caplog.text
    assert "please report this" in caplog.text
    await kept.close()


async def test_the_lost_engine_is_closed_before_the_next_is_built() -> None:
    clock, first, second = Clock(), FakeEngine(), FakeEngine()
    kept = keeper(clock, first, second)
    await kept.start()
    kept.failed(kept.generation, "CUDA is gone")
    await settled(lambda: bool(clock.slept))
    assert first.closed
    await settled(lambda: kept.generation == 3, clock.wake)
    assert await kept.open("kitchen", "en", RoomSettings()) is second.session
    kept.failed(1, "what the first one did")
    assert await kept.open("kitchen", "en", RoomSettings())
    await kept.close()
    assert second.closed


async def test_the_waiting_grows_to_its_bound_and_begins_anew_after_health() -> None:
    clock = Clock()
    kept = keeper(clock, *(FakeEngine() for _ in range(12)))
    await kept.start()
    for _ in range(10):
        generation = kept.generation
        kept.failed(generation, "again")
        await settled(lambda g=generation: kept.generation == g + 2, clock.wake)  # type: ignore[misc]
    assert clock.slept[:4] == [FIRST_WAIT_SECONDS, 10.0, 20.0, 40.0]
    assert clock.slept[-1] == LONGEST_WAIT_SECONDS
    clock.now_seconds += HEALTHY_SECONDS
    kept.failed(kept.generation, "at last")
    await settled(lambda: len(clock.slept) == 11)
    assert clock.slept[-1] == FIRST_WAIT_SECONDS
    await kept.close()


async def test_an_engine_that_does_not_end_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Hanging(FakeEngine):
        async def close(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("listener.decide.keeper.CLOSE_SECONDS", 0.0)
    clock = Clock()
    kept = keeper(clock, Hanging(), FakeEngine())
    await kept.start()
    with caplog.at_level(logging.ERROR):
        kept.failed(1, "no decision within 2 s")
        await settled(lambda: kept.generation == 3, clock.wake)
    assert "hangs and cannot be ended" in caplog.text
    await kept.close()


async def test_closing_ends_the_attempts() -> None:
    clock = Clock()
    kept = keeper(clock, EngineError("gone"), FakeEngine())
    await kept.start()
    await settled(lambda: bool(clock.slept))
    await kept.close()
    await clock.wake()
    assert kept.generation == 0
