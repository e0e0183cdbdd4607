"""The publisher against real brokers: mosquitto, and the one that we embed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from conftest import Mosquitto, free_port
from mqtt_witness import Wire, Witness, daemon, started, until_controls

from listener.config import MqttConfig
from listener.publish.broker import EmbeddedBroker
from listener.publish.session import Timing
from listener.types import (
    BridgeInfo,
    HealthReport,
    Hearing,
    HearingReport,
    LevelReport,
    ResponseEnded,
    ResponseStarted,
    RoomSettings,
    SetMute,
    SetThreshold,
    SettingsReport,
    SoundEnded,
    Status,
    Test,
)


class AnyBroker(Protocol):
    port: int

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class External:
    def __init__(self, mosquitto: Mosquitto) -> None:
        self._mosquitto = mosquitto
        self.port = mosquitto.port

    async def start(self) -> None:
        self._mosquitto.start()

    async def stop(self) -> None:
        self._mosquitto.stop(kill=True)


class Embedded:
    def __init__(self) -> None:
        self.port = free_port()
        self._broker: EmbeddedBroker | None = None

    async def start(self) -> None:
        self._broker = EmbeddedBroker(MqttConfig(broker="embedded", port=self.port), {})
        await self._broker.__aenter__()

    async def stop(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.__aexit__(None, None, None)


@pytest.fixture(params=["mosquitto", "embedded"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[AnyBroker]:
    """A broker that is not started yet."""
    if request.param == "mosquitto":
        yield External(request.getfixturevalue("mosquitto"))  # which stops itself
    else:
        embedded = Embedded()
        yield embedded
        await embedded.stop()


async def test_the_broker_may_start_after_us(broker: AnyBroker) -> None:
    async with daemon(broker.port) as d:
        d.publisher.publish(started("early"))
        await broker.start()
        async with Witness(broker.port) as witness:
            await witness.until_seen("listener/bridge/state", b'{"state":"online"}')
            event = await witness.until_seen("listener/kitchen/sound")
            assert event.json["id"] == "early"
            assert not event.retained
            await witness.until_seen("listener/kitchen/sound/smoke_alarm", b"ON")
            await witness.until_seen("listener/kitchen/sound/dog_bark", b"OFF")


async def test_everything_the_rooms_tell_arrives(broker: AnyBroker) -> None:
    await broker.start()
    async with Witness(broker.port) as witness, daemon(broker.port) as d:
        await witness.until_seen("listener/kitchen/sound/smoke_alarm", b"OFF")
        p = d.publisher
        p.publish(Status(room="kitchen", t=0.4, state="listening"))
        p.publish(started("a"))
        p.publish(SoundEnded(room="kitchen", t=9, id="a", label="smoke_alarm", score=0.9, onset=0.8, duration=4))
        p.publish(
            ResponseStarted(
                room="kitchen", t=2, id="r", emotion="urgent", trigger="sound", sounds=("a",), utterance="said"
            )
        )
        p.publish(ResponseEnded(room="kitchen", t=4, id="r", text="Fire! " * 60, reason="complete"))
        p.report(SettingsReport("kitchen", RoomSettings(muted=True, strictness="strict", threshold=0.25)))
        p.report(LevelReport("kitchen", -43.21))
        p.report(HearingReport("kitchen", 4.0, (Hearing("speech", 0.31, "below"),)))
        p.report(BridgeInfo("9.9", "cascade", ("kitchen",)))
        p.report(HealthReport(3.0, 88.0, 12.0))
        await witness.until_seen("listener/bridge/health")
        assert [s.payload for s in witness.on("listener/kitchen/sound/smoke_alarm")] == [b"OFF", b"ON", b"OFF"]
        response = (await witness.until_seen("listener/kitchen/response")).json
        assert len(response["state"]) == 255
        assert response["text"] == "Fire! " * 60
        assert response["sounds"] == ["a"]
        assert "said" not in json.dumps(response)
        assert witness.on("listener/kitchen/mute")[-1].payload == b"ON"
        assert witness.on("listener/kitchen/strictness")[-1].payload == b"strict"
        assert witness.on("listener/kitchen/threshold")[-1].payload == b"0.25"
        assert (await witness.until_seen("listener/kitchen/level")).payload == b"-43.2"
        assert (await witness.until_seen("listener/kitchen/hearing")).json["label"] == "speech"
        assert witness.on("listener/bridge/info")[-1].json["engine"] == "cascade"


async def test_what_is_retained_is_there_for_who_comes_later(broker: AnyBroker) -> None:
    await broker.start()
    async with Witness(broker.port) as first, daemon(broker.port) as d:
        d.publisher.publish(started("a"))
        await first.until_seen("listener/kitchen/sound")
        async with Witness(broker.port) as later:  # the same client id: the first one is put out
            state = await later.until_seen("listener/kitchen/sound/smoke_alarm", b"ON")
            assert state.retained
            assert (await later.until_seen("homeassistant/device/listener-kitchen/config")).json["o"]["sw_version"]
            assert later.on("listener/kitchen/sound") == []


async def test_after_a_restart_of_the_broker_all_is_said_again(broker: AnyBroker) -> None:
    await broker.start()
    async with daemon(broker.port, names=("Kitchen", "Hall")) as d:
        async with Witness(broker.port) as witness:
            d.publisher.publish(started("before"))
            await witness.until_seen("listener/kitchen/sound")
        await until_empty(d.outbox)  # else it is rightly sent again
        await broker.stop()
        for n in range(50):
            d.publisher.publish(started(f"k{n}", "dog_bark"))
            d.publisher.publish(started(f"h{n}", "dog_bark", "hall"))
        await broker.start()
        async with Witness(broker.port) as witness:
            await witness.until(lambda seen: sum(s.topic.endswith("/sound") for s in seen) >= 100)
            for room in ("kitchen", "hall"):
                ids = [s.json["id"] for s in witness.on(f"listener/{room}/sound")]
                assert ids == [f"{room[0]}{n}" for n in range(50)]
            topics = [s.topic for s in witness.seen]
            for announced in ("homeassistant/device/listener-hall/config", "listener/hall/availability"):
                assert topics.index(announced) < topics.index("listener/hall/sound")
            assert witness.on("listener/kitchen/sound/smoke_alarm")[0].payload == b"ON"
            assert d.outbox.drops == {}


async def test_events_wait_for_home_assistant(broker: AnyBroker) -> None:
    await broker.start()
    patient = Timing(birth_wait_seconds=1000, jitter_seconds=0, sweep_seconds=0.1)
    async with Witness(broker.port) as witness, daemon(broker.port, timing=patient) as d:
        d.publisher.publish(started("a"))
        await witness.until_seen("listener/kitchen/sound/smoke_alarm", b"ON")
        assert witness.on("listener/kitchen/sound") == []
        witness.seen.clear()
        await witness.send("homeassistant/status", "online")
        await witness.until_seen("listener/kitchen/sound")
        topics = [s.topic for s in witness.seen]
        for again in ("homeassistant/device/listener-bridge/config", "listener/kitchen/sound/dog_bark"):
            assert topics.index(again) < topics.index("listener/kitchen/sound")


async def test_an_orderly_end_sends_the_rest_and_says_offline(broker: AnyBroker) -> None:
    await broker.start()
    patient = Timing(birth_wait_seconds=1000, sweep_seconds=0.1)
    async with Witness(broker.port) as witness:
        async with daemon(broker.port, timing=patient) as d:
            await witness.until_seen("listener/kitchen/sound/dog_bark")
            d.publisher.publish(started("last"))
        await witness.until_seen("listener/bridge/state", b'{"state":"offline"}')
        assert [s.json["id"] for s in witness.on("listener/kitchen/sound")] == ["last"]
        assert witness.seen[-1].topic == "listener/bridge/state"
        assert len(witness.on("listener/bridge/state")) == 2  # online, offline; not the will as well


async def test_a_cut_wire_leaves_the_will_and_sends_again_what_was_not_acknowledged(broker: AnyBroker) -> None:
    await broker.start()
    async with Witness(broker.port) as witness, Wire(free_port(), broker.port) as wire, daemon(wire.port) as d:
        d.publisher.publish(started("heard"))
        await witness.until_seen("listener/kitchen/sound")
        await until_empty(d.outbox)
        wire.deaf = True
        for n in range(3):
            d.publisher.publish(started(f"n{n}", "dog_bark"))
        await witness.until(lambda seen: sum(s.topic == "listener/kitchen/sound" for s in seen) == 4)
        wire.deaf = False
        wire.cut()
        await witness.until_seen("listener/bridge/state", b'{"state":"offline"}')
        await witness.until(lambda seen: sum(s.topic == "listener/kitchen/sound" for s in seen) == 7)
        ids = [s.json["id"] for s in witness.on("listener/kitchen/sound")]
        assert ids == ["heard", "n0", "n1", "n2", "n0", "n1", "n2"]
        assert witness.on("listener/bridge/state")[-1].payload == b'{"state":"online"}'


async def test_a_broker_that_acknowledges_nothing_is_left(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    timing = Timing(birth_wait_seconds=0, jitter_seconds=0, sweep_seconds=0.1, stall_seconds=0.3)
    async with (
        Witness(mosquitto.port) as witness,
        Wire(free_port(), mosquitto.port) as wire,
        daemon(wire.port, timing=timing) as d,
    ):
        await witness.until_seen("listener/kitchen/sound/dog_bark")
        await until_empty(d.outbox)
        wire.deaf = True
        d.publisher.publish(started("a"))
        await witness.until_seen("listener/kitchen/sound")
        wire.deaf = False
        await witness.until(lambda seen: sum(s.topic == "listener/kitchen/sound" for s in seen) == 2)


async def until_empty(outbox: object) -> None:
    async with asyncio.timeout(10):
        while len(outbox):  # type: ignore[arg-type]
            await asyncio.sleep(0.01)


async def test_commands_reach_the_room(broker: AnyBroker) -> None:
    await broker.start()
    async with Witness(broker.port) as witness, daemon(broker.port) as d:
        await witness.until_seen("listener/kitchen/sound/dog_bark")
        await witness.send("listener/kitchen/mute/set", "ON")
        await witness.send("listener/kitchen/threshold/set", "0.3")
        await witness.send("listener/kitchen/test", "PRESS")
        await until_controls(d.controls, 3)
        assert d.controls == [("kitchen", SetMute(True)), ("kitchen", SetThreshold(0.3)), ("kitchen", Test())]


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_hostile_payloads_change_nothing(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    mosquitto.start()
    async with Witness(mosquitto.port) as witness, daemon(mosquitto.port, protocol=protocol) as d:
        await witness.until_seen("listener/kitchen/sound/dog_bark")
        await witness.send("listener/kitchen/mute/set", b"x" * 10_000_000)
        await witness.send("listener/kitchen/mute/set", b"\xff\xfe")
        await witness.send("listener/kitchen/colour/set", "red")
        await witness.send("listener/cellar/mute/set", "ON")
        await witness.send("listener/kitchen/threshold/set", "nan")
        await witness.send("listener/kitchen/mute/set", "OFF")
        await until_controls(d.controls, 1)
        assert d.controls == [("kitchen", SetMute(False))]
        lines = [r.getMessage() for r in caplog.records if "not understood" in r.getMessage()]
        assert len(lines) == 5
        for line, word in zip(lines, ("256 bytes", "UTF-8", "colour", "cellar", "'nan'"), strict=True):
            assert word in line
            assert len(line) < 400


async def test_the_embedded_broker_cuts_off_who_sends_ten_megabytes(caplog: pytest.LogCaptureFixture) -> None:
    broker = Embedded()
    await broker.start()
    try:
        async with Witness(broker.port) as witness, daemon(broker.port) as d:
            await witness.until_seen("listener/kitchen/sound/dog_bark")
            witness.client.publish("listener/kitchen/mute/set", b"x" * 10_000_000, 0)
            async with asyncio.timeout(10):
                while "10000" not in caplog.text:
                    await asyncio.sleep(0.01)
            await witness.until_subscribed(2)  # it has come back
            d.publisher.publish(started("after"))
            await witness.until_seen("listener/kitchen/sound")  # and nobody else was hurt
            assert d.controls == []
    finally:
        await broker.stop()


async def test_a_retained_command_is_not_obeyed(broker: AnyBroker, caplog: pytest.LogCaptureFixture) -> None:
    await broker.start()
    async with Witness(broker.port) as witness:
        await witness.send("listener/kitchen/mute/set", "ON", retain=True)
        async with daemon(broker.port) as d:
            await witness.until_seen("listener/kitchen/sound/dog_bark")
            await witness.send("listener/kitchen/mute/set", "OFF")
            await until_controls(d.controls, 1)
            assert d.controls == [("kitchen", SetMute(False))]
    assert "retained command is ignored" in caplog.text
