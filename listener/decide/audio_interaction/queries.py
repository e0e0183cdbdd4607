"""Offline queries beside the streams: what was said in an utterance, asked of the same weights.

A query has a KV cache of its own, so that it cannot change what a session remembers. It goes on by one token at a time
between two chunks, and only while nobody speaks: a reply is waited for, its transcript is not.
"""

import logging
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from listener.decide.audio_interaction.happenings import Sink, Transcribed
from listener.decide.audio_interaction.load import out_of_memory_named
from listener.decide.audio_interaction.model import MERGE_TOKENS, Model
from listener.decide.audio_interaction.offline import LONGEST_SECONDS, Said, tokens
from listener.decide.audio_interaction.tokens import FRAMES_PER_CHUNK, offline_sequence
from listener.errors import EngineError
from listener.types import CHUNK_SECONDS, Samples

logger = logging.getLogger(__name__)

TRANSCRIBE: Final = "Transcribe the speech."
"""The instruction; the published offline mode is asked with these words."""
MAX_QUERIES: Final = 16
"""Utterances that wait. Beyond, the oldest is dropped: its reply has been given long ago."""


@dataclass(slots=True)
class Query:
    """`number` is the asker's own, and comes back with the answer. `name` is the room's, for messages."""

    name: str
    number: int
    samples: Samples = field(repr=False)
    sink: Sink = field(repr=False)
    text: str = ""
    log_probabilities: list[float] = field(default_factory=list)

    def take(self, said: Said) -> None:
        self.text += said.text
        self.log_probabilities.append(math.log(max(said.probability, 1e-9)))

    @property
    def result(self) -> Transcribed:
        """Its confidence is the geometric mean of the tokens' probabilities: what is usual, and not calibrated."""
        text = self.text.strip()
        mean = sum(self.log_probabilities) / max(1, len(self.log_probabilities))
        return Transcribed(self.number, text, round(math.exp(mean), 4) if text else 0.0)


class Queries:
    """Waiting questions, one in the making, and the one row that they take turns on."""

    def __init__(self, model: Model, limit: int) -> None:
        """`limit`: tokens of an answer. Takes memory for one row of its own."""
        frames = math.ceil(LONGEST_SECONDS / CHUNK_SECONDS) * FRAMES_PER_CHUNK
        longest = len(offline_sequence(model.loaded.encode_text, frames, TRANSCRIBE))
        self._model = Model(model.loaded, 1, longest + limit + MERGE_TOKENS)
        self._limit = limit
        self._waiting: deque[Query] = deque()
        self._query: Query | None = None
        self._tokens: Iterator[Said] = iter(())
        self.dropped = 0

    @property
    def busy(self) -> bool:
        return self._query is not None or bool(self._waiting)

    def put(self, query: Query) -> None:
        """Wait for the answer, which comes as `Transcribed` to the query's sink, whatever happens."""
        self._waiting.append(query)
        if len(self._waiting) > MAX_QUERIES:
            oldest = self._waiting.popleft()
            self.dropped += 1
            if self.dropped.bit_count() == 1:  # said at 1, 2, 4, 8 …
                logger.warning(
                    "%s: %d utterances wait to be transcribed; the oldest is dropped (%d so far)",
                    oldest.name,
                    MAX_QUERIES,
                    self.dropped,
                )
            oldest.sink(Transcribed(oldest.number, "", 0.0))

    def forget(self, sink: Sink) -> None:
        """A room has left: nobody wants its answers any more."""
        self._waiting = deque(query for query in self._waiting if query.sink is not sink)
        if self._query is not None and self._query.sink is sink:
            self._query = None

    def step(self) -> None:
        """One token. A query that fails is logged and answered with nothing; streams do not notice it."""
        query = self._query
        if query is None:
            if not self._waiting:
                return
            query = self._query = self._waiting.popleft()
            self._tokens = tokens(self._model, 0, query.samples, TRANSCRIBE, limit=self._limit)
        try:
            with out_of_memory_named("a transcript", EngineError):
                said = next(self._tokens, None)
        except (EngineError, RuntimeError) as error:
            logger.error("%s: an utterance could not be transcribed: %s", query.name, str(error).splitlines()[0])
            said, query.text = None, ""
        if said is not None:
            query.take(said)
            return
        self._query = None
        query.sink(query.result)
