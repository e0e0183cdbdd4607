"""A recording and the silence after it, so that what sounds at its very end is heard out."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final, cast

import numpy as np

from listener.errors import SourceError
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Source

SILENCE_CHUNKS: Final = 4
"""1.6 s: our own tagger's convolutions are 0.6 s late and then look at 0.96 s; YAMNet looks at 0.975 s. A room does not
end with a sound, but many a recording does, and what slams a door lasts half a second."""

SILENCE_SECONDS: Final = SILENCE_CHUNKS * CHUNK_SECONDS


class HeardOut:
    """Implements `Source`: all of another one, then silence. What that one raises is raised after the silence."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.live = source.live
        self.description = source.description

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        """Raises SourceError."""
        last: Chunk | None = None
        damage: SourceError | None = None
        async with aclosing(cast(Any, self._source.chunks(first_index))) as chunks:
            try:
                async for last in chunks:
                    yield last
            except SourceError as error:
                damage = error
        if last is not None:
            for _ in range(SILENCE_CHUNKS):
                last = silence_after(last)
                yield last
        if damage is not None:
            raise damage


def silence_after(chunk: Chunk) -> Chunk:
    """The chunk that would come next if the sound had just ended."""
    silence = np.zeros(CHUNK_SAMPLES, np.float32)
    return Chunk(silence, chunk.index + 1, _later(chunk.captured_at_ns), _later(chunk.monotonic_ns))


def _later(stamp_ns: int | None) -> int | None:
    return None if stamp_ns is None else stamp_ns + round(CHUNK_SECONDS * 1e9)
