"""When we keep quiet: in quiet hours, and for as long as somebody asked for. Urgent sounds are always spoken of."""

from collections.abc import Callable
from datetime import datetime

from listener.config import QuietConfig
from listener.respond.policy import within
from listener.types import Reply

ASKED_FOR = frozenset({"speech", "timer"})
"""Triggers of replies that somebody waits for."""


class Quiet:
    """`now` is the wall clock in seconds, `local` the time on the wall."""

    def __init__(self, config: QuietConfig, now: Callable[[], float], local: Callable[[], datetime]) -> None:
        self._config = config
        self._now = now
        self._local = local
        self._until: dict[str, float] = {}

    def ask(self, room: str, seconds: float) -> None:
        """Be quiet in the room for so long from now; 0 ends it."""
        self._until[room] = self._now() + seconds

    def speaks(self, room: str, reply: Reply) -> bool:
        """Whether the reply may be said aloud now. Its events go out in any case."""
        if reply.emotion == "urgent":
            return True
        in_hours = bool(self._config.hours) and within(self._config.hours, self._local())
        if in_hours and not self._config.answers:
            return False
        asked_to_be_quiet = self._now() < self._until.get(room, 0.0)
        return reply.trigger in ASKED_FOR or not (in_hours or asked_to_be_quiet)
