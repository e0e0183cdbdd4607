"""What speech becomes: utterances, what was said in them, what was meant by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Addressed = Literal["wake_word", "follow_up", "open", "no"]
"""Why an utterance is for us: after the wake word, soon after a reply, in a room without a wake word; or it is not."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of speech. `start` and `end` are seconds of audio; `samples` is float32 `[n]` at 16 kHz."""

    samples: NDArray[np.float32] = field(repr=False)
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a recognizer understood of an utterance. `confidence` in [0, 1]; an empty text is nothing understood."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of transcript, told while somebody speaks (`final` false) or once for an utterance (`final` true)."""

    text: str
    final: bool
    confidence: float
    start: float
    end: float
    addressed: Addressed = "no"
    level_dbfs: float = -120.0
    """Of the utterance: where several rooms hear it, the loudest answers."""


@dataclass(frozen=True, slots=True)
class SpeechPercept:
    """What the speech layer heard in one chunk."""

    probability: float = 0.0
    """Of a voice, the highest in the chunk; 0 where the gate spared the question."""
    speaking: bool = False
    """An utterance is open at the end of this chunk."""
    woken: str | None = None
    """The wake word that was said in this chunk."""
    spoken: tuple[Spoken, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """A text understood as a command: hassil's intent, and its slots flat."""

    name: str
    slots: Mapping[str, str | int | float]
    text: str
    confidence: float
