"""Keeps a source going: notices silence on the line, closes it, opens it again, ever more patiently."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from listener.errors import SourceError
from listener.types import Chunk, Outage, Source

logger = logging.getLogger(__name__)

NO_AUDIO_SECONDS = 4.0
"""Wall-clock silence on a live source that counts as an outage; design.md wants it shown within 5 s."""
FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 30.0
HEALTHY_CHUNKS = 25
"""10 s of sound: after it the backoff begins anew."""


class UnsupervisedSource:
    """Supervisor that does not supervise: the source is opened once, and what it raises is raised."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        async with aclosing(cast(Any, self._source.chunks(first_index))) as chunks:
            async for chunk in chunks:
                yield chunk


class SupervisedSource:
    """Supervisor of one source. `reopened` counts how often it had to be opened again."""

    def __init__(self, source: Source, no_audio_seconds: float = NO_AUDIO_SECONDS) -> None:
        self._source = source
        self._no_audio_seconds = no_audio_seconds if source.live else None
        self.reopened = 0

    async def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        index = first_index
        backoff_seconds = FIRST_BACKOFF_SECONDS
        while True:
            opened_at = index
            try:
                # The protocol says AsyncIterator; every source is an async generator, and must be closed as one.
                async with aclosing(cast(Any, self._source.chunks(index))) as chunks:
                    while (chunk := await self._next(chunks)) is not None:
                        index = chunk.index + 1
                        yield chunk
                yield Outage(f"{self._source.description} has ended", final=True)
                return
            except SourceError as error:
                outage = Outage(str(error))
            yield outage
            self.reopened += 1
            if index - opened_at >= HEALTHY_CHUNKS:
                backoff_seconds = FIRST_BACKOFF_SECONDS
            await asyncio.sleep(backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, LAST_BACKOFF_SECONDS)

    async def _next(self, chunks: Any) -> Chunk | None:
        try:
            async with asyncio.timeout(self._no_audio_seconds):
                return cast(Chunk | None, await anext(chunks, None))
        except TimeoutError:
            raise SourceError(
                f"{self._source.description} has delivered nothing for {self._no_audio_seconds:g} s and is opened "
                "again; check cable, power and network if this repeats"
            ) from None
