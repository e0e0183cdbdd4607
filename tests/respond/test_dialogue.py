"""Home Assistant asks back: who answers needs no wake word, and is passed on whatever they say."""

import pytest
from test_responder import FakeHouse, Home, words

from listener.respond.conversation import HouseAnswer
from listener.respond.dialogue import ANSWER_SECONDS
from listener.types import Answer, ResponseEnded
from listener.types.speech import Addressed

QUESTION = HouseAnswer("Which lamp?", asks_back=True)


async def asked(home: Home, t: float = 10.0) -> None:
    """Somebody wants the light on, and Home Assistant has asked aloud at `t` which one."""
    answer = await home.hear("HassTurnOn", name="Lamp", t=t - 4)
    assert answer.reply is not None
    assert answer.reply.answer_seconds() == 0
    assert await words(answer.reply) == "Which lamp?"
    assert answer.reply.answer_seconds() == ANSWER_SECONDS
    home.responder.publish(
        ResponseEnded(room="kitchen", t=t, id=answer.reply.id, text="Which lamp?", reason="complete")
    )


async def test_the_answer_is_handed_over_although_we_understand_nothing_of_it() -> None:
    house = FakeHouse(QUESTION, "Done.")
    home = Home(house)
    await asked(home)
    answer = await home.hear(None, heard="the big one", t=14.0, addressed="follow_up")
    assert answer.command is None
    assert answer.reply is not None
    assert await words(answer.reply) == "Done."
    assert answer.reply.answer_seconds() == 0
    assert [text for _, text, _ in house.asked] == ["HassTurnOn {'name': 'Lamp'}", "the big one"]
    assert await home.hear(None, heard="and then", t=15.0, addressed="follow_up") == Answer(), "it asked once"


@pytest.mark.parametrize("name", ["ListenerYes", "ListenerNo", "HassNevermind"])
async def test_yes_and_no_are_for_who_asked(name: str) -> None:
    house = FakeHouse(QUESTION, "Fine.")
    home = Home(house)
    await asked(home)
    answer = await home.hear(name, heard="yes", t=13.0, addressed="follow_up")
    assert answer.reply is not None
    assert await words(answer.reply) == "Fine."


@pytest.mark.parametrize(
    ("t", "addressed"),
    [(12.0 + ANSWER_SECONDS, "follow_up"), (13.0, "no")],
)
async def test_what_is_no_answer_is_not_handed_over(t: float, addressed: Addressed) -> None:
    house = FakeHouse(QUESTION)
    home = Home(house)
    await asked(home)
    assert await home.hear(None, heard="the big one", t=t, addressed=addressed) == Answer()
    assert len(house.asked) == 1


async def test_a_command_is_one_also_as_an_answer_and_the_policy_rules_on_it() -> None:
    house = FakeHouse(QUESTION)
    home = Home(house)
    await asked(home)
    answer = await home.hear("HassTurnOn", name="Front door", t=13.0, addressed="follow_up")
    assert answer.command is not None
    assert answer.command.verdict == "denied"
    assert len(house.asked) == 1


async def test_a_yes_that_we_wait_for_ourselves_is_ours() -> None:
    house = FakeHouse("Unlocked.")
    home = Home(house, dangerous=["lock"])
    question = await home.hear("HassTurnOn", name="Front door")
    assert question.reply is not None
    assert question.reply.answer_seconds() == 10.0, "the yes needs no wake word either"
    answer = await home.hear("ListenerYes", t=14.0, addressed="follow_up")
    assert answer.command is not None
    assert answer.command.verdict == "accepted"
