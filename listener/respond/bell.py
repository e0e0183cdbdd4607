"""A timer that rings becomes a reply in its room."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from listener.respond.answers import Answers
from listener.respond.skills.timers import ring_text
from listener.types import Reply, Timer

logger = logging.getLogger(__name__)

Deliver = Callable[[str, Reply], Awaitable[None]]
"""Enqueues the reply in the room with that slug."""


class Bell:
    """Rings in the room where the timer was set, or in the first one if that room is gone."""

    def __init__(self, answers: Mapping[str, Answers], deliver: Deliver) -> None:
        self._answers = answers
        self._deliver = deliver
        self._begun: set[str] = set()

    async def ring(self, timer: Timer, late_seconds: float, said: Callable[[], Awaitable[None]]) -> None:
        """Deliver the reply; `said` is called when it has been said, to its end or until somebody stopped it.

        May be called again for a ring that a full queue has dropped: once it has begun, it is not begun again.
        """
        if timer.id in self._begun:
            return
        room = timer.room if timer.room in self._answers else next(iter(self._answers))
        if room != timer.room:
            logger.warning("a timer was set in room %r, which is gone; it rings in %r", timer.room, room)
        text = ring_text(timer, late_seconds, self._answers[room])
        reply = Reply(
            id=timer.id, emotion="normal", trigger="timer", sounds=(), pieces=self._until_said(timer.id, text, said)
        )
        await self._deliver(room, reply)

    async def _until_said(self, timer_id: str, text: str, said: Callable[[], Awaitable[None]]) -> AsyncIterator[str]:
        """One piece. What follows it runs when the speaker asks for more, or gives up on us."""
        if timer_id in self._begun:
            return  # it waited twice in the queue
        self._begun.add(timer_id)
        try:
            yield text
        finally:
            await said()
