"""A sentence from the command line to a daemon, over a real broker."""

import asyncio

import pytest
from conftest import Mosquitto, free_port
from mqtt_witness import rooms

from listener.config import MqttConfig
from listener.errors import PublishError
from listener.publish.mqtt import MqttPublisher
from listener.publish.say import send_say
from listener.store.outbox import MemoryOutbox
from listener.types import Control, Say


async def test_it_arrives_at_the_daemon(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    config = MqttConfig(host=mosquitto.host, port=mosquitto.port, discovery=False)
    said: asyncio.Queue[tuple[str, Control]] = asyncio.Queue()
    daemon = MqttPublisher(
        config, rooms("Kitchen"), ("siren",), MemoryOutbox(), lambda slug, control: said.put_nowait((slug, control))
    )
    running = asyncio.create_task(daemon.run())
    where = await send_say(config, "kitchen", 'Das "Essen" ist fertig – 🍝', urgent=True)
    async with asyncio.timeout(10):
        assert await said.get() == ("kitchen", Say('Das "Essen" ist fertig – 🍝', urgent=True))
    assert where == f"MQTT broker 127.0.0.1:{mosquitto.port}"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_a_daemon_it_says_so(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    config = MqttConfig(host=mosquitto.host, port=mosquitto.port, base_topic="attic")
    with pytest.raises(PublishError, match="no daemon is there for 'attic'; start it with `listener run`"):
        await send_say(config, "kitchen", "Hello", urgent=False, seconds=0.3)


async def test_without_a_broker_it_says_so() -> None:
    with pytest.raises(PublishError, match="MQTT broker"):
        await send_say(MqttConfig(host="127.0.0.1", port=free_port()), "kitchen", "Hello", urgent=False)


async def test_too_much_is_not_sent() -> None:
    with pytest.raises(PublishError, match="too long"):
        await send_say(MqttConfig(), "kitchen", "x" * 2_000, urgent=False)
