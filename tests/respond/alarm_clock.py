"""A fake alarm clock and a store in memory, for timers."""

from collections.abc import Awaitable, Callable

from listener.errors import StoreError
from listener.types import Timer


class FakeAlarm:
    """`Alarm` of `listener.respond.timers`: time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._set: dict[str, tuple[float, Callable[[str], Awaitable[None]]]] = {}

    def set(self, key: str, due: float, wake: Callable[[str], Awaitable[None]]) -> None:
        self._set[key] = (due, wake)

    def clear(self, key: str) -> None:
        self._set.pop(key, None)

    async def pass_seconds(self, seconds: float) -> None:
        self.now += seconds
        for key, (due, wake) in sorted(self._set.items(), key=lambda item: item[1][0]):
            if due <= self.now:
                del self._set[key]
                await wake(key)


class FakeTimerStore:
    """`TimerStore` without a disk; `fault` is raised instead of writing."""

    def __init__(self, *timers: Timer) -> None:
        self.timers = {timer.id: timer for timer in timers}
        self.fault: StoreError | None = None

    def load(self) -> list[Timer]:
        self._check()
        return list(self.timers.values())

    def put(self, timer: Timer) -> None:
        self._check()
        self.timers[timer.id] = timer

    def delete(self, timer_id: str) -> None:
        self._check()
        self.timers.pop(timer_id, None)

    def _check(self) -> None:
        if self.fault is not None:
            raise self.fault
