"""Keeps a source going: notices when no sound comes or none that can be, and opens it again, ever more patiently."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

from listener.errors import SourceError
from listener.sources.soundness import Soundness, is_flat
from listener.types import Chunk, Outage, Source

logger = logging.getLogger(__name__)

NO_AUDIO_SECONDS = 4.0
"""Wall-clock silence on a live source that counts as an outage; it has to be shown within 5 s."""
FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 8.0
"""Not longer, so that a room hears again within 10 s of its cure."""
HEALTHY_CHUNKS = 25
"""10 s of sound: after it the backoff begins anew."""
STUCK_SECONDS = 15.0
"""For a step that takes a second at most: closing a source, or hearing a chunk."""


class UnsupervisedSource:
    """Supervisor that does not supervise: the source is opened once, and what it raises is raised."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        async with aclosing(cast(Any, self._source.chunks(first_index))) as chunks:
            async for chunk in chunks:
                yield chunk


class SupervisedSource:
    """Supervisor of one source. `reopened` counts how often it had to be opened again, `dropped` the chunks that were
    no sound and were heard by nobody.

    `bounded` false: the source has no pace of its own, so that nothing it sends is too fast. `is_stuck` tells somebody
    outside that help is needed: the source cannot be closed, or the room does not come back for the next chunk.
    """

    def __init__(
        self,
        source: Source,
        no_audio_seconds: float = NO_AUDIO_SECONDS,
        *,
        bounded: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._no_audio_seconds = no_audio_seconds if source.live else None
        self._bounded = bounded
        self._clock = clock
        self._deadline: float | None = None
        self._sick = False
        self.reopened = 0
        self.dropped = 0

    @property
    def is_stuck(self) -> bool:
        """Whether something takes far longer than it can; never for a recording that is not played in real time."""
        return self._deadline is not None and self._clock() > self._deadline

    async def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        index = first_index
        backoff_seconds = FIRST_BACKOFF_SECONDS
        try:
            while True:
                opened_at = index
                try:
                    # The protocol says AsyncIterator; every source is an async generator, and must be closed as one.
                    async with aclosing(cast(Any, self._source.chunks(index))) as chunks:
                        soundness = Soundness(self._bounded)
                        while (item := await self._next(chunks, soundness)) is not None:
                            index = index if isinstance(item, Outage) else item.index + 1
                            yield self._handed_over(item)
                    self._expect(None)
                    yield Outage(f"{self._source.description} has ended", final=True)
                    return
                except SourceError as error:
                    outage = Outage(str(error))
                self._expect(None)
                yield outage
                self.reopened += 1
                if index - opened_at >= HEALTHY_CHUNKS:
                    backoff_seconds = FIRST_BACKOFF_SECONDS
                await asyncio.sleep(backoff_seconds)
                backoff_seconds = min(2 * backoff_seconds, LAST_BACKOFF_SECONDS)
        finally:
            self._expect(None)

    def _expect(self, seconds: float | None) -> None:
        """Whatever happens next has so long; None: as long as it likes."""
        self._deadline = None if seconds is None else self._clock() + seconds

    def _handed_over(self, item: Chunk | Outage) -> Chunk | Outage:
        lives = isinstance(item, Chunk) and item.monotonic_ns is not None
        self._expect(STUCK_SECONDS if lives else None)
        return item

    async def _next(self, chunks: Any, soundness: Soundness) -> Chunk | Outage | None:
        """The next chunk that can be sound. Raises SourceError where there is none and opening it again may help."""
        while True:
            limit = self._no_audio_seconds
            self._expect(None if limit is None else limit + STUCK_SECONDS)
            chunk = await self._within(limit, chunks)
            if chunk is None or not self._source.live:
                return chunk
            fault = soundness.fault(chunk, self._clock())
            if fault is None and not (self._sick and is_flat(chunk)):
                self._sick = False
                return chunk
            self.dropped += 1  # also when it was opened again and is still silent: that is no recovery
            told, self._sick = self._sick, True
            if fault is not None and self._bounded:
                raise SourceError(f"{self._source.description} {fault}")
            if fault is not None and not told:  # a pipe cannot be opened again, so it is read on
                return Outage(f"{self._source.description} {fault}")

    async def _within(self, seconds: float | None, chunks: Any) -> Chunk | None:
        try:
            async with asyncio.timeout(seconds):
                return cast(Chunk | None, await anext(chunks, None))
        except TimeoutError:
            raise SourceError(
                f"{self._source.description} has delivered nothing for {seconds:g} s and is opened "
                "again; check cable, power and network if this repeats"
            ) from None
