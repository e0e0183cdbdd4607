"""Turns a reply in the making into `response_*` events, one reply after the other."""

import asyncio
import logging

from listener.errors import EngineError
from listener.types import Reply, ResponseEnded, ResponseStarted, ResponseText, Teller
from listener.vocabulary import EndReason

logger = logging.getLogger(__name__)

MAX_WAITING_REPLIES = 4


class QueuedSpeaker:
    """Speaker of one room, without a synthesizer: what it says goes to the publishers."""

    def __init__(self, room: str, teller: Teller) -> None:
        self._room = room
        self._teller = teller
        self._waiting: asyncio.Queue[Reply] = asyncio.Queue(MAX_WAITING_REPLIES)
        self.dropped = 0

    def enqueue(self, reply: Reply) -> None:
        try:
            self._waiting.put_nowait(reply)
        except asyncio.QueueFull:
            self.dropped += 1
            logger.warning(
                "%s: %d replies wait to be said; one more is dropped (%d so far)",
                self._room,
                MAX_WAITING_REPLIES,
                self.dropped,
            )

    async def run(self) -> None:
        while True:
            await self.say(await self._waiting.get())

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
            async for piece in reply.pieces:
                said.append(piece)
                self._teller.tell(ResponseText, id=reply.id, text=piece)
            reason = reply.reason()
        except EngineError as error:
            logger.error("%s: a reply broke off: %s", self._room, error)
        finally:
            self._teller.tell(ResponseEnded, id=reply.id, text="".join(said), reason=reason)
