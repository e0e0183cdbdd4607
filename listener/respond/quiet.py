"""When we keep quiet: in quiet hours, and for as long as somebody asked for. Urgent sounds are always spoken of."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from listener.config import QuietConfig
from listener.respond.policy import within
from listener.types import Reply

ASKED_FOR = frozenset({"speech", "timer"})
"""Triggers of replies that somebody waits for."""

LONGEST_SECONDS: Final = 24 * 3_600.0
"""Nobody asks for more; a clock that was wrong must not silence a room for ever."""


class Quiet:
    """`now` is the wall clock in seconds, `local` the time on the wall."""

    def __init__(self, config: QuietConfig, now: Callable[[], float], local: Callable[[], datetime]) -> None:
        self._config = config
        self._now = now
        self._local = local
        self._until: dict[str, float] = {}
        self.asked = asyncio.Event()
        """Somebody has asked for quiet; whoever keeps that clears it."""

    def ask(self, room: str, seconds: float) -> None:
        """Be quiet in the room for so long from now; 0 ends it."""
        self._until[room] = self._now() + seconds
        self.asked.set()

    def until(self) -> dict[str, float]:
        """The rooms that are to be quiet now, and until when (seconds since 1970)."""
        now = self._now()
        return {room: until for room, until in self._until.items() if until > now}

    def go_on(self, until: Any) -> None:
        """What was asked for before a restart. Raises ValueError for what makes no sense."""
        if not isinstance(until, dict):
            raise ValueError("no times by room")
        latest = self._now() + LONGEST_SECONDS
        self._until.update({room: min(float(at), latest) for room, at in until.items()})

    def speaks(self, room: str, reply: Reply) -> bool:
        """Whether the reply may be said aloud now. Its events go out in any case."""
        if reply.emotion == "urgent":
            return True
        in_hours = bool(self._config.hours) and within(self._config.hours, self._local())
        if in_hours and not self._config.answers:
            return False
        asked_to_be_quiet = self._now() < self._until.get(room, 0.0)
        return reply.trigger in ASKED_FOR or not (in_hours or asked_to_be_quiet)
