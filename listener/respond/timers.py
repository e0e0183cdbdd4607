"""Timers and reminders: what runs, what is paused, and when it rings.

A timer is on disk from the moment it is set until its ring has been said, so a crash makes it late and never loses it.
The id of the ring's reply is the timer's, so a ring that a crash cut short is recognised when it is said again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from listener.errors import StoreError
from listener.types import Timer, TimerStore

logger = logging.getLogger(__name__)

MAX_TIMERS = 100
MAX_SECONDS = 7 * 24 * 3_600.0

RING_AGAIN_SECONDS = 60.0
"""A ring that nobody has said yet (too many replies waited) is offered again after so long."""

Ring = Callable[[Timer, float, Callable[[], Awaitable[None]]], Awaitable[None]]
"""Is told the timer, how many seconds late it is, and whom to call when the ring has been said."""


class Alarm(Protocol):
    """Calls back at a time of the wall clock (seconds since 1970, UTC); at once if that has passed."""

    def set(self, key: str, due: float, wake: Callable[[str], Awaitable[None]]) -> None:
        """Replaces what was set under `key`."""
        ...

    def clear(self, key: str) -> None:
        """Nothing happens if nothing was set."""
        ...


@dataclass(frozen=True, slots=True)
class TimerQuery:
    """Which timer somebody means: by name, by the length it was set to, or by neither."""

    name: str = ""
    seconds: float = 0.0

    def fits(self, timer: Timer) -> bool:
        if self.name and timer.name.casefold() != self.name.casefold():
            return False
        return not self.seconds or timer.seconds == self.seconds


class Timers:
    """All timers of the house. Lives in the event loop; the disk is waited for in a thread."""

    def __init__(self, store: TimerStore, alarm: Alarm, ring: Ring, now: Callable[[], float]) -> None:
        self._store = store
        self._alarm = alarm
        self._ring = ring
        self.now = now
        self._timers: dict[str, Timer] = {}
        self._ringing: set[str] = set()
        self._loaded: set[str] = set()
        self._disk = asyncio.Lock()
        self.unsaved = 0
        """How many changes the disk did not take."""

    async def start(self) -> None:
        """Take up what was set before; what has become due meanwhile rings now."""
        try:
            kept = await asyncio.to_thread(self._store.load)
        except StoreError as error:
            logger.error("%s. Timers from before the start are not known", error)
            return
        for timer in kept:
            self._loaded.add(timer.id)
            self._hold(timer)

    def running(self) -> list[Timer]:
        """What has not rung yet, the next first; paused ones last."""
        waiting = [timer for timer in self._timers.values() if timer.id not in self._ringing]
        return sorted(waiting, key=lambda timer: (timer.due is None, timer.remaining(self.now())))

    def find(self, room: str, query: TimerQuery, kinds: Collection[str] = ("timer",)) -> list[Timer]:
        """Those that may be meant: of these kinds, and of this room, if there is such a one; or else any."""
        fitting = [timer for timer in self.running() if query.fits(timer)]
        fitting = [timer for timer in fitting if timer.kind in kinds] or fitting
        return [timer for timer in fitting if timer.room == room] or fitting

    async def add(
        self, timer_id: str, room: str, kind: Literal["timer", "reminder"], name: str, seconds: float
    ) -> bool:
        """Set a timer. False when it could not be saved: it rings unless we are restarted before."""
        return await self._change(Timer(timer_id, room, kind, name, seconds, self.now() + seconds))

    async def cancel(self, timer: Timer) -> None:
        await self._forget(timer.id)

    async def pause(self, timer: Timer) -> Timer:
        paused = replace(timer, due=None, left_seconds=timer.remaining(self.now()))
        await self._change(paused)
        return paused

    async def resume(self, timer: Timer) -> Timer:
        resumed = replace(timer, due=self.now() + timer.remaining(self.now()), left_seconds=0.0)
        await self._change(resumed)
        return resumed

    async def extend(self, timer: Timer, seconds: float) -> Timer:
        """Add time, or take some away; what has no time left rings."""
        left = min(max(timer.remaining(self.now()) + seconds, 0.0), MAX_SECONDS)
        running = timer.due is not None
        changed = replace(timer, due=self.now() + left if running else None, left_seconds=0.0 if running else left)
        await self._change(changed)
        return changed

    async def clock_set(self, moved_seconds: float) -> None:
        """The clock was set forward: nine minutes are nine minutes, for what was set since we started.

        What is from before goes by the clock: that is all we know of the time we were away.
        """
        for timer in list(self._timers.values()):
            if timer.due is not None and timer.id not in self._loaded | self._ringing:
                await self._change(replace(timer, due=timer.due + moved_seconds))

    async def _forget(self, timer_id: str) -> None:
        self._alarm.clear(timer_id)
        self._ringing.discard(timer_id)
        self._loaded.discard(timer_id)
        self._timers.pop(timer_id, None)
        await self._save(lambda: self._store.delete(timer_id))

    async def _change(self, timer: Timer) -> bool:
        """In memory first, so that two commands in a row see each other; then on disk."""
        self._hold(timer)
        return await self._save(lambda: self._store.put(timer))

    def _hold(self, timer: Timer) -> None:
        self._timers[timer.id] = timer
        if timer.due is None:
            self._alarm.clear(timer.id)
        else:
            self._alarm.set(timer.id, timer.due, self._due)

    async def _due(self, timer_id: str) -> None:
        timer = self._timers.get(timer_id)
        if timer is None or timer.due is None:
            return  # cancelled or paused in the moment of ringing
        self._ringing.add(timer_id)
        self._alarm.set(timer_id, self.now() + RING_AGAIN_SECONDS, self._due)
        await self._ring(timer, max(self.now() - timer.due, 0.0), lambda: self._forget(timer_id))

    async def _save(self, write: Callable[[], None]) -> bool:
        async with self._disk:  # in the order of the commands
            try:
                await asyncio.to_thread(write)
            except StoreError as error:
                self.unsaved += 1
                logger.error("%s (%d so far). Timers set now are lost with a restart; make room", error, self.unsaved)
                return False
        return True
