"""From events and reports to messages."""

import json
import math
from dataclasses import replace

from listener.publish.board import Board
from listener.publish.payloads import encode, level, shorten
from listener.publish.topics import Topics
from listener.types import (
    Decision,
    Hearing,
    HearingReport,
    LevelReport,
    Message,
    ResponseEnded,
    ResponseStarted,
    RoomSettings,
    SettingsReport,
    SoundEnded,
    SoundStarted,
    Transcript,
)


def board() -> Board:
    return Board(Topics(), ("kitchen", "hall"), ("smoke_alarm", "dog_bark"), ("smoke_alarm",))


def begin(identifier: str, label: str = "dog_bark", test: bool | None = None) -> SoundStarted:
    return SoundStarted(room="kitchen", t=2, id=identifier, label=label, score=0.9, onset=1, group="g", test=test)


def end(identifier: str, label: str = "dog_bark", test: bool | None = None) -> SoundEnded:
    return SoundEnded(room="kitchen", t=5, id=identifier, label=label, score=0.9, onset=1, duration=3, test=test)


def brief(messages: list[Message]) -> list[tuple[str, bytes]]:
    return [(m.topic.removeprefix("listener/kitchen/"), m.payload) for m in messages]


def test_at_the_start_every_room_is_there_and_quiet() -> None:
    states = {m.topic: m.payload for m in board().states}
    assert states["listener/hall/availability"] == b'{"state":"online"}'
    assert states["listener/kitchen/sound/smoke_alarm"] == b"OFF"
    assert len(states) == 6


def test_a_label_is_on_while_any_of_its_episodes_is_open() -> None:
    b = board()
    assert [m.topic for m in b.event(begin("1"))] == ["listener/kitchen/sound", "listener/kitchen/sound/dog_bark"]
    b.event(begin("2"))
    assert brief(b.event(end("1"))) == [("sound/dog_bark", b"ON")]
    assert brief(b.event(end("2"))) == [("sound/dog_bark", b"OFF")]
    assert b.event(end("2")) == []
    assert {m.topic: m.payload for m in b.states}["listener/kitchen/sound/dog_bark"] == b"OFF"


def test_an_event_is_not_retained_and_says_what_it_is() -> None:
    event, state = board().event(begin("1", "smoke_alarm"))
    assert (event.retain, event.qos, event.urgent, event.room, event.kind) == (False, 1, True, "kitchen", "sound")
    assert (state.retain, state.qos) == (True, 1)
    body = json.loads(event.payload)
    assert body["event_type"] == body["label"] == "smoke_alarm"
    assert body["event"] == "sound_started"
    assert "test" not in body
    assert "time" not in body


def test_a_test_is_marked_and_turns_nothing_on() -> None:
    for label in ("test", "smoke_alarm"):
        b = board()
        (message,) = b.event(begin("1", label, test=True))
        assert json.loads(message.payload)["test"] is True
        assert not message.urgent
        assert b.event(end("1", label, test=True)) == []


def test_decisions_and_labels_that_are_not_reported_have_no_state() -> None:
    b = board()
    assert b.event(Decision(room="kitchen", t=1, decision="silent", probability=0, engine="cascade")) == []
    assert [m.topic for m in b.event(begin("1", "siren"))] == ["listener/kitchen/sound"]


def test_a_response_joins_its_start_and_its_end() -> None:
    b = board()
    start = ResponseStarted(
        room="kitchen", t=1, id="r", emotion="urgent", trigger="sound", sounds=("1",), utterance="what people said"
    )
    assert b.event(start) == []
    (message,) = b.event(ResponseEnded(room="kitchen", t=2, id="r", text="ä" * 300, reason="complete"))
    body = json.loads(message.payload)
    assert message.urgent
    assert (len(body["state"]), body["state"][-1], len(body["text"])) == (255, "…", 300)
    assert (body["emotion"], body["sounds"]) == ("urgent", ["1"])
    assert "utterance" not in body
    (other,) = b.event(ResponseEnded(room="kitchen", t=3, id="unknown", text="x", reason="limit"))
    assert "emotion" not in json.loads(other.payload)


def test_hearing_goes_out_on_change_and_once_a_second() -> None:
    b = board()

    def hear(t: float, score: float) -> int:
        return len(b.report(HearingReport("kitchen", t, (Hearing("speech", score, "below"),))))

    assert hear(0.4, 0.5) == 1
    assert hear(0.8, 0.6) == 0  # too soon
    assert hear(1.2, 0.501) == 0  # too soon, and the same
    assert hear(1.6, 0.501) == 0  # the same, rounded
    assert hear(2.0, 0.6) == 1
    assert hear(0.4, 0.9) == 1  # a new stream
    assert len(b.report(HearingReport("hall", 0.4, ()))) == 1


def test_settings_are_retained_states() -> None:
    b = board()
    settings = RoomSettings(muted=True, strictness="strict", threshold=0.25, mode="translate to Greek")
    messages = b.report(SettingsReport("kitchen", settings))
    assert brief(messages) == [
        ("mute", b"ON"),
        ("strictness", b"strict"),
        ("threshold", b"0.25"),
        ("mode", b"translate to Greek"),
    ]
    assert all(message.retain and message.qos == 1 for message in messages)
    assert set(messages) <= set(b.states)


def test_a_level_is_always_a_number() -> None:
    values = [level(v) for v in (-43.26, -math.inf, math.nan, 0.0)]
    assert values == [b"-43.3", b"-120.0", b"-120.0", b"0.0"]
    (message,) = board().report(LevelReport("kitchen", -20))
    assert (message.qos, message.retain) == (0, False)


def test_json_can_always_be_read_again() -> None:
    assert json.loads(encode({"a": [math.nan, {"b": math.inf}], "ü": "\ud800"})) == {"a": [None, {"b": None}], "ü": "?"}
    assert shorten("x" * 255) == "x" * 255


def test_what_people_say_is_published_only_if_it_is_asked_for() -> None:
    said = Transcript(room="kitchen", t=2.0, text="good night", final=True, confidence=0.9, start=0.4, end=1.6)
    assert Board(Topics(), ["kitchen"], [], []).event(said) == []
    board = Board(Topics(), ["kitchen"], [], [], transcripts=True)
    (message,) = board.event(said)
    assert (message.topic, message.retain, message.qos) == ("listener/kitchen/transcript", False, 1)
    assert json.loads(message.payload)["text"] == "good night"
    (partial,) = board.event(replace(said, final=False))
    assert partial.qos == 0
