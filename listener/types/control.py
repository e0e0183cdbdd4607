"""What goes up the loop, the settings that it changes, and the reports on states that are no events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from listener.types.taught import Knowledge
from listener.types.teaching import CorrectionsReport, LearningReport, LearnNameReport, TaughtReport
from listener.types.values import Hearing, Samples


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


@dataclass(frozen=True, slots=True)
class SetMode:
    """How the room behaves: one of `vocabulary.MODES`, or `translate to LANGUAGE` (`vocabulary.is_mode`)."""

    mode: str


@dataclass(frozen=True, slots=True)
class Say:
    """Speak this text in the room. `urgent` goes before whatever is being said."""

    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """End the reply that is being spoken, and forget those that wait; urgent ones too."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Somebody turns to us: end what is being said, unless it is urgent, so that we hear them."""


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """From playback to perception: we begin (`text`) or cease (None) to be heard in this room.

    `answer_seconds`: we have asked something; what is said within so many seconds needs no wake word. `sound` is what
    the text sounds like, heard as soon as what was told before it has been; None where it is not to be taken out.
    """

    text: str | None
    answer_seconds: float = 0.0
    sound: Samples | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SetVolume:
    """How loud we speak in the room: to `level` (0..1), or, where that is None, by `step` (-1..1) from now."""

    level: float | None = None
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Know:
    """To perception: what the room has been taught, from now on; all of it, not what is new."""

    knowledge: Knowledge = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attend:
    """To perception: a lesson is held (`on`), so every percept brings a `sense`; or it is over."""

    on: bool


Control = (
    SetMute
    | SetStrictness
    | SetThreshold
    | SetMode
    | Snooze
    | Test
    | Say
    | Stop
    | Hush
    | OwnVoice
    | SetVolume
    | Know
    | Attend
)


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
    mode: str = "assistant"


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
    trouble: tuple[str, ...] = ()
    """What is wrong with the daemon itself, in words for a person: state that cannot be saved, say."""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How the way to the broker fares: messages that wait, those lost on it by kind, connections after the first."""

    waiting: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class BridgeInfo:
    """What this daemon is: its version, the engine that decides, the slugs of its rooms."""

    version: str
    engine: str
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SummaryReport:
    """How often each sound started, by room and label, from `since` to `until` (RFC 3339, local time with its zone)."""

    since: str
    until: str
    rooms: Mapping[str, Mapping[str, int]]


Report = (
    HearingReport
    | LevelReport
    | SettingsReport
    | HealthReport
    | BridgeInfo
    | SummaryReport
    | LearnNameReport
    | LearningReport
    | TaughtReport
    | CorrectionsReport
)
