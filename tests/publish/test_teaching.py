"""Teaching and correcting by MQTT: what is understood, what is answered, and how it looks at the broker."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.errors import PayloadError
from listener.publish.board import Board
from listener.publish.commands import Commands
from listener.publish.teaching import READERS
from listener.publish.topics import Topics
from listener.types import (
    CorrectionLine,
    CorrectionsReport,
    ForgetSound,
    Learn,
    LearningReport,
    LearnNameReport,
    Message,
    RenameSound,
    SetLearnName,
    Snooze,
    StopLearning,
    TaughtLine,
    TaughtReport,
    Teaching,
    Test,
    UndoCorrection,
    Wrong,
)

COMMANDS = Commands(
    Topics(), frozenset({"kitchen", "hall"}), frozenset({"siren"}), taught={"kitchen": frozenset({"gate"})}
)
WHEN = "2026-11-22T18:30:05Z"


@pytest.mark.parametrize(
    ("leaf", "payload", "teaching"),
    [
        ("learn_name/set", "Garden gate", SetLearnName("Garden gate")),
        ("learn_name/set", "", SetLearnName("")),
        ("learn_name/set", "  Gate\t 2 ", SetLearnName("Gate 2")),
        ("learn", "PRESS", Learn()),
        ("learn", "Türklingel", Learn("Türklingel")),
        ("learn", "CANCEL", StopLearning()),
        ("rename", '{"old": "Gate", "new": "Garden gate"}', RenameSound("Gate", "Garden gate")),
        ("forget", "Gate", ForgetSound("Gate")),
        ("wrong", "PRESS", Wrong()),
        ("wrong", "2f0d6bb2-5f0e-4a55", Wrong("2f0d6bb2-5f0e-4a55")),
        ("was", "Gate", Wrong(was="Gate")),
        ("was", '{"episode": "2f0d", "name": "Gate"}', Wrong("2f0d", "Gate")),
        ("undo_correction", "PRESS", UndoCorrection()),
        ("undo_correction", "b3f0", UndoCorrection("b3f0")),
    ],
)
def test_what_is_understood(leaf: str, payload: str, teaching: Teaching) -> None:
    assert COMMANDS.parse(f"listener/kitchen/{leaf}", payload.encode()) == ("kitchen", teaching)


@pytest.mark.parametrize(
    ("leaf", "payload", "words"),
    [
        ("learn", "", "no name of a sound"),
        ("learn", "x" * 41, "1 to 40"),
        ("learn", "a\x00b", r"a\x00b"),
        ("learn_name/set", "\u202egate", "no name"),
        ("forget", "  ", "no name"),
        ("rename", "Gate", '"old"'),
        ("rename", '{"old": "Gate"}', '"new"'),
        ("rename", '{"old": 1, "new": "Gate"}', "no name"),
        ("rename", '{"old": "Gate", "new": ["x"]}', "no name"),
        ("rename", "[" * 200, '"old"'),
        ("wrong", "", "neither PRESS nor"),
        ("wrong", "../../etc", "neither PRESS nor"),
        ("was", '{"episode": 7, "name": "Gate"}', "neither PRESS nor"),
        ("was", '{"episode": "a", "name": "Gate", "more": 1}', '"episode"'),
        ("undo_correction", "a" * 65, "neither PRESS nor"),
    ],
)
def test_what_is_not_changes_nothing_and_says_why(leaf: str, payload: str, words: str) -> None:
    with pytest.raises(PayloadError) as caught:
        COMMANDS.parse(f"listener/kitchen/{leaf}", payload.encode())
    assert words in str(caught.value)
    assert "nothing was changed" in str(caught.value)


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=300))
def test_whatever_comes_is_a_request_or_one_printable_line(leaf: str, payload: bytes) -> None:
    topic = f"listener/kitchen/{leaf}" + ("/set" if leaf == "learn_name" else "")
    line = ""
    try:
        slug, teaching = COMMANDS.parse(topic, payload)
    except PayloadError as error:
        line = str(error)
    else:
        assert slug == "kitchen"
        assert isinstance(teaching, Teaching)
    assert line == "" or line.isprintable()


def test_a_taught_label_may_be_snoozed_and_tested_in_its_room_only() -> None:
    assert COMMANDS.parse("listener/kitchen/test", b"gate")[1] == Test("gate")
    assert COMMANDS.parse("listener/kitchen/snooze", b"gate")[1] == Snooze(("gate",), 600.0)
    with pytest.raises(PayloadError, match="configured sound"):
        COMMANDS.parse("listener/hall/test", b"gate")


def test_how_a_lesson_goes_can_be_read_without_a_click() -> None:
    board = Board(Topics(), ["kitchen"], [], [])

    def text(report: LearningReport) -> str:
        (message,) = board.report(report)
        assert (message.topic, message.retain) == ("listener/kitchen/learning", True)
        return str(json.loads(message.payload)["text"])

    assert text(LearningReport("kitchen", "idle")) == "idle"
    assert text(LearningReport("kitchen", "be_quiet", "Gate")) == "be quiet"
    assert text(LearningReport("kitchen", "listening", "Gate", 2, 5)) == "heard 2 of 5"
    assert text(LearningReport("kitchen", "accepted", "Gate", 5, 5)) == "accepted"
    assert text(LearningReport("kitchen", "refused", detail="too like dog_bark")) == "refused: too like dog_bark"
    assert len(text(LearningReport("kitchen", "refused", detail="x" * 999))) == 255


def test_what_was_taught_and_corrected_stands_at_the_broker() -> None:
    board = Board(Topics(), ["kitchen"], [], [])

    def body(message: Message) -> dict[str, object]:
        decoded: dict[str, object] = json.loads(message.payload)
        return decoded

    (taught,) = board.report(TaughtReport("kitchen", (TaughtLine("Gate", "gate", 5, WHEN),)))
    assert body(taught)["count"] == 1
    assert body(taught)["sounds"] == [{"name": "Gate", "label": "gate", "takes": 5, "taught_at": WHEN}]
    line = CorrectionLine("c", "e", "dog_bark", "", WHEN)
    (corrections,) = board.report(CorrectionsReport("kitchen", 31, (line,), "was wrong"))
    assert body(corrections)["count"] == 31
    assert body(corrections)["detail"] == "was wrong"
    (name,) = board.report(LearnNameReport("kitchen", "Türe"))
    assert (name.topic, name.payload) == ("listener/kitchen/learn_name", "Türe".encode())
    assert {taught.topic, corrections.topic, name.topic} <= {state.topic for state in board.states}


def test_a_label_that_is_taught_and_forgotten_comes_and_goes() -> None:
    board = Board(Topics(), ["kitchen", "hall"], ["siren"], [])

    def sounds() -> list[str]:
        return [state.topic for state in board.states if "/sound/" in state.topic]

    board.exchange(["kitchen", "hall"], {"kitchen": ["gate"]})
    assert sounds() == ["listener/kitchen/sound/siren", "listener/hall/sound/siren", "listener/kitchen/sound/gate"]
    board.exchange(["kitchen", "hall"], {})
    assert sounds() == ["listener/kitchen/sound/siren", "listener/hall/sound/siren"]
