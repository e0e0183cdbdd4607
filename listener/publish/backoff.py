"""How long to wait before the next attempt, and how often to say why. Pure: time is given."""

import logging
import random
from collections.abc import Callable

logger = logging.getLogger(__name__)

FIRST_SECONDS = 1.0
LIMIT_SECONDS = 10.0
"""An alarm waits so long at most after the broker is back."""
HEALTHY_SECONDS = 60.0
REPEAT_SECONDS = 600.0
MINUTE_SECONDS = 60.0
LINES_A_MINUTE = 30


class Backoff:
    """Doubles from 1 s to 10 s, and begins again after a connection that lasted a minute.

    Jitter of half the delay, so that a house of daemons does not come back at once (Brooker, "Exponential Backoff and
    Jitter", AWS Architecture Blog 2015: "equal jitter").
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._delay = FIRST_SECONDS

    def next(self, healthy_seconds: float = 0.0) -> float:
        """Seconds to wait, after a connection that lasted so long."""
        if healthy_seconds >= HEALTHY_SECONDS:
            self._delay = FIRST_SECONDS
        delay, self._delay = self._delay, min(2 * self._delay, LIMIT_SECONDS)
        return self._uniform(delay / 2, delay)


class Complaints:
    """Says what is wrong once: again only when the reason is another, or after ten minutes."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._said_at = 0.0

    def say(self, reason: str, now: float) -> None:
        if reason == self._reason and now - self._said_at < REPEAT_SECONDS:
            logger.debug("%s", reason)
            return
        self._reason, self._said_at = reason, now
        logger.error("%s; trying again, every ten seconds at least", reason)

    def forget(self) -> None:
        """All was well for a while: the same reason is news again."""
        self._reason = None


class Rationed:
    """At most 30 warnings a minute: who floods a topic is not to fill the journal. What is left out is counted."""

    def __init__(self) -> None:
        self._minute_began: float | None = None
        self._said = 0
        self._left_out = 0

    def say(self, line: str, now: float) -> None:
        """`now`: monotonic, in s."""
        if self._minute_began is None or now - self._minute_began >= MINUTE_SECONDS:
            if self._left_out:
                logger.warning("%d more such lines were left out", self._left_out)
            self._minute_began, self._said, self._left_out = now, 0, 0
        self._said += 1
        if self._said <= LINES_A_MINUTE:
            logger.warning("%s", line)
        else:
            self._left_out += 1
            if self._said == LINES_A_MINUTE + 1:
                logger.warning("more such lines follow, and are only counted until a minute has passed")
