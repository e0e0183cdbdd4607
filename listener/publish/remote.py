"""Speaking to a running daemon over the broker, as Home Assistant does: for commands, and for what stands there."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from listener.config import MqttConfig
from listener.errors import NoAnswerError, PublishError
from listener.publish.link import Link
from listener.publish.settings import link_settings
from listener.types import Message

KEPT_TOPICS = 10_000


@dataclass(frozen=True, slots=True)
class Said:
    """The latest on a topic. `live`: it came while we listened, and did not only stand there."""

    payload: bytes
    live: bool


@dataclass
class Remote:
    """What the broker tells us, the latest of each topic."""

    latest: dict[str, Said] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: str | None = None
    """Why the broker did not take what we sent, as far as it says (MQTT 5)."""

    def on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic in self.latest or len(self.latest) < KEPT_TOPICS:
            self.latest[topic] = Said(payload, live=not retained)
            self.changed.set()

    def on_sent(self, _mid: int, failure: str | None) -> None:
        self.refusal = failure or self.refusal
        self.changed.set()

    async def until(self, enough: Callable[[], bool], seconds: float, what: str) -> None:
        """Raises NoAnswerError, which says `what`, when it takes longer; PublishError when the broker refuses us."""
        try:
            async with asyncio.timeout(seconds):
                while not enough():
                    if self.refusal is not None:
                        raise PublishError(f"the broker refuses our messages: {self.refusal}; allow them there")
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise NoAnswerError(what) from None

    def text(self, topic: str) -> str | None:
        said = self.latest.get(topic)
        return None if said is None else said.payload.decode("utf-8", "replace")

    def is_live(self, topic: str) -> bool:
        said = self.latest.get(topic)
        return said is not None and said.live


@asynccontextmanager
async def open_remote(config: MqttConfig, topics: Iterable[str]) -> AsyncIterator[tuple[Remote, Link]]:
    """Connect under a client id of its own, and listen to `topics`. Raises ConfigError, PublishError:
    NoAnswerError where nobody listens, another where we are refused."""
    settings = link_settings(config)
    settings = replace(settings, client_id=f"{config.client_id}-cli-{secrets.token_hex(4)}")
    remote = Remote()
    async with Link(settings, Message(f"{config.base_topic}/cli", b"", qos=0), remote) as link:
        link.subscribe(topics)
        yield remote, link
