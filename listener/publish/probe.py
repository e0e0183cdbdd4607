"""Whether the broker would take us, asked without disturbing a daemon that runs."""

from dataclasses import replace

from listener.config import MqttConfig
from listener.publish.link import Link
from listener.publish.settings import link_settings
from listener.types import Message


class _Silent:
    def on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        """Nothing is subscribed."""

    def on_sent(self, mid: int, failure: str | None) -> None:
        """Nothing is sent."""


async def probe(config: MqttConfig) -> str:
    """Connect and disconnect, under a client id of its own. Returns where; raises ConfigError or PublishError."""
    settings = replace(link_settings(config), client_id=f"{config.client_id}-check")
    async with Link(settings, Message(f"{config.base_topic}/check", b"", qos=0), _Silent()):
        return settings.where
