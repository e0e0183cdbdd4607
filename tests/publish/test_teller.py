"""The teller: events with their stamps, the status only when it changes, the level every ten seconds."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from fakes import RecordingPublisher

from listener.publish.teller import CLIPPING_HOLD_CHUNKS, LEVEL_EVERY_CHUNKS, RoomTeller
from listener.types import (
    CHUNK_SAMPLES,
    Chunk,
    Decision,
    Episode,
    Hearing,
    HearingReport,
    LevelReport,
    Outcome,
    Percept,
    SoundEnded,
    SoundStarted,
    Status,
    event_dict,
)

SILENT = Outcome("silent", 0.0)
MIDNIGHT_NS = 1_767_225_600 * 10**9
"""2026-01-01T00:00:00Z"""


def chunk(index: int, live: bool = True) -> Chunk:
    """Chunk 0 of a live room ended at midnight."""
    stamp = MIDNIGHT_NS + index * 400_000_000 if live else None
    return Chunk(np.zeros(CHUNK_SAMPLES, np.float32), index, stamp, stamp)


class Desk:
    def __init__(self) -> None:
        self.out = RecordingPublisher()
        self.second = RecordingPublisher()
        self.asked: list[tuple[str, float | None]] = []
        self.teller = RoomTeller("kitchen", "cascade", [self.out, self.second], self._group_of)

    def _group_of(self, label: str, onset_at: float | None) -> str:
        self.asked.append((label, onset_at))
        return f"group of {label}"

    def hear(self, percept: Percept, outcome: Outcome = SILENT, live: bool = True) -> None:
        self.teller.at(chunk(round(percept.t / 0.4) - 1, live))
        self.teller.heard(percept, outcome)

    def statuses(self) -> list[tuple[str, tuple[str, ...], str]]:
        return [(e.state, e.flags, e.detail) for e in self.out.events if isinstance(e, Status)]


def test_events_are_stamped_with_room_audio_time_and_clock() -> None:
    desk = Desk()
    desk.hear(Percept(1.2, -40.0), Outcome("respond", 0.123456, "sound"))
    (decision,) = desk.out.of(Decision)
    assert event_dict(decision) == {
        "event": "decision",
        "room": "kitchen",
        "t": 1.2,
        "time": "2026-01-01T00:00:00.800Z",
        "decision": "respond",
        "probability": 0.1235,
        "engine": "cascade",
        "trigger": "sound",
    }
    assert desk.second.events == desk.out.events, "every publisher is told the same"


def test_a_recording_has_no_clock() -> None:
    desk = Desk()
    desk.hear(Percept(0.4, -40.0, started=(Episode("e", "knock", 0.5, 0.0),)), live=False)
    assert "time" not in event_dict(desk.out.of(SoundStarted)[0])
    assert desk.asked == [("knock", None)]


def test_a_sound_is_grouped_by_when_it_began_and_not_when_it_was_told() -> None:
    desk = Desk()
    desk.hear(Percept(4.0, -20.0, started=(Episode("e", "smoke_alarm", 0.9, 1.0),)))
    (label, onset_at) = desk.asked[0]
    assert label == "smoke_alarm"
    assert onset_at == pytest.approx(MIDNIGHT_NS / 1e9 + 3.6 - 3.0)


def test_sounds_come_before_the_decision_and_tests_are_marked() -> None:
    desk = Desk()
    ended = Episode("a", "knock", 0.87654, 0.0, duration=0.8)
    desk.hear(Percept(1.2, -20.0, started=(Episode("b", "test", 1.0, 0.8, test=True),), ended=(ended,)))
    assert [e.event for e in desk.out.events] == ["status", "sound_started", "sound_ended", "decision"]
    started, ended_event = map(event_dict, desk.out.events[1:3])
    assert (started["test"], started["group"]) == (True, "group of test")
    assert "test" not in ended_event
    assert (ended_event["score"], ended_event["duration"]) == (0.8765, 0.8)


def test_the_status_is_told_when_it_changes_and_only_then(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.INFO):
        for n in range(1, 4):
            desk.hear(Percept(0.4 * n, -40.0))
        desk.teller.show("no_audio", "unplugged")
        desk.teller.show("no_audio", "unplugged")
        desk.teller.show("no_audio", "not there")
        desk.hear(Percept(1.6, -40.0))
    assert desk.statuses() == [
        ("listening", (), ""),
        ("no_audio", (), "unplugged"),
        ("no_audio", (), "not there"),
        ("listening", (), ""),
    ]
    levels = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert levels[1] == ("WARNING", "kitchen: no_audio: unplugged")
    assert levels[3] == ("INFO", "kitchen: listening")


def test_flags_come_with_the_status_in_one_order() -> None:
    desk = Desk()
    desk.hear(Percept(0.4, -40.0, flags=frozenset({"no_tagger", "degraded"})))
    desk.hear(Percept(0.8, -40.0))
    assert desk.statuses() == [("listening", ("degraded", "no_tagger"), ""), ("listening", (), "")]


def test_one_bang_shows_clipping_for_ten_seconds() -> None:
    desk = Desk()
    for n in range(1, CLIPPING_HOLD_CHUNKS + 3):
        desk.hear(Percept(0.4 * n, -3.0, clipping=n == 1))
    clipping, after = desk.out.of(Status)
    assert (clipping.t, clipping.flags) == (0.4, ("clipping",))  # type: ignore[attr-defined]
    assert after.t == pytest.approx(0.4 * (CLIPPING_HOLD_CHUNKS + 1))


def test_the_level_is_the_mean_power_of_ten_seconds() -> None:
    desk = Desk()
    for n in range(1, 2 * LEVEL_EVERY_CHUNKS + 1):
        desk.hear(Percept(0.4 * n, -20.0 if n == 1 else -120.0))
    levels = [r.level_dbfs for r in desk.out.reports if isinstance(r, LevelReport)]
    assert levels == [pytest.approx(-20 - 10 * np.log10(25), abs=0.1), -120.0]


def test_what_is_heard_is_reported_with_each_chunk() -> None:
    desk = Desk()
    heard = (Hearing("speech", 0.4, "below 0.45"),)
    desk.hear(Percept(0.4, -40.0, hearing=heard))
    assert [r for r in desk.out.reports if isinstance(r, HearingReport)] == [HearingReport("kitchen", 0.4, heard)]


def test_an_episode_without_a_duration_ends_with_none_lost() -> None:
    desk = Desk()
    desk.teller.ended([Episode("e", "knock", 0.5, 1.0)])
    assert [e.duration for e in desk.out.events if isinstance(e, SoundEnded)] == [0.0]


@pytest.mark.parametrize(
    ("unix_ns", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (MIDNIGHT_NS, "2026-01-01T00:00:00.000Z"),
        (MIDNIGHT_NS - 1_000_000, "2025-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_utc_with_milliseconds(unix_ns: int | None, text: str | None) -> None:
    desk = Desk()
    desk.teller.at(replace(chunk(0), captured_at_ns=unix_ns))
    desk.teller.ended([Episode("e", "knock", 0.5, 1.0)])
    assert [e.time for e in desk.out.events if isinstance(e, SoundEnded)] == [text]


def test_the_voice_is_part_of_the_status() -> None:
    desk = Desk()
    desk.teller.voice(speaking=True, missing=False)  # before anything was heard there is no status to change
    desk.hear(Percept(0.4, -40.0))
    desk.hear(Percept(0.8, -40.0))
    desk.teller.voice(speaking=False, missing=True)
    desk.hear(Percept(1.2, -40.0))
    desk.teller.show("muted", "the microphone is closed")
    desk.teller.voice(speaking=True, missing=False)
    assert desk.statuses() == [
        ("speaking", (), ""),
        ("listening", ("no_voice",), ""),
        ("muted", ("no_voice",), "the microphone is closed"),
        ("muted", (), "the microphone is closed"),
    ]
