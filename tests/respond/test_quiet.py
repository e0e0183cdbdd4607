"""When we keep quiet."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from listener.config import QuietConfig
from listener.respond.quiet import Quiet
from listener.types import Reply


async def nothing() -> AsyncIterator[str]:
    yield ""


def reply(emotion: Any = "normal", trigger: Any = "model") -> Reply:
    return Reply("1", emotion, trigger, (), nothing())


class House:
    def __init__(self, hour: int, **config: Any) -> None:
        self.now = 1_000.0
        local = datetime(2026, 11, 22, hour, 0)  # noqa: DTZ001 (a time on the wall)
        self.quiet = Quiet(QuietConfig.model_validate(config), lambda: self.now, lambda: local)


@pytest.mark.parametrize(
    ("said", "at_night", "without_answers", "by_day"),
    [
        (reply("urgent", "sound"), True, True, True),
        (reply("normal", "sound"), False, False, True),
        (reply("happy", "model"), False, False, True),
        (reply("normal", "speech"), True, False, True),
        (reply("normal", "timer"), True, False, True),
    ],
)
def test_quiet_hours(said: Reply, at_night: bool, without_answers: bool, by_day: bool) -> None:
    hours = {"hours": ["22:00-07:00"]}
    assert House(23, **hours).quiet.speaks("kitchen", said) is at_night
    assert House(23, **hours, answers=False).quiet.speaks("kitchen", said) is without_answers
    assert House(12, **hours, answers=False).quiet.speaks("kitchen", said) is by_day
    assert House(23).quiet.speaks("kitchen", said)


def test_quiet_for_an_hour_is_one_rooms_hour() -> None:
    house = House(12)
    house.quiet.ask("kitchen", 3_600)
    assert not house.quiet.speaks("kitchen", reply())
    assert house.quiet.speaks("hall", reply())
    assert house.quiet.speaks("kitchen", reply("urgent", "sound"))
    assert house.quiet.speaks("kitchen", reply(trigger="timer"))
    house.now += 3_600
    assert house.quiet.speaks("kitchen", reply())
