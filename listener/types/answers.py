"""What a spoken command leads to: the facts of its event, words to say, controls to apply."""

from collections.abc import Mapping
from dataclasses import dataclass

from listener.types.control import Control
from listener.types.speech import Intent
from listener.types.values import Reply
from listener.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """The fields of a `command` event, without room and time."""

    id: str
    intent: str
    slots: Mapping[str, str | int | float]
    text: str
    confidence: float
    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell, to say and to change after an utterance; any of them may be nothing."""

    command: CommandFacts | None = None
    reply: Reply | None = None
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a written command means: words to say, and an intent where whoever asked is to carry it out.

    `done` is False where it was refused or not understood.
    """

    text: str
    done: bool = False
    intent: Intent | None = None
    controls: tuple[Control, ...] = ()
