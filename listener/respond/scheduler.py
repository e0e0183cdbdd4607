"""What happens at a time of the clock: timers that ring, the daily summary. APScheduler keeps the times."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, tzinfo
from time import CLOCK_BOOTTIME, clock_gettime
from time import time as wall_time

import tzlocal
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

logger = logging.getLogger(__name__)

CLOCK_CHECK_SECONDS = 5.0
CLOCK_STEP_SECONDS = 2.0
"""The clock was set, and does not merely drift, when it has moved by so much more than time has passed."""

ClockSet = Callable[[float], Awaitable[None]]
"""Is told by how many seconds the clock was set forward."""


class ClockWatch:
    """Tells a clock that was set from time that has passed, a sleep of the machine included."""

    def __init__(self, wall_seconds: float, passed_seconds: float) -> None:
        self._ahead = wall_seconds - passed_seconds

    def step(self, wall_seconds: float, passed_seconds: float) -> float:
        """Seconds by which the clock was set forward since the last call; 0.0 for less than a step."""
        before, self._ahead = self._ahead, wall_seconds - passed_seconds
        moved = self._ahead - before
        return moved if abs(moved) > CLOCK_STEP_SECONDS else 0.0


def local_zone() -> tzinfo:
    """This machine's time zone; UTC, said once, where it has none that can be understood."""
    try:
        return tzlocal.get_localzone()
    except (LookupError, ValueError, OSError) as error:
        logger.warning("this machine's time zone is not known (%s); the daily summary goes by UTC. Set TZ", error)
        return UTC


class Scheduler:
    """The alarm clock of the daemon: `Alarm` of timers, and daily jobs. Lives in the event loop; jobs are in memory.

    What is due although it should have happened before (a restart, a machine that slept) happens at once.
    """

    def __init__(self) -> None:
        self._jobs = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._clock_set: ClockSet | None = None

    async def __aenter__(self) -> "Scheduler":
        self._jobs.start()
        self._clock = asyncio.create_task(self._watch_clock(), name="clock")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._clock.cancel()
        self._jobs.shutdown(wait=False)
        await asyncio.wait([self._clock])

    def set(self, key: str, due: float, wake: Callable[[str], Awaitable[None]]) -> None:
        """Call `wake(key)` at `due` (seconds since 1970, UTC); replaces what was set under `key`."""
        at = datetime.fromtimestamp(due, UTC)
        self._jobs.add_job(wake, "date", run_date=at, args=[key], id=key, replace_existing=True)

    def clear(self, key: str) -> None:
        if self._jobs.get_job(key) is not None:
            self._jobs.remove_job(key)

    def daily(self, at: time, work: Callable[[], Awaitable[None]]) -> None:
        """Every day at that local time, once also when clocks change."""
        self._jobs.add_job(work, CronTrigger(hour=at.hour, minute=at.minute, timezone=local_zone()))

    def when_clock_is_set(self, tell: ClockSet) -> None:
        self._clock_set = tell

    async def _watch_clock(self) -> None:
        """Look often: APScheduler waits for what it once computed, while clocks are set and machines sleep."""
        watch = ClockWatch(wall_time(), clock_gettime(CLOCK_BOOTTIME))
        while True:
            await asyncio.sleep(CLOCK_CHECK_SECONDS)
            moved = watch.step(wall_time(), clock_gettime(CLOCK_BOOTTIME))
            if moved and self._clock_set is not None:
                logger.warning("the clock was set by %+.0f s", moved)
                await self._clock_set(moved)
            self._jobs.wakeup()
