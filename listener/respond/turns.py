"""Who may use a loudspeaker: one voice at a time, urgent ones first."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class _Waiting:
    rank: tuple[bool, int]
    """Not urgent; order of arrival."""
    turn: "asyncio.Future[None]" = field(compare=False)


class Turns:
    """Of one output, which several rooms may share. An urgent voice ends one that is not, and goes next."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._arrivals = 0
        self._speaking_urgent: bool | None = None
        self._give_way: Callable[[], None] | None = None

    @asynccontextmanager
    async def turn(self, urgent: bool, give_way: Callable[[], None]) -> AsyncIterator[None]:
        """The right to speak. `give_way` is called, once, when somebody urgent waits for us to end."""
        await self._wait(urgent)
        self._speaking_urgent, self._give_way = urgent, give_way
        if not urgent and any(not waiting.rank[0] for waiting in self._waiting):
            self._ask()
        try:
            yield
        finally:
            self._speaking_urgent = self._give_way = None
            self._next()

    async def _wait(self, urgent: bool) -> None:
        if self._speaking_urgent is None and not self._waiting:
            return
        self._arrivals += 1
        waiting = _Waiting((not urgent, self._arrivals), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, waiting)
        if urgent and self._speaking_urgent is False:
            self._ask()
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                heapq.heapify(self._waiting)
            elif not waiting.turn.cancelled():  # it was ours already, and nobody would pass it on
                self._next()
            raise

    def _ask(self) -> None:
        give_way, self._give_way = self._give_way, None
        if give_way is not None:
            give_way()

    def _next(self) -> None:
        while self._waiting:
            waiting = heapq.heappop(self._waiting)
            if not waiting.turn.done():
                waiting.turn.set_result(None)
                self._speaking_urgent = not waiting.rank[0]  # taken, although it runs a moment later
                return
        self._speaking_urgent = None
