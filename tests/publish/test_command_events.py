"""Commands and the daily summary, on their way to the broker."""

import json
from importlib import resources
from typing import Any, cast

import pytest

from listener.publish.board import Board
from listener.publish.topics import Topics
from listener.respond.memory import Memory
from listener.respond.skills.clock import ClockSkill
from listener.respond.skills.talk import TalkSkill
from listener.respond.skills.timers import TimerSkill
from listener.types import Command, SummaryReport
from listener.vocabulary import INTENTS


def command(verdict: Any, reason: str | None = None) -> Command:
    return Command(
        room="kitchen",
        t=4.0,
        id="7",
        intent="HassTurnOff",
        slots={"name": "Front door"},
        text="unlock the front door",
        confidence=0.9,
        verdict=verdict,
        reason=reason,
    )


@pytest.fixture
def board() -> Board:
    return Board(Topics(), ["kitchen"], [], [])


@pytest.mark.parametrize(
    ("verdict", "event_type"),
    [("accepted", "HassTurnOff"), ("denied", "denied"), ("unconfirmed", "unconfirmed")],
)
def test_only_an_accepted_command_goes_by_its_name(board: Board, verdict: str, event_type: str) -> None:
    (message,) = board.event(command(verdict, "because"))
    assert (message.topic, message.retain, message.qos) == ("listener/kitchen/command", False, 1)
    body = json.loads(message.payload)
    assert body["event_type"] == event_type
    assert (body["event"], body["id"], body["slots"]) == ("command", "7", {"name": "Front door"})
    assert (body["verdict"], body["reason"]) == (verdict, "because")


def test_home_assistant_knows_every_type_of_command() -> None:
    """It ignores an event whose type is not in the list. Its own intents, and those that the skills answer."""
    theirs = json.loads((resources.files("home_assistant_intents") / "intents.json").read_text(encoding="utf-8"))
    skills = (
        ClockSkill.intents,
        TimerSkill(cast(Any, None), str).intents,
        TalkSkill(Memory(), cast(Any, None)).intents,
    )
    ours = {"ListenerYes", "ListenerNo"}.union(*skills)
    assert set(INTENTS) == {*theirs, *ours}
    assert len(set(INTENTS)) == len(INTENTS)


def test_the_summary_is_retained(board: Board) -> None:
    (message,) = board.report(SummaryReport("a", "b", {"hall": {"knock": 1}}))
    assert (message.topic, message.retain) == ("listener/bridge/summary", True)
    assert json.loads(message.payload) == {"since": "a", "until": "b", "rooms": {"hall": {"knock": 1}}}
