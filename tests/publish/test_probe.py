"""Asking a real broker whether it would take us."""

from pathlib import Path

import pytest
from conftest import Mosquitto, free_port
from mqtt_witness import Witness, daemon

from listener.config import MqttConfig
from listener.errors import ConfigError, PublishError
from listener.publish.probe import probe


def config(port: int, **more: object) -> MqttConfig:
    return MqttConfig.model_validate({"port": port, **more})


async def test_a_broker_that_takes_us_is_named(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    assert f"127.0.0.1:{mosquitto.port}" in await probe(config(mosquitto.port))


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_a_daemon_that_runs_is_not_disturbed_and_nobody_is_told(mosquitto: Mosquitto, protocol: str) -> None:
    """Another client of our id would throw the daemon out, and a will of ours would tell the house we are gone."""
    mosquitto.start()
    async with Witness(mosquitto.port) as witness, daemon(mosquitto.port):
        await witness.until_seen("listener/bridge/state", b'{"state":"online"}')
        for _ in range(3):
            await probe(config(mosquitto.port, protocol=protocol))
        await witness.send("end", "")
        await witness.until_seen("end")
        assert [m.payload for m in witness.seen if m.topic == "listener/bridge/state"] == [b'{"state":"online"}']
        assert not [m for m in witness.seen if m.topic.startswith("listener/check")]


async def test_a_broker_that_is_not_there_is_an_error_with_its_address() -> None:
    port = free_port()
    with pytest.raises(PublishError, match=f"127.0.0.1:{port}"):
        await probe(config(port))


async def test_a_wrong_password_is_told_as_such(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mosquitto.demand_password(tmp_path / "passwords", "ears", "right")
    mosquitto.start()
    monkeypatch.setenv("LISTENER_MQTT_USERNAME", "ears")
    monkeypatch.setenv("LISTENER_MQTT_PASSWORD", "wrong")
    with pytest.raises(PublishError, match=r"mqtt\.password_file"):
        await probe(config(mosquitto.port))
    monkeypatch.setenv("LISTENER_MQTT_PASSWORD", "right")
    assert await probe(config(mosquitto.port))


async def test_a_password_file_that_is_not_there_is_the_configuration_s_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.password_file.*none"):
        await probe(config(free_port(), username="ears", password_file=tmp_path / "none"))
