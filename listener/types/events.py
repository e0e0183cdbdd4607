"""The events of docs/mqtt.md: what every sink is told, in one vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from listener.vocabulary import DecisionName, Emotion, EndReason, Flag, State, Trigger, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The root of every event: the room's slug, `t`, and for live sound `time` (RFC 3339, UTC)."""

    event: ClassVar[str]
    room: str
    t: float
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Event):
    event: ClassVar[str] = "decision"
    decision: DecisionName
    probability: float
    engine: str
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundStarted(Event):
    event: ClassVar[str] = "sound_started"
    id: str
    label: str
    score: float
    onset: float
    group: str
    test: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEnded(Event):
    event: ClassVar[str] = "sound_ended"
    id: str
    label: str
    score: float
    onset: float
    duration: float
    test: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript(Event):
    event: ClassVar[str] = "transcript"
    text: str
    final: bool
    confidence: float
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Event):
    event: ClassVar[str] = "command"
    id: str
    intent: str
    slots: Mapping[str, str | int | float]
    text: str
    confidence: float
    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStarted(Event):
    event: ClassVar[str] = "response_started"
    id: str
    emotion: Emotion
    trigger: Trigger
    sounds: tuple[str, ...]
    utterance: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseText(Event):
    event: ClassVar[str] = "response_text"
    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEnded(Event):
    event: ClassVar[str] = "response_ended"
    id: str
    text: str
    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Event):
    event: ClassVar[str] = "status"
    state: State
    flags: tuple[Flag, ...] = ()
    detail: str = ""


OPTIONAL_FIELDS = frozenset({"time", "test"})
"""Left out of the wire form when they are None; every other field is always there, null or not."""


def event_dict(event: Event) -> dict[str, Any]:
    """The wire form that JSON lines, MQTT and the web share: `event`, `room`, `t`, then the event's own fields."""
    body = {f.name: getattr(event, f.name) for f in fields(event)}
    kept = {k: v for k, v in body.items() if v is not None or k not in OPTIONAL_FIELDS}
    return {"event": event.event, **kept}
