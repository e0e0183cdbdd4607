"""When something was answered or begun, as a mark that no other answer has."""

from collections.abc import Callable
from time import time as wall_time

from listener.times import rfc3339


class Stamps:
    """RFC 3339, UTC, milliseconds; each later than the one before, also when two fall into one millisecond or the clock
    is set back. `clock`: Unix time, in seconds."""

    def __init__(self, clock: Callable[[], float] = wall_time) -> None:
        self._clock = clock
        self._last_ms = 0

    def next(self) -> str:
        self._last_ms = max(self._last_ms + 1, int(self._clock() * 1_000))
        return rfc3339(self._last_ms / 1_000)
