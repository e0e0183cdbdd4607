"""From events and reports to messages, and what of them is standing at the broker. No clock, no connection."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from listener.publish import payloads
from listener.publish.topics import Topics
from listener.types import (
    BridgeInfo,
    Command,
    CorrectionsReport,
    Event,
    HearingReport,
    LearningReport,
    LearnNameReport,
    LevelReport,
    Message,
    Report,
    ResponseEnded,
    ResponseStarted,
    SettingsReport,
    SoundEnded,
    SoundStarted,
    Status,
    SummaryReport,
    TaughtReport,
    Transcript,
    event_dict,
)

HEARING_SECONDS = 1.0
NOTHING_TAUGHT: Mapping[str, Collection[str]] = {}


class Board:
    """What is to be said of the rooms. `states` is everything that is retained, the latest of each topic."""

    def __init__(
        self,
        topics: Topics,
        rooms: Sequence[str],
        labels: Sequence[str],
        urgent: Collection[str],
        *,
        transcripts: bool = False,
    ) -> None:
        """`transcripts`: what people say is published too."""
        self._topics = topics
        self._transcripts = transcripts
        self._urgent = frozenset(urgent)
        self._labels = tuple(labels)
        self._open: dict[tuple[str, str], set[str]] = {}
        self._responses: dict[str, ResponseStarted] = {}
        self._heard: dict[str, tuple[float, list[dict[str, Any]]]] = {}
        self._states: dict[str, Message] = {}
        self._rooms: tuple[str, ...] = ()
        self.exchange(rooms)

    def exchange(self, rooms: Sequence[str], taught: Mapping[str, Collection[str]] = NOTHING_TAUGHT) -> None:
        """These are the rooms from now on, and the labels that they were taught.

        What stands of those that stay is not touched.
        """
        for gone in set(self._rooms).difference(rooms):
            below = self._topics.room(gone, "")
            self._states = {topic: state for topic, state in self._states.items() if not topic.startswith(below)}
        self._rooms = tuple(rooms)
        wanted = [(room, label) for room in rooms for label in (*self._labels, *taught.get(room, ()))]
        for room, label in set(self._open).difference(wanted):
            del self._open[room, label]
            self._states.pop(self._topics.sound(room, label), None)
        for room in rooms:
            self._state(room, "availability", payloads.ONLINE)
        for room, label in wanted:
            if (room, label) not in self._open:
                self._open[room, label] = set()
                self._state(room, f"sound/{label}", payloads.on_off(False))

    @property
    def states(self) -> tuple[Message, ...]:
        return tuple(self._states.values())

    def event(self, event: Event) -> list[Message]:
        """The messages of one event, in the order in which they are to go out; decisions have none."""
        match event:
            case SoundStarted():
                return self._sound_started(event)
            case SoundEnded():
                return self._sound_ended(event)
            case ResponseStarted():
                self._responses[event.room] = event
                return []
            case ResponseEnded():
                return [self._response(event)]
            case Transcript() if self._transcripts:
                return [self._transcript(event)]
            case Command():
                topic = self._topics.room(event.room, "command")
                return [Message(topic, payloads.command(event), event.room, "command")]
            case Status():
                return [self._state(event.room, "status", payloads.encode(event_dict(event)), "status")]
            case _:
                return []

    def report(self, report: Report) -> list[Message]:
        match report:
            case HearingReport():
                return self._hearing(report)
            case LevelReport():
                return [self._telemetry(report.room, "level", payloads.level(report.level_dbfs))]
            case SettingsReport():
                return self._settings(report)
            case BridgeInfo():
                return [self.bridge("info", payloads.encode(asdict(report)))]
            case SummaryReport():
                return [self.bridge("summary", payloads.encode(asdict(report)))]
            case LearnNameReport():
                return [self._state(report.room, "learn_name", report.name.encode("utf-8", "replace"))]
            case LearningReport():
                return [self._state(report.room, "learning", payloads.learning(report))]
            case TaughtReport():
                return [self._state(report.room, "taught", payloads.taught(report))]
            case CorrectionsReport():
                return [self._state(report.room, "corrections", payloads.corrections(report))]
            case _:
                return []

    def bridge(self, leaf: str, payload: bytes) -> Message:
        """A retained message of the daemon itself."""
        return self._retain(Message(self._topics.bridge(leaf), payload, retain=True))

    def _sound_started(self, event: SoundStarted) -> list[Message]:
        topic = self._topics.room(event.room, "sound")
        urgent = event.label in self._urgent and not event.test
        said = Message(topic, payloads.sound(event), event.room, "sound", urgent=urgent)
        episodes = self._episodes(event)
        if episodes is None:
            return [said]
        episodes.add(event.id)
        return [said, self._sounding(event, on=True)]

    def _sound_ended(self, event: SoundEnded) -> list[Message]:
        episodes = self._episodes(event)
        if episodes is None or event.id not in episodes:
            return []
        episodes.remove(event.id)
        return [self._sounding(event, on=bool(episodes))]

    def _episodes(self, event: SoundStarted | SoundEnded) -> set[str] | None:
        """The open episodes of the label; None where ON would be untrue.

        A test leaves ON/OFF alone: those words cannot say that it was one, and whoever acts on them would act.
        """
        return None if event.test else self._open.get((event.room, event.label))

    def _sounding(self, event: SoundStarted | SoundEnded, *, on: bool) -> Message:
        return self._state(event.room, f"sound/{event.label}", payloads.on_off(on))

    def _response(self, ended: ResponseEnded) -> Message:
        started = self._responses.pop(ended.room, None)
        if started is not None and started.id != ended.id:
            started = None
        urgent = started is not None and started.emotion == "urgent"
        topic = self._topics.room(ended.room, "response")
        return Message(topic, payloads.response(started, ended), ended.room, "response", urgent=urgent)

    def _transcript(self, event: Transcript) -> Message:
        """Final words must arrive; those before them are soon replaced."""
        payload = payloads.encode(event_dict(event))
        if not event.final:
            return self._telemetry(event.room, "transcript", payload)
        return Message(self._topics.room(event.room, "transcript"), payload, event.room, "transcript")

    def _hearing(self, report: HearingReport) -> list[Message]:
        before = self._heard.get(report.room)
        if before is not None and 0 <= report.t - before[0] < HEARING_SECONDS:
            return []
        lines = payloads.hearing_lines(report.labels)
        if before is not None and lines == before[1]:
            return []
        self._heard[report.room] = (report.t, lines)
        return [self._telemetry(report.room, "hearing", payloads.hearing(report))]

    def _settings(self, report: SettingsReport) -> list[Message]:
        settings = report.settings
        values = (
            ("mute", payloads.on_off(settings.muted)),
            ("strictness", settings.strictness.encode()),
            ("threshold", payloads.number(settings.threshold)),
            ("mode", settings.mode.encode()),
        )
        return [self._state(report.room, leaf, value) for leaf, value in values]

    def _telemetry(self, room: str, leaf: str, payload: bytes) -> Message:
        return Message(self._topics.room(room, leaf), payload, room, "telemetry", qos=0)

    def _state(self, room: str, leaf: str, payload: bytes, kind: str = "state") -> Message:
        return self._retain(Message(self._topics.room(room, leaf), payload, room, kind, retain=True))

    def _retain(self, message: Message) -> Message:
        self._states[message.topic] = message
        return message
