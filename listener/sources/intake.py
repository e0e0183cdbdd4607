"""What every source does with its frames: chunks, numbers, stamps, and a word about what had to be repaired."""

import logging
import time
from types import TracebackType

from listener.chunks import Chunker, Frames
from listener.errors import SourceError
from listener.types import Chunk, Samples

logger = logging.getLogger(__name__)


class Intake:
    """The chunks of one opening of a source, numbered from `first_index`; live ones are stamped with the time of now.

    A context manager: at the end it logs how many samples were no numbers or beyond full scale. Raises SourceError
    for a rate or channel count that cannot be used.
    """

    def __init__(self, description: str, rate: int, channels: int, first_index: int, live: bool) -> None:
        try:
            self._chunker = Chunker(rate, channels)
        except ValueError as error:
            raise SourceError(f"{description}: {error}; convert it, e.g. to 16,000 Hz and one channel") from None
        self._description = description
        self._index = first_index
        self._live = live
        self._told = False

    def push(self, frames: Frames) -> list[Chunk]:
        """The chunks that these frames, shape `[n, channels]`, complete."""
        chunks = [self._chunk(samples) for samples in self._chunker.push(frames)]
        if self._live and self._chunker.damage and not self._told:  # a live source may not end for months
            self._told = True
            logger.warning("%s: %s", self._description, self._chunker.damage)
        return chunks

    def flush(self) -> list[Chunk]:
        """What is left when the sound has ended, padded with zeros."""
        return [self._chunk(samples) for samples in self._chunker.flush()]

    def _chunk(self, samples: Samples) -> Chunk:
        index = self._index
        self._index += 1
        if not self._live:
            return Chunk(samples, index)
        return Chunk(samples, index, captured_at_ns=time.time_ns(), monotonic_ns=time.monotonic_ns())

    def __enter__(self) -> "Intake":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._chunker.damage:
            logger.warning("%s: in all, %s", self._description, self._chunker.damage)
