"""The same recording, as it may fall into chunks otherwise.

The network hears chunks of 0.4 s, and a room's begin anywhere in a sound. Recordings that are all cut alike show a
short sound in one place of its chunk only: it is then known best in that place (docs/decisions/0110).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from listener.perceive.sounds.embeddings import Embedder, SenseStream
from listener.perceive.sounds.lesson import clearest
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Samples
from listener.types.taught import LEVEL_SECONDS, Embedding, Take

OFFSETS_SECONDS: Final = (0.1, 0.2, 0.3)
"""Besides nought: a quarter of a chunk each."""
_BEFORE_SECONDS: Final = 2.0
"""What the network looks back at most, and a little."""
_AFTER_SECONDS: Final = 1.0


def near(take: Take, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
    """Those of a stream's chunks that `at_offsets` needs of it."""
    first, last = take.start - _BEFORE_SECONDS, take.end + _AFTER_SECONDS
    return tuple(one for one in chunks if first < one.t < last + CHUNK_SECONDS)


def at_offsets(take: Take, chunks: Sequence[Chunk], embedder: Embedder) -> Take:
    """The take with the embeddings of all offsets. `chunks`: of the one stream in which it was found.

    Raises PerceiveError when LiteRT fails.
    """
    around = near(take, chunks)
    if not around:
        return take
    heard = [one for offset in OFFSETS_SECONDS for one in _heard(take, around, offset, embedder)]
    return replace(take, embeddings=(*take.embeddings, *heard))


def chunks_of(samples: Samples) -> list[Chunk]:
    """Of a recording, its last chunk filled up with silence."""
    padded = np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))
    return [Chunk(part, index) for index, part in enumerate(padded.reshape(-1, CHUNK_SAMPLES))]


def _heard(take: Take, around: Sequence[Chunk], offset: float, embedder: Embedder) -> tuple[Embedding, ...]:
    """As if the stream had begun so many seconds earlier, with silence. `around`: see `near`; one chunk at least."""
    stream = SenseStream(embedder)
    late = [stream.sense(chunk) for chunk in _later(around, offset)]
    begin = around[0].t - CHUNK_SECONDS - offset
    return clearest(late, _between(len(late), take.start - begin, take.end - begin))


def _later(chunks: Sequence[Chunk], offset: float) -> list[Chunk]:
    silence: Samples = np.zeros(round(offset * SAMPLE_RATE_HZ), np.float32)
    return chunks_of(np.concatenate([silence, *(chunk.samples for chunk in chunks)]))


def _between(chunks: int, start: float, end: float) -> list[bool]:
    """For each 50 ms of so many chunks whether it lies between `start` and `end` (s)."""
    slots = round(chunks * CHUNK_SECONDS / LEVEL_SECONDS)
    return [start <= (slot + 0.5) * LEVEL_SECONDS < end for slot in range(slots)]
