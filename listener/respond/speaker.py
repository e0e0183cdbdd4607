"""Turns a reply in the making into `response_*` events and, where the room has a voice, into speech."""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext

from listener.errors import EngineError
from listener.respond.mouth import Mouth, RoomVoice
from listener.types import (
    Control,
    Hush,
    OwnVoice,
    Reply,
    ResponseEnded,
    ResponseStarted,
    ResponseText,
    Say,
    SetVolume,
    Stop,
    Teller,
)
from listener.vocabulary import EndReason

logger = logging.getLogger(__name__)

MAX_WAITING_REPLIES = 4


def random_id() -> str:
    return str(uuid.uuid4())


def ignore_own_voice(_control: OwnVoice) -> None:
    """Nobody listens for our own words."""


class QueuedSpeaker:
    """Speaker of one room. Without a voice, what it says goes to the publishers only.

    With one, urgent replies go before others and end one that is being said; `hears` is told what we say aloud.
    """

    def __init__(
        self,
        room: str,
        teller: Teller,
        voice: RoomVoice | None = None,
        hears: Callable[[OwnVoice], None] = ignore_own_voice,
        new_id: Callable[[], str] = random_id,
        may_speak: Callable[[Reply], bool] = lambda _reply: True,
    ) -> None:
        """`may_speak`: whether a reply may be heard now; those that may not go to the publishers all the same."""
        self._room = room
        self._teller = teller
        self._voice = voice
        self._new_id = new_id
        self._may_speak = may_speak
        self.own_voice = hears
        self._waiting: deque[Reply] = deque()
        self._arrived = asyncio.Event()
        self._current: asyncio.Task[None] | None = None
        self._current_urgent = False
        self._fault: str | None = None
        self.dropped = 0

    def enqueue(self, reply: Reply) -> None:
        urgent = self._voice is not None and reply.emotion == "urgent"
        if len(self._waiting) >= MAX_WAITING_REPLIES and not (urgent and self._make_place()):
            self._drop()
            return
        if urgent:
            self._waiting.insert(sum(waiting.emotion == "urgent" for waiting in self._waiting), reply)
            if not self._current_urgent:
                self.interrupt()
        else:
            self._waiting.append(reply)
        self._arrived.set()

    def apply(self, control: Control) -> None:
        """`Say`, `Stop`, `Hush` and `SetVolume`; others mean nothing to a speaker."""
        match control:
            case Say(text, urgent):
                self.enqueue(self._message(text, urgent))
            case Stop():
                self._waiting.clear()
                self.interrupt()
            case Hush() if not self._current_urgent:
                self.interrupt()
            case SetVolume(level, step) if self._voice is not None:
                volume = self._voice.volume + step if level is None else level
                self._voice.volume = min(1.0, max(0.0, volume))

    def interrupt(self) -> None:
        """End the reply that is being said, at once."""
        if self._current is not None:
            self._current.cancel()

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            while self._waiting:
                await self._say_next()
            self._arrived.clear()

    async def _say_next(self) -> None:
        reply = self._waiting.popleft()
        self._current_urgent = reply.emotion == "urgent"
        self._current = asyncio.create_task(self.say(reply))
        try:
            await asyncio.wait([self._current])
            if not self._current.cancelled() and (error := self._current.exception()) is not None:
                logger.error("%s: a reply failed; please report this", self._room, exc_info=error)
        finally:  # also when the room ends meanwhile
            current, self._current = self._current, None
            self._current_urgent = False
            current.cancel()
            await asyncio.gather(current, return_exceptions=True)

    async def say(self, reply: Reply) -> None:
        self._teller.tell(
            ResponseStarted,
            id=reply.id,
            emotion=reply.emotion,
            trigger=reply.trigger,
            sounds=reply.sounds,
            utterance=reply.utterance,
        )
        said: list[str] = []
        reason: EndReason = "interrupted"
        try:
            async with self._mouth(reply) as mouth:
                async for piece in reply.pieces:
                    said.append(piece)
                    self._teller.tell(ResponseText, id=reply.id, text=piece)
                    if mouth is not None:
                        mouth.add(piece)
                ended = reply.reason()
                if mouth is not None and ended != "interrupted":
                    await mouth.finish()
                reason = ended
            if ended != "interrupted" and (answer_seconds := reply.answer_seconds()) > 0:
                self.own_voice(OwnVoice(None, answer_seconds))
        except EngineError as error:
            logger.error("%s: a reply broke off: %s", self._room, error)
        finally:
            self._teller.tell(ResponseEnded, id=reply.id, text="".join(said), reason=reason)

    def voice_state(self, *, speaking: bool, fault: str | None) -> None:
        """The voice began, ceased or failed. A fault is logged once, until there is another or a voice again."""
        if not speaking and fault is not None and fault != self._fault:
            logger.error("%s: no voice: %s. What is said goes to MQTT only", self._room, fault)
        if not speaking and fault is None and self._fault is not None:
            logger.info("%s: the voice is back", self._room)
        if not speaking:
            self._fault = fault
        self._teller.voice(speaking=speaking, missing=self._fault is not None)

    def _mouth(self, reply: Reply) -> "Mouth | nullcontext[None]":
        if self._voice is None or not self._may_speak(reply):
            return nullcontext()
        return Mouth(self._voice, reply.emotion, self, self.interrupt)

    def _message(self, text: str, urgent: bool) -> Reply:
        return Reply(self._new_id(), "urgent" if urgent else "normal", "request", (), _only(text))

    def _make_place(self) -> bool:
        """Drop the newest waiting reply that is not urgent."""
        for index in reversed(range(len(self._waiting))):
            if self._waiting[index].emotion != "urgent":
                del self._waiting[index]
                self._drop()
                return True
        return False

    def _drop(self) -> None:
        self.dropped += 1
        logger.warning(
            "%s: %d replies wait to be said; one more is dropped (%d so far)",
            *(self._room, MAX_WAITING_REPLIES, self.dropped),
        )


async def _only(text: str) -> AsyncIterator[str]:
    yield text
