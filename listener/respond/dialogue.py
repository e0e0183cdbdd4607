"""Talking with Home Assistant: its answers as replies of ours, and its questions, which somebody may answer."""

import logging
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from listener.errors import HomeAssistantError
from listener.respond.answers import Answers
from listener.respond.conversation import HouseAnswer, NotLetInError
from listener.types import Reply

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 8.0
"""After Home Assistant has asked something: for so long no wake word is needed. People need a moment to think."""


class House(Protocol):
    """Home Assistant, as `Conversation` reaches it."""

    async def process(self, room: str, text: str, language: str) -> HouseAnswer:
        """Its answer. Raises HomeAssistantError."""
        ...


@dataclass(frozen=True, slots=True)
class _Question:
    """One that Home Assistant asks in the reply of that id; `until` is in seconds of audio."""

    reply_id: str
    until: float = math.inf


class Dialogue:
    """Of all rooms. Lives in the event loop."""

    def __init__(self, house: House, new_id: Callable[[], str]) -> None:
        self._house = house
        self._new_id = new_id
        self._questions: dict[str, _Question] = {}

    def reply(self, room: str, text: str, language: str, answers: Answers) -> Reply:
        """What Home Assistant says to `text`: it is asked when somebody asks for the reply's first piece."""
        reply_id = self._new_id()
        pieces = self._pieces(room, reply_id, text, language, answers)
        return Reply(
            reply_id, "normal", "speech", (), pieces, text or None, answer_seconds=lambda: self._open(room, reply_id)
        )

    def asked_aloud(self, room: str, reply_id: str, t: float) -> None:
        """That reply has been said to its end: the time to answer begins now."""
        question = self._questions.get(room)
        if question is not None and question.reply_id == reply_id:
            self._questions[room] = replace(question, until=t + ANSWER_SECONDS)

    def take(self, room: str, started: float) -> bool:
        """Whether somebody who began to speak at `started` answers a question; it is asked no longer."""
        question = self._questions.pop(room, None)
        return question is not None and started <= question.until

    def _open(self, room: str, reply_id: str) -> float:
        question = self._questions.get(room)
        return ANSWER_SECONDS if question is not None and question.reply_id == reply_id else 0.0

    async def _pieces(self, room: str, reply_id: str, text: str, language: str, answers: Answers) -> AsyncIterator[str]:
        try:
            answer = await self._house.process(room, text, language)
        except HomeAssistantError as error:
            logger.error("%s: %s", room, error)
            answer = HouseAnswer(answers.say("not_let_in" if isinstance(error, NotLetInError) else "unreachable"))
        if answer.asks_back:
            self._questions[room] = _Question(reply_id)
        if answer.text:
            yield answer.text
