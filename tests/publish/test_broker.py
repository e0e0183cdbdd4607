"""The embedded broker, with an independent client in front of it."""

import asyncio
import logging
import threading

import pytest
from conftest import free_port
from mqtt_witness import Witness, daemon, until_logged

from listener.config import MqttConfig
from listener.errors import ConfigError, PublishError
from listener.publish.broker import EmbeddedBroker

LOGIN = {"LISTENER_MQTT_USERNAME": "ears", "LISTENER_MQTT_PASSWORD": "right"}


def embedded(port: int, **more: object) -> MqttConfig:
    return MqttConfig.model_validate({"broker": "embedded", "port": port, **more})


async def test_it_passes_on_and_retains() -> None:
    port = free_port()
    async with EmbeddedBroker(embedded(port), {}):
        async with Witness(port) as witness:
            await witness.send("a/b", "kept", retain=True)
            await witness.until_seen("a/b", b"kept")
        async with Witness(port) as later:
            assert (await later.until_seen("a/b")).retained


async def test_it_ends_and_leaves_nothing_behind() -> None:
    before = {thread.name for thread in threading.enumerate()}
    port = free_port()
    for _ in range(3):
        async with EmbeddedBroker(embedded(port), {}), Witness(port):
            assert "mqtt-broker" in {thread.name for thread in threading.enumerate()}
    assert "mqtt-broker" not in {thread.name for thread in threading.enumerate()} - before
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_with_a_password_nobody_enters_without(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with EmbeddedBroker(embedded(port), LOGIN):
        for wrong in ({}, {**LOGIN, "LISTENER_MQTT_PASSWORD": "wrong"}, {"LISTENER_MQTT_USERNAME": "ears"}):
            caplog.clear()
            async with daemon(port, environ=wrong):
                await until_logged(caplog, "mqtt.password_file")
        async with Witness(port, "ears", "right") as witness, daemon(port, environ=LOGIN):
            await witness.until_seen("listener/bridge/state", b'{"state":"online"}')


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "house.lan"])
def test_beyond_loopback_it_wants_a_password(host: str) -> None:
    for environ in ({}, {"LISTENER_MQTT_USERNAME": "ears"}):
        with pytest.raises(ConfigError, match=r"mqtt\.host: .* let anybody in; give mqtt\.username"):
            EmbeddedBroker(embedded(18_999, host=host), environ)
    EmbeddedBroker(embedded(18_999, host=host), LOGIN)


async def test_on_all_addresses_our_own_publisher_finds_it() -> None:
    port = free_port()
    config = {"broker": "embedded", "host": "0.0.0.0"}
    async with (
        EmbeddedBroker(embedded(port, host="0.0.0.0"), LOGIN),
        Witness(port, "ears", "right") as witness,
        daemon(port, environ=LOGIN, **config),
    ):
        await witness.until_seen("listener/bridge/state", b'{"state":"online"}')


@pytest.mark.parametrize(("host", "words"), [("127.0.0.1", "port is in use"), ("203.0.113.7", "does not have that")])
async def test_an_address_that_cannot_be_had_is_one_clear_line(host: str, words: str) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as taken:
        port = taken.sockets[0].getsockname()[1]
        with pytest.raises(PublishError, match=words) as caught:
            async with EmbeddedBroker(embedded(port, host=host), LOGIN):
                pass
        assert f"{host}:{port}" in str(caught.value)


async def test_nonsense_on_the_socket_hurts_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "listener.publish")
    port = free_port()
    async with EmbeddedBroker(embedded(port), {}), Witness(port) as witness:
        for junk in (
            b"",
            b"\x00" * 100,
            b"GET / HTTP/1.0\r\n\r\n",
            b"\x10\xff\xff\xff\x7f",
            b"\x30\x02\x00\x05",
            b"\x10\x02\xff",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(junk)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
        await witness.send("a/b", "still here")
        await witness.until_seen("a/b", b"still here")


async def test_it_turns_clients_away_when_full(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("listener.publish.broker.MAX_CLIENTS", 1)
    port = free_port()
    async with EmbeddedBroker(embedded(port), {}), Witness(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await writer.wait_closed()
    assert "turned away" in caplog.text
