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


Happening = Decided | Begun | Piece | Ended | Settled | Failed
Sink = Callable[[Happening], None]
