"""The alarm clock of the daemon, on real time."""

import asyncio
from datetime import datetime, time, timedelta
from time import time as wall_time

import pytest

from listener.respond import scheduler as module
from listener.respond.scheduler import ClockWatch, Scheduler, local_zone


class Bells:
    def __init__(self) -> None:
        self.rung: list[str] = []
        self._rang = asyncio.Event()

    async def ring(self, key: str) -> None:
        self.rung.append(key)
        self._rang.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.rung) < count:
                self._rang.clear()
                await self._rang.wait()


async def test_it_wakes_in_order_and_at_once_what_is_overdue() -> None:
    bells = Bells()
    async with Scheduler() as scheduler:
        scheduler.set("later", wall_time() + 0.3, bells.ring)
        scheduler.set("never", wall_time() + 3_600, bells.ring)
        scheduler.set("long ago", wall_time() - 86_400 * 30, bells.ring)
        await bells.wait(2)
    assert bells.rung == ["long ago", "later"]


async def test_what_is_cleared_or_replaced_does_not_ring() -> None:
    bells = Bells()
    async with Scheduler() as scheduler:
        scheduler.set("a", wall_time() + 0.1, bells.ring)
        scheduler.clear("a")
        scheduler.clear("unheard of")
        scheduler.set("b", wall_time() + 3_600, bells.ring)
        scheduler.set("b", wall_time() + 0.2, bells.ring)
        await bells.wait(1)
    assert bells.rung == ["b"]


async def test_a_daily_job_is_at_its_local_time() -> None:
    async def work() -> None:
        """Not today."""

    async with Scheduler() as scheduler:
        soon = (datetime.now().astimezone() + timedelta(hours=2)).time().replace(second=0, microsecond=0)
        scheduler.daily(time(soon.hour, soon.minute), work)
        (job,) = scheduler._jobs.get_jobs()
        assert job.next_run_time.astimezone(local_zone()).time() == soon


def test_a_clock_that_is_set_is_told_from_time_that_passes() -> None:
    watch = ClockWatch(1_000.0, 50.0)
    assert watch.step(1_005.0, 55.0) == 0.0
    assert watch.step(1_011.5, 60.0) == 0.0  # a drift
    assert watch.step(4_611.5, 3_660.0) == 0.0  # the machine slept
    assert watch.step(9_000.0, 3_665.0) == pytest.approx(4_383.5)
    assert watch.step(9_005.0, 3_670.0) == 0.0
    assert watch.step(5.0, 3_675.0) == pytest.approx(-9_005.0)


async def test_a_clock_that_is_set_is_told_to_who_wants_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: asyncio.Queue[float] = asyncio.Queue()
    ahead = iter([0.0, 0.0, 500.0])
    monkeypatch.setattr(module, "CLOCK_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(module, "wall_time", lambda: next(ahead, 500.0))
    monkeypatch.setattr(module, "clock_gettime", lambda _clock: 0.0)
    async with Scheduler() as scheduler:
        scheduler.when_clock_is_set(moved.put)
        assert await asyncio.wait_for(moved.get(), 10) == 500.0
