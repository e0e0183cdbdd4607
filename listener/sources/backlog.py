"""Between the network, which does not wait, and a room, which may: what has come and was not heard yet."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Self

from listener.chunks import Frames
from listener.errors import SourceError

logger = logging.getLogger(__name__)

BACKLOG_SECONDS = 4.0
"""As much as a room may be late. Beyond it the oldest sound goes: what is heard minutes late helps nobody."""


class Backlog:
    """Reads `received` in a task of its own, so that a live stream is always emptied, and keeps the newest seconds.

    A context manager; at its end the task is over. Frames have shape `[n, channels]`, `rate` a second.
    """

    def __init__(
        self, description: str, rate: int, received: AsyncIterator[Frames], seconds: float = BACKLOG_SECONDS
    ) -> None:
        self._description = description
        self._rate = rate
        self._received = received
        self._most_frames = int(rate * seconds)
        self._blocks: deque[Frames] = deque()
        self._news = asyncio.Event()
        self._receiving: asyncio.Task[None] | None = None
        self._drops = 0
        self.frames = 0
        """That wait."""
        self.dropped_frames = 0

    async def __aenter__(self) -> Self:
        self._receiving = asyncio.create_task(self._receive())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._receiving is not None
        self._receiving.cancel()
        await asyncio.gather(self._receiving, return_exceptions=True)
        if self.dropped_frames:
            logger.warning("%s: in all, %.1f s dropped", self._description, self.dropped_frames / self._rate)

    async def take(self) -> Frames:
        """The oldest frames. Raises what `received` raised, when all before it is heard; SourceError at its end."""
        assert self._receiving is not None
        while not self._blocks:
            if self._receiving.done():
                self._receiving.result()
                raise SourceError(f"{self._description} has ended")
            self._news.clear()
            await self._news.wait()
        block = self._blocks.popleft()
        self.frames -= len(block)
        return block

    async def _receive(self) -> None:
        try:
            async for block in self._received:
                self._put(block)
                self._news.set()
        finally:
            self._news.set()

    def _put(self, block: Frames) -> None:
        self._blocks.append(block)
        self.frames += len(block)
        dropped = 0
        while self.frames > self._most_frames and len(self._blocks) > 1:
            oldest = len(self._blocks.popleft())
            self.frames -= oldest
            dropped += oldest
        if dropped:
            self.dropped_frames += dropped
            self._drops += 1
            if self._drops.bit_count() == 1:  # said at 1, 2, 4, 8 …
                logger.warning(
                    "%s: the room is late by more than %.0f s; so far %.1f s of the oldest sound dropped",
                    *(self._description, self._most_frames / self._rate, self.dropped_frames / self._rate),
                )
