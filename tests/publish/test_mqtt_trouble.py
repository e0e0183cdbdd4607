"""The publisher when things change or go wrong: rooms that are gone, a broker that refuses, is away or is none."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from conftest import Mosquitto, free_port
from mqtt_witness import QUICK, Witness, daemon, started


async def test_rooms_and_sounds_of_yesterday_are_cleared(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    async with Witness(mosquitto.port) as witness:
        foreign = {"o": {"name": "Listener"}, "cmps": {"a": {"p": "sensor", "state_topic": "other/x/y"}}}
        kept = {
            "homeassistant/device/listener-old/config": json.dumps(foreign),
            "homeassistant/device/zigbee/config": '{"o":{"name":"zigbee2mqtt"},"cmps":{}}',
            "listener/somebody/status": "else",
        }
        for topic, payload in kept.items():
            await witness.send(topic, payload, retain=True)
        async with daemon(mosquitto.port, names=("Kitchen", "Cellar")):
            await witness.until_seen("listener/cellar/sound/dog_bark")
        witness.seen.clear()
        async with daemon(mosquitto.port, labels=("smoke_alarm", "siren")):
            cleared = "homeassistant/device/listener-cellar/config"
            await witness.until_seen(cleared, b"")
            await witness.until_seen("listener/cellar/availability", b"")
            await witness.until_seen("listener/cellar/sound/smoke_alarm", b"")
            await witness.until_seen("listener/kitchen/sound/dog_bark", b"")
            device = "homeassistant/device/listener-kitchen/config"
            await witness.until(lambda seen: sum(s.topic == device for s in seen) >= 2)
            assert "sound_dog_bark" not in witness.on(device)[0].json["cmps"]
            assert witness.on(device)[1].json["cmps"]["sound_dog_bark"] == {"p": "binary_sensor"}
    async with Witness(mosquitto.port) as later:
        await later.until_seen("listener/kitchen/sound/siren")
        topics = {s.topic for s in later.seen}
        assert topics >= set(kept)
        assert cleared not in topics
        assert not any(topic.startswith("listener/cellar") for topic in topics)
        assert "sound_dog_bark" not in later.on(device)[0].json["cmps"]


async def test_discovery_can_be_switched_off_again(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    async with Witness(mosquitto.port) as witness:
        async with daemon(mosquitto.port):
            await witness.until_seen("listener/kitchen/sound/dog_bark")
        async with daemon(mosquitto.port, discovery=False):
            await witness.until_seen("homeassistant/device/listener-kitchen/config", b"")
            await witness.until_seen("homeassistant/device/listener-bridge/config", b"")


async def test_another_base_topic_and_mqtt_5(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    async with Witness(mosquitto.port) as witness:
        async with daemon(mosquitto.port, base_topic="home/ears", discovery_prefix="ha", protocol="5") as d:
            d.publisher.publish(started("a"))
            await witness.until_seen("home/ears/kitchen/sound")
            await witness.until_seen("ha/device/home_ears-kitchen/config")
        await witness.until_seen("home/ears/bridge/state", b'{"state":"offline"}')
        assert not any(s.topic.startswith("listener/") for s in witness.seen)


async def test_a_refused_password_is_said_once_and_then_forgiven(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    mosquitto.demand_password(tmp_path / "passwords", "ears", "right")
    mosquitto.start()
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    caplog.set_level(logging.DEBUG, "listener.publish.backoff")
    async with daemon(mosquitto.port, username="ears", password_file=secret):
        async with asyncio.timeout(15):
            while sum("refuses user 'ears'" in r.getMessage() for r in caplog.records) < 2:
                await asyncio.sleep(0.05)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert f"127.0.0.1:{mosquitto.port}" in errors[0]
    assert "mqtt.password_file" in errors[0]
    assert "wrong" not in errors[0]
    environ = {"LISTENER_MQTT_USERNAME": "ears", "LISTENER_MQTT_PASSWORD": "right"}
    async with Witness(mosquitto.port, "ears", "right") as witness, daemon(mosquitto.port, environ=environ):
        await witness.until_seen("listener/bridge/state", b'{"state":"online"}')


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-host.invalid", ("name is not known", "mqtt.host")),
        ("127.0.0.1", ("nobody listens", "start the broker")),
    ],
)
async def test_an_unreachable_broker_is_one_clear_line(
    caplog: pytest.LogCaptureFixture, host: str, words: tuple[str, ...]
) -> None:
    async with daemon(free_port(), host=host), asyncio.timeout(15):
        while not any(r.levelno >= logging.ERROR for r in caplog.records):
            await asyncio.sleep(0.02)
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(lines) == 1
    assert all(word in lines[0] for word in (host, *words))
    assert "Traceback" not in caplog.text


async def test_what_is_no_mqtt_broker_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def hello(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    async with server, daemon(server.sockets[0].getsockname()[1]), asyncio.timeout(20):
        while not any(r.levelno >= logging.ERROR for r in caplog.records):
            await asyncio.sleep(0.02)
    assert "MQTT broker 127.0.0.1" in caplog.text


async def test_ten_thousand_events_while_the_broker_is_away_cost_the_oldest_harmless_ones(mosquitto: Mosquitto) -> None:
    async with daemon(mosquitto.port, timing=QUICK) as d:
        d.publisher.publish(started("fire"))
        for n in range(10_100):
            d.publisher.publish(started(f"d{n}", "dog_bark"))
        assert d.outbox.drops == {"sound": 101}
        mosquitto.start()
        async with Witness(mosquitto.port) as witness:
            await witness.until_seen("listener/kitchen/sound")
            assert witness.on("listener/kitchen/sound")[0].json["id"] == "fire"
