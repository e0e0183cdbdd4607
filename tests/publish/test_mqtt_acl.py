"""docs/mosquitto-acl.example, in a real mosquitto: each user can do what it has to, and nothing else."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Mosquitto
from mqtt_witness import Witness, daemon, started
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from listener.publish.topics import ACTIONS, SETTINGS, Topics
from listener.types import SetMute

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "mosquitto-acl.example"
USERS = ("listener", "homeassistant", "display", "guest")
TOPICS = Topics()
WAIT_SECONDS = 20.0

COMMANDS = (
    *(TOPICS.set("kitchen", setting) for setting in SETTINGS),
    *(TOPICS.room("kitchen", action) for action in ACTIONS),
)
STATES = (
    TOPICS.bridge("state"),
    TOPICS.bridge("health"),
    *(TOPICS.room("kitchen", leaf) for leaf in ("availability", "status", "sound", "response", "command", *SETTINGS)),
    TOPICS.sound("kitchen", "smoke_alarm"),
)
OWN_DEVICES = (TOPICS.discovery("bridge"), TOPICS.discovery("kitchen"))
FOREIGN = ("homeassistant/device/stove-1/config", "homeassistant/light/x/config", "zigbee2mqtt/lock/set", "x")

MAY_WRITE = {
    "listener": {*COMMANDS, *STATES, *OWN_DEVICES},
    "homeassistant": {*COMMANDS, *OWN_DEVICES, *FOREIGN[:2], TOPICS.birth},
    "display": set(),
    "guest": set(),
}
MAY_READ = {
    "listener": {*COMMANDS, *STATES, *OWN_DEVICES, TOPICS.birth},
    "homeassistant": {*COMMANDS, *STATES, *OWN_DEVICES, *FOREIGN[:2], TOPICS.birth},
    "display": {TOPICS.bridge("state"), TOPICS.sound("kitchen", "smoke_alarm")},
    "guest": set(),
}
EVERYTHING = (*COMMANDS, *STATES, *OWN_DEVICES, *FOREIGN, TOPICS.birth)


@pytest.fixture
def guarded(mosquitto: Mosquitto, tmp_path: Path) -> Mosquitto:
    """Users of the example and one that it does not name, each with its name as password; and an auditor of ours."""
    passwords, rules = tmp_path / "passwords", tmp_path / "acl"
    rules.write_text(f"{EXAMPLE.read_text()}\nuser auditor\ntopic readwrite #\n")
    passwords.touch()
    for user in (*USERS, "auditor"):
        subprocess.run(["mosquitto_passwd", "-b", passwords, user, user], check=True, capture_output=True)
    mosquitto.configure("allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}")
    mosquitto.start()
    return mosquitto


class Visitor:
    """An MQTT 5 client, because there a broker says when it refuses."""

    def __init__(self, port: int, user: str) -> None:
        self.read: list[str] = []
        self._codes: dict[int, bool] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, f"visitor-{user}", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(user, user)
        self._client.on_message = lambda _c, _d, message: self.read.append(message.topic)
        self._client.on_publish = lambda _c, _d, mid, code, _p: self._codes.update({mid: not code.is_failure})
        subscribed: list[object] = []
        self._client.on_subscribe = lambda *_: subscribed.append(1)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", 1)
        self._run(lambda: bool(subscribed))

    def _run(self, enough: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if enough():
                return
            self._client.loop(0.01)
        pytest.fail("the broker does not answer")

    def may_write(self, topic: str) -> bool:
        info: MQTTMessageInfo = self._client.publish(topic, "x", qos=1)
        self._run(lambda: info.mid in self._codes)
        return self._codes[info.mid]

    def listen(self, end: str) -> None:
        self._run(lambda: end in self.read)

    def close(self) -> None:
        self._client.disconnect()
        self._client.on_message = self._client.on_publish = self._client.on_subscribe = None


@pytest.mark.parametrize("user", USERS)
def test_who_may_write_what(guarded: Mosquitto, user: str) -> None:
    visitor = Visitor(guarded.port, user)
    assert {topic for topic in EVERYTHING if visitor.may_write(topic)} == MAY_WRITE[user]
    visitor.close()


@pytest.mark.parametrize("user", [user for user in USERS if MAY_READ[user]])
def test_who_may_read_what(guarded: Mosquitto, user: str) -> None:
    reader, auditor = Visitor(guarded.port, user), Visitor(guarded.port, "auditor")
    last = TOPICS.bridge("state")  # which all of them may read: when it has come, so has what was sent before
    for topic in (*(t for t in EVERYTHING if t != last), last):
        assert auditor.may_write(topic)
    reader.listen(last)
    assert set(reader.read) == MAY_READ[user]
    reader.close()
    auditor.close()


async def test_a_daemon_and_home_assistant_get_along(guarded: Mosquitto) -> None:
    environ = {"LISTENER_MQTT_USERNAME": "listener", "LISTENER_MQTT_PASSWORD": "listener"}
    async with (
        Witness(guarded.port, "homeassistant", "homeassistant") as home,
        daemon(guarded.port, environ=environ, protocol="5") as d,
    ):
        for topic in OWN_DEVICES:
            await home.until_seen(topic)
        d.publisher.publish(started("1"))
        await home.until_seen("listener/kitchen/sound")
        await home.until_seen("listener/kitchen/sound/smoke_alarm", b"ON")
        await home.send("listener/kitchen/mute/set", "ON")
        async with asyncio.timeout(WAIT_SECONDS):
            while not d.controls or len(d.outbox):
                await asyncio.sleep(0.01)
        assert d.controls == [("kitchen", SetMute(True))]
        assert dict(d.outbox.drops) == {}
