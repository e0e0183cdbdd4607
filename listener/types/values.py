"""What moves down the loop: chunks, percepts, outcomes. Arrays have their shapes in words."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.types.speech import SpeechPercept, Spoken
from listener.types.taught import Embedding, Sense
from listener.vocabulary import DecisionName, Emotion, EndReason, Flag, Trigger

SAMPLE_RATE_HZ = 16_000
CHUNK_SAMPLES = 6_400
CHUNK_SECONDS = CHUNK_SAMPLES / SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
"""Mono sound at 16 kHz, float32 in [-1, 1], shape `[n]`."""

Magnitudes = NDArray[np.float32]
"""Magnitude spectrum of one chunk, shape `[40, 257]`: 10 ms a row, 31.25 Hz a column."""

Scores = NDArray[np.float32]
"""One score in [0, 1] per class of a tagger, shape `[classes]`."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """0.4 s of one room: 6,400 samples at 16 kHz.

    `index` counts from 0 and never starts again while the daemon runs, whatever happens to the device.
    `captured_at_ns` is the wall clock (ns since 1970, UTC) and `monotonic_ns` the monotonic clock when the last
    sample arrived; both are None for a recording that is read as fast as it goes.
    """

    samples: Samples
    index: int
    captured_at_ns: int | None = None
    monotonic_ns: int | None = None

    @property
    def t(self) -> float:
        """Seconds of audio at the end of this chunk."""
        return round((self.index + 1) * CHUNK_SAMPLES / SAMPLE_RATE_HZ, 3)


@dataclass(frozen=True, slots=True)
class Outage:
    """A room's source delivers nothing: why, in words for a person. `final`: it has ended and will not come back."""

    detail: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Episode:
    """One sound from its start to its end. `score` is the peak so far; `duration` (s) is set when it has ended."""

    id: str
    label: str
    score: float
    onset: float
    duration: float | None = None
    by_pattern: bool = False
    """Found by its temporal pattern (ISO 8201), not by a tagger: no threshold of probability applies to it."""
    test: bool = False
    embeddings: tuple[Embedding, ...] = field(default=(), repr=False)
    """What it sounded like: one when it starts, up to four when it has ended; none by a pattern or a test alone."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One line of "hearing now". `reason` says why the label is not sounding, and is None while it is."""

    label: str
    score: float
    reason: str | None

    def __reduce__(self) -> tuple[Any, ...]:
        return Hearing, _FIELDS_OF_HEARING(self)


@dataclass(frozen=True, slots=True)
class Percept:
    """What is in one chunk. `evidence` is, per label, the score scaled so that 0.5 is the label's `on` threshold."""

    t: float
    level_dbfs: float
    clipping: bool = False
    started: tuple[Episode, ...] = ()
    ended: tuple[Episode, ...] = ()
    hearing: tuple[Hearing, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)
    flags: frozenset[Flag] = frozenset()
    speech: SpeechPercept | None = None
    """None where nobody listens for speech."""
    sense: Sense | None = None
    """For a lesson: only while one is held in this room (`Attend`)."""
    ordinary: tuple[Embedding, ...] = field(default=(), repr=False)
    """Once in a while, where sounds were taught: what the room is like without them."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Percept, _FIELDS_OF_PERCEPT(self)


_FIELDS_OF_HEARING = attrgetter(*Hearing.__slots__)
_FIELDS_OF_PERCEPT = attrgetter(*Percept.__slots__)
"""A percept a chunk goes from process to process: pickled as dataclasses do by themselves 110 µs, so 25."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What was still going on when the sound ended: episodes, and the utterance that was cut off."""

    ended: tuple[Episode, ...] = ()
    spoken: tuple[Spoken, ...] = ()


def _complete() -> EndReason:
    return "complete"


def _no_answer() -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in the making. `pieces` yields text until the reply is complete; several replies never overlap."""

    id: str
    emotion: Emotion
    trigger: Trigger
    sounds: tuple[str, ...]
    pieces: AsyncIterator[str]
    utterance: str | None = None
    reason: Callable[[], EndReason] = _complete
    """Why `pieces` ended, once it has."""
    answer_seconds: Callable[[], float] = _no_answer
    """Once `pieces` has ended: it asks something, and for so long after it an answer needs no wake word."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session made of one chunk: the decision, and the reply that it began, if it did."""

    decision: DecisionName
    probability: float
    trigger: Trigger | None = None
    reply: Reply | None = None
    engine: str | None = None
    """Who decided, if it was not the room's engine itself."""
    flags: frozenset[Flag] = frozenset()
    transcripts: tuple[Spoken, ...] = ()
    """What the engine has understood since the last outcome, of speech that it answers or has answered."""
