"""What the worker tells a room's session, in the order in which it happened."""

from collections.abc import Callable
from dataclasses import dataclass

from listener.errors import EngineError
from listener.vocabulary import Emotion, EndReason


@dataclass(frozen=True, slots=True)
class Decided:
    """One chunk was heard: the probability of responding, and whether a reply begins."""

    probability: float
    responds: bool


@dataclass(frozen=True, slots=True)
class Begun:
    emotion: Emotion


@dataclass(frozen=True, slots=True)
class Piece:
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    reason: EndReason


@dataclass(frozen=True, slots=True)
class Settled:
    """What was handed in is heard, or waits for the end of a reply."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The chunks in hand, or the reply, are lost; the session begins anew."""

    error: EngineError


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What was asked for by `Scheduler.transcribe` under this number. An empty text: nothing was understood."""

    number: int
    text: str
    confidence: float


Happening = Decided | Begun | Piece | Ended | Settled | Failed | Transcribed
Sink = Callable[[Happening], None]
