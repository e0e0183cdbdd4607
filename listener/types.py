"""What moves through a room, and the interfaces that a room knows. A leaf: only `vocabulary` is below it.

Down the loop go `Chunk`, `Percept`, `Outcome` and the events; up go `Control` values. Times called `t`, `onset`,
`start` and `end` are seconds of audio since the stream began; they need no clock.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from listener.vocabulary import DecisionName, Emotion, EndReason, Flag, State, Trigger, Verdict

SAMPLE_RATE_HZ = 16_000
CHUNK_SAMPLES = 6_400
CHUNK_SECONDS = CHUNK_SAMPLES / SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
"""Mono sound at 16 kHz, float32 in [-1, 1], shape `[n]`."""

Magnitudes = NDArray[np.float32]
"""Magnitude spectrum of one chunk, shape `[40, 257]`: 10 ms a row, 31.25 Hz a column."""

Scores = NDArray[np.float32]
"""One score in [0, 1] per class of a tagger, shape `[classes]`."""


# ---------------------------------------------------------------- down: what is heard and decided


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


@dataclass(frozen=True, slots=True)
class Hearing:
    """One line of "hearing now". `reason` says why the label is not sounding, and is None while it is."""

    label: str
    score: float
    reason: str | None


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


# ---------------------------------------------------------------- the events of design.md


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


# ---------------------------------------------------------------- reports: states that are no events


@dataclass(frozen=True, slots=True)
class HearingReport:
    """The five best labels of a room, best first."""

    room: str
    t: float
    labels: tuple[Hearing, ...]


@dataclass(frozen=True, slots=True)
class LevelReport:
    room: str
    level_dbfs: float


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """What a person may change while the daemon runs. Kept on disk, so that a restart does not undo it."""

    muted: bool = False
    strictness: str = "balanced"
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class SettingsReport:
    room: str
    settings: RoomSettings


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How the daemon fares. A publisher adds its own queue, drops and reconnects.

    `chunk_latency_ms` is the age of a chunk when it was decided, 99th percentile since the last report.
    """

    uptime_seconds: float
    memory_mb: float
    chunk_latency_ms: float
    chunk_queue: int = 0
    chunks_dropped: int = 0


@dataclass(frozen=True, slots=True)
class BridgeInfo:
    """What this daemon is: its version, the engine that decides, the slugs of its rooms."""

    version: str
    engine: str
    rooms: tuple[str, ...]


Report = HearingReport | LevelReport | SettingsReport | HealthReport | BridgeInfo


# ---------------------------------------------------------------- up: control


@dataclass(frozen=True, slots=True)
class SetMute:
    muted: bool


@dataclass(frozen=True, slots=True)
class SetStrictness:
    strictness: str


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """The probability of responding, 0..1, above which the engine answers."""

    threshold: float


@dataclass(frozen=True, slots=True)
class Snooze:
    """Acknowledge: the labels (None: those that sound now or sounded last) are not announced for `seconds`."""

    labels: tuple[str, ...] | None = None
    seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Test:
    """Send a marked test event through the whole chain; `label` None means the label `test`."""

    __test__: ClassVar[bool] = False  # not a test case, whatever pytest thinks of the name
    label: str | None = None


Control = SetMute | SetStrictness | SetThreshold | Snooze | Test


# ---------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in the making. `pieces` yields text until the reply is complete; several replies never overlap."""

    id: str
    emotion: Emotion
    trigger: Trigger
    sounds: tuple[str, ...]
    pieces: AsyncIterator[str]
    utterance: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session made of one chunk: the decision, and the reply that it began, if it did."""

    decision: DecisionName
    probability: float
    trigger: Trigger | None = None
    reply: Reply | None = None


# ---------------------------------------------------------------- the protocols


class Source(Protocol):
    """Where a room's sound comes from. Each call of `chunks` opens it anew; closing the iterator closes the device."""

    @property
    def description(self) -> str:
        """For messages: `microphone "USB PnP Sound Device"`, `recording kitchen.wav`."""
        ...

    @property
    def live(self) -> bool:
        """True when silence on the line means a fault (a device, a stream); False for a recording."""
        ...

    def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        """Yield chunks numbered from `first_index`. Ends when the sound has ended for good.

        Raises SourceError when the source cannot be opened or breaks; calling again is then the way to retry.
        """
        ...


class TaggerStream(Protocol):
    """What a tagger remembers of one room. Opaque; any instance of the same tagger can go on with it."""


class Tagger(Protocol):
    """Scores of sound classes. Not thread-safe: the thread that built it is the only one that calls it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the scores."""
        ...

    def open(self) -> TaggerStream:
        """A fresh stream: as if silence had come before."""
        ...

    def step(self, stream: TaggerStream, magnitudes: Magnitudes) -> Scores:
        """Hear the next chunk of that stream, as the room's shared spectrum. Raises PerceiveError."""
        ...


class Perceiver(Protocol):
    """What is in the sound of one room."""

    async def perceive(self, chunk: Chunk) -> Percept:
        """Hear the next chunk. Raises PerceiveError; the room then goes on with the next one."""
        ...

    def finish(self, t: float) -> tuple[Episode, ...]:
        """End whatever still sounds, at the end of a recording or when the room is muted."""
        ...

    def apply(self, control: Control) -> None: ...


class Session(Protocol):
    """One room's thread of attention in an engine."""

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        """Decide on the next chunk. Raises EngineError."""
        ...

    def apply(self, control: Control) -> None: ...

    def interrupt(self) -> None:
        """End the reply that is being made, if one is."""
        ...

    async def close(self) -> None: ...


class Engine(Protocol):
    """What decides, for all rooms."""

    @property
    def name(self) -> str: ...

    async def open(self, room: str, language: str, settings: RoomSettings) -> Session:
        """Admit a room. Raises EngineError when there is no place for another."""
        ...

    async def close(self) -> None: ...


class Publisher(Protocol):
    """A sink with a bounded queue of its own. Neither call blocks; what does not fit is dropped, counted, logged."""

    def publish(self, event: Event) -> None: ...

    def report(self, report: Report) -> None: ...


class Supervisor(Protocol):
    """A source that is opened again when it fails."""

    def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        """Yield chunks numbered from `first_index`, and an outage where sound is missing. Ends after a final outage.

        Closing the iterator closes the device.
        """
        ...


class Teller(Protocol):
    """The voice of one room towards all publishers: stamps events with room, `t` and `time`."""

    def at(self, chunk: Chunk) -> None:
        """From now on everything is told at the end of this chunk."""
        ...

    def heard(self, percept: Percept, outcome: Outcome) -> None:
        """Tell the sounds that started and ended, the decision, what is heard now and how loud it is."""
        ...

    def ended(self, episodes: Sequence[Episode]) -> None: ...

    def show(self, state: State, detail: str = "") -> None:
        """Tell the status, if it is another one than before."""
        ...

    def tell(self, kind: type[Event], **fields: Any) -> None:
        """Publish one event of that kind."""
        ...

    def report(self, report: Report) -> None: ...


class Speaker(Protocol):
    """Says replies, one after the other."""

    async def say(self, reply: Reply) -> None:
        """Say it now, to its end."""
        ...

    def enqueue(self, reply: Reply) -> None:
        """Say it as soon as those before it are said. Bounded: what does not fit is dropped, counted, logged."""
        ...

    async def run(self) -> None:
        """Say what is in the queue, until cancelled."""
        ...


# ---------------------------------------------------------------- on the way out


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message on its way out. `kind` is what its loss is counted under; order is kept within a `room`.

    `qos` 1 stays in the outbox until it is acknowledged; 0 is telemetry and never gets there.
    """

    topic: str
    payload: bytes
    room: str = ""
    kind: str = "state"
    retain: bool = False
    qos: int = 1
    urgent: bool = False


class Outbox(Protocol):
    """Messages that wait for the broker's acknowledgement. Bounded, in order, and called from one thread.

    A retained message replaces an older one of its topic (the latest state is all that counts) and is never dropped;
    when there is no place, the oldest event that is not urgent goes, counted by its kind.
    """

    def put(self, message: Message) -> None: ...

    def take(self, events: bool) -> tuple[int, Message] | None:
        """The oldest message that is not in flight, with its key; without `events`, the oldest retained one."""
        ...

    def acknowledge(self, key: int) -> None:
        """The broker has it: forget it."""
        ...

    def refuse(self, key: int) -> None:
        """The broker will not have it: count it as dropped, and forget it."""
        ...

    def release(self) -> None:
        """The connection is lost: what was in flight is to be sent again, before everything else."""
        ...

    def __len__(self) -> int:
        """Messages that wait or are in flight."""
        ...

    @property
    def drops(self) -> Mapping[str, int]:
        """How many messages were lost, by kind."""
        ...
