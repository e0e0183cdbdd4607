"""The composition: what the configuration asks for answers commands, with nothing faked but the room."""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from listener.app.commands import open_attention
from listener.config import Config, HomeConfig, parse
from listener.errors import ConfigError
from listener.types import Intent, Reply, Spoken, SummaryReport

ROOM = {"name": "Kitchen", "source": {"type": "pipe"}}
HOME = HomeConfig.model_validate(
    {
        "areas": [{"name": "Garage"}],
        "entities": [
            {"name": "Lamp", "aliases": ["Ceiling light"], "domain": "light"},
            {"name": "Big door", "area": "Garage", "domain": "cover", "device_class": "garage"},
        ],
    }
)
SPOKEN = Spoken("", True, 1.0, 0.0, 1.0, "open")


def config(**more: Any) -> Config:
    return parse({"rooms": [ROOM], **more})


async def ignore(room: str, reply: Reply) -> None:
    """Nobody is there."""


def forget(summary: SummaryReport) -> None:
    """Nobody is there."""


async def test_the_home_of_the_configuration_is_what_the_policy_knows(tmp_path: Path) -> None:
    async with open_attention(config(), HOME, tmp_path, map(str, count()).__next__, ignore, forget) as attention:
        verdicts = []
        for intent, name in (("HassTurnOn", "ceiling light"), ("HassTurnOn", "Big door"), ("HassTurnOn", "Moon")):
            answer = await attention.responder.hear("kitchen", Intent(intent, {"name": name}, name, 1.0), SPOKEN, 1.0)
            assert answer.command is not None
            verdicts.append(answer.command.verdict)
    assert verdicts == ["accepted", "denied", "denied"]


async def test_a_timer_rings_by_the_real_clock_and_is_gone(tmp_path: Path) -> None:
    rung: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def deliver(room: str, reply: Reply) -> None:
        rung.put_nowait((room, "".join([piece async for piece in reply.pieces])))

    timer = Intent("HassStartTimer", {"name": "tea", "seconds": 0.2}, "", 1.0)
    async with open_attention(config(), HOME, tmp_path, map(str, count()).__next__, deliver, forget) as attention:
        await attention.responder.hear("kitchen", timer, SPOKEN, 1.0)
        assert await asyncio.wait_for(rung.get(), 10) == ("kitchen", "Your tea timer is done.")
        status = await attention.responder.hear("kitchen", Intent("HassTimerStatus", {}, "", 1.0), SPOKEN, 2.0)
        assert status.reply is not None
        assert [piece async for piece in status.reply.pieces] == ["There are no timers."]


async def test_rooms_come_and_go(tmp_path: Path) -> None:
    hall = config(rooms=[{"name": "Hall", "language": "de", "source": {"type": "pipe"}}])
    status = Intent("HassTimerStatus", {}, "", 1.0)
    async with open_attention(config(), HOME, tmp_path, map(str, count()).__next__, ignore, forget) as attention:
        attention.exchange(hall)
        answer = await attention.responder.hear("hall", status, SPOKEN, 1.0)
        assert answer.reply is not None
        assert [piece async for piece in answer.reply.pieces] == ["Es gibt keine Timer."]


async def test_a_language_without_answers_is_an_error(tmp_path: Path) -> None:
    french = config(rooms=[{**ROOM, "language": "fr"}])
    with pytest.raises(ConfigError, match="'fr'; choose one of en, de, ru"):
        async with open_attention(french, HOME, tmp_path, str, ignore, forget):
            pass


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"commands": {"rooms": {"attic": {}}}}, "commands.rooms.attic: no room has this slug; there are kitchen"),
        ({"commands": {"act": "home_assistant"}}, "commands.act is home_assistant, so home_assistant.url and token"),
        ({"commands": {"dangerous": ["window"]}}, "commands.dangerous[0]: must be one of lock, alarm_control_"),
        ({"commands": {"hours": ["7-20"]}}, "commands.hours[0]: is no span of hours; write 22:00-07:00"),
        ({"home_assistant": {"url": "ha:8123", "token_file": "t"}}, "home_assistant.url: must be http:// or https://"),
        (
            {"home_assistant": {"url": "http://u:p@ha", "token_file": "t"}},
            "home_assistant.url: must be http:// or https://",
        ),
        ({"summary": {"at": "9 pm"}}, 'summary.at: is no time of day; write "21:30"'),
        ({"summary": {"at": "25:00"}}, 'summary.at: is no time of day; write "21:30"'),
        ({"summary": {"at": 5_000}}, 'summary.at: is no time of day; write "21:30"'),
    ],
)
def test_what_is_wrong_in_the_configuration_is_one_line(section: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**section)
    assert str(caught.value).startswith(f"configuration: {expected}")
    assert "\n" not in str(caught.value)


def test_a_time_of_day_may_be_written_without_quotes() -> None:
    for written in ("21:30", 21 * 60 + 30):  # YAML 1.1 reads 21:30 as the number
        summary = config(summary={"at": written}).summary
        assert summary is not None
        assert (summary.at.hour, summary.at.minute) == (21, 30)
