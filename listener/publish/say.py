"""A sentence for the daemon that runs, sent from another process over the broker."""

import asyncio
import json
import os
from dataclasses import replace

from listener.config import MqttConfig
from listener.errors import PublishError
from listener.publish.commands import MAX_SAY_BYTES
from listener.publish.link import Link
from listener.publish.payloads import OFFLINE, ONLINE
from listener.publish.settings import link_settings
from listener.publish.topics import Topics
from listener.types import Message

ANSWER_SECONDS = 5.0


class _Waiting:
    """Is the daemon there, and has the broker taken what we sent?"""

    def __init__(self, state_topic: str) -> None:
        self._state_topic = state_topic
        self.online = asyncio.Event()
        self.sent: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def on_message(self, topic: str, payload: bytes, _retained: bool) -> None:
        if topic == self._state_topic and payload == ONLINE:
            self.online.set()
        elif topic == self._state_topic and payload == OFFLINE:
            self.online.clear()

    def on_sent(self, _mid: int, failure: str | None) -> None:
        if not self.sent.done():
            self.sent.set_result(failure)


async def send_say(config: MqttConfig, slug: str, text: str, *, urgent: bool, seconds: float = ANSWER_SECONDS) -> str:
    """Hand it to the daemon; returns which broker took it. Raises ConfigError, PublishError: no broker, no daemon."""
    settings = replace(link_settings(config), client_id=f"{config.client_id}-say-{os.getpid()}")
    payload = json.dumps({"text": text, "urgent": urgent}, ensure_ascii=False).encode("utf-8", "replace")
    if len(payload) > MAX_SAY_BYTES:
        raise PublishError(f"the text is too long: {len(payload)} bytes; {MAX_SAY_BYTES} are said at once, at most")
    topics = Topics(config.base_topic, config.discovery_prefix)
    waiting = _Waiting(topics.bridge("state"))
    async with Link(settings, Message(f"{config.base_topic}/check", b"", qos=0), waiting) as link:
        link.subscribe([topics.bridge("state")])
        try:
            async with asyncio.timeout(seconds):
                await waiting.online.wait()
        except TimeoutError:
            raise PublishError(
                f"{settings.where}: no daemon is there for {config.base_topic!r}; start it with `listener run`"
            ) from None
        link.send(Message(topics.room(slug, "say"), payload, slug))
        try:
            async with asyncio.timeout(seconds):
                failure = await waiting.sent
        except TimeoutError:
            failure = f"no acknowledgement within {seconds:g} s"
    if failure is not None:
        raise PublishError(f"{settings.where}: does not take it: {failure}; allow us to write to {slug}/say")
    return settings.where
