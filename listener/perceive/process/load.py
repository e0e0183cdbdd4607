"""How busy a process is, and when it begins to spare work."""

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from listener.types import CHUNK_SECONDS

logger = logging.getLogger(__name__)

MEMORY_SECONDS: Final = 3.0
HIGH: Final = 0.85
LOW: Final = 0.6
"""Part of the time that is spent hearing; sparing work lowers it, so the two are well apart."""

LATE_SECONDS: Final = CHUNK_SECONDS / 2
LATE_MEMORY_SECONDS: Final = 10.0
"""A chunk that has waited for so long was late, whoever else keeps the cores busy; remembered for a while."""

T = TypeVar("T")


class Load:
    """`high` while there was hardly a moment without work in the last seconds, or chunks came late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._busy = 0.0
        self._late_until = -LATE_MEMORY_SECONDS
        self.high = False

    def note_age(self, seconds: float) -> None:
        """So old was a chunk, from its last sample, when it came to be heard."""
        if seconds > LATE_SECONDS:
            self._late_until = self._clock() + LATE_MEMORY_SECONDS
            self._judge()

    def forgive(self) -> None:
        """What was done since we last waited was for recordings: they keep us busy however quick we are."""
        self._since = self._clock()

    def waiting(self, wait: Callable[[], T]) -> T:
        """Do what waits for work; the rest of the time counts as busy."""
        began = self._clock()
        result = wait()
        ended = self._clock()
        whole = max(ended - self._since, 1e-9)
        part = min(whole / MEMORY_SECONDS, 1.0)
        self._busy += part * ((began - self._since) / whole - self._busy)
        self._since = ended
        self._judge()
        return result

    def _judge(self) -> None:
        high = self._busy > (LOW if self.high else HIGH) or self._since < self._late_until
        if high != self.high:
            self.high = high
            if high:
                logger.warning(
                    "this machine can hardly keep up: rooms in which nothing begins are tagged every 0.8 s instead of "
                    "every 0.4 s (alarm patterns are not spared). Fewer rooms, or more cores, would help"
                )
            else:
                logger.warning("this machine keeps up again: every room is tagged every 0.4 s")
