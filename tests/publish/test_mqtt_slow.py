"""A broker that takes its time must not be noticed in the rooms; and rooms change while it is connected."""

import asyncio
import time
from pathlib import Path

from conftest import Mosquitto, free_port
from mqtt_witness import QUICK, Wire, Witness, daemon, rooms, started

from listener.config import MqttConfig, OutboxConfig
from listener.publish.mqtt import MqttPublisher
from listener.publish.payloads import ONLINE
from listener.store.journal import open_outbox
from listener.types import CHUNK_SECONDS, Decision, SoundEnded


class SlowWire(Wire):
    """Passes on what the broker says only while `talks` is set."""

    talks: asyncio.Event

    async def _copy(self, reader, writer, go) -> None:  # type: ignore[no-untyped-def]
        while data := await reader.read(65_536):
            if go is not None and writer in self._towards_us:
                await self.talks.wait()
            writer.write(data)
        writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._towards_us.add(writer)
        await super()._connected(reader, writer)

    def __init__(self, port: int, broker_port: int) -> None:
        super().__init__(port, broker_port)
        self._towards_us: set[asyncio.StreamWriter] = set()
        self.talks = asyncio.Event()
        self.talks.set()


async def test_a_broker_that_does_not_acknowledge_costs_hearing_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """A thousand sounds in 100 rooms' worth of chunks while nothing is acknowledged: no call waits for the broker."""
    mosquitto.start()
    async with (
        Witness(mosquitto.port) as witness,
        SlowWire(free_port(), mosquitto.port) as wire,
        open_outbox(tmp_path, OutboxConfig()) as outbox,
    ):
        config = MqttConfig(port=wire.port, discovery=False)
        publisher = MqttPublisher(config, rooms("Kitchen"), ("smoke_alarm",), outbox, lambda *_: None, timing=QUICK)
        running = asyncio.create_task(publisher.run())
        await witness.until_seen("listener/kitchen/sound/smoke_alarm", b"OFF")
        wire.talks.clear()
        busy_seconds = 0.0
        for n in range(1_000):
            began = time.thread_time()
            publisher.publish(started(f"{n}"))
            publisher.publish(Decision(room="kitchen", t=0.4 * n, decision="silent", probability=0.0, engine="e"))
            publisher.publish(
                SoundEnded(room="kitchen", t=n, id=f"{n}", label="smoke_alarm", score=1, onset=0, duration=1)
            )
            busy_seconds += time.thread_time() - began
            await asyncio.sleep(0)
        assert len(outbox) > 900
        assert busy_seconds < 1_000 * CHUNK_SECONDS / 100  # of a hundred rooms each chunk with a sound in it
        wire.talks.set()
        await witness.until(lambda seen: sum(s.topic == "listener/kitchen/sound" for s in seen) >= 1_000)
        assert [s.json["id"] for s in witness.on("listener/kitchen/sound")] == [str(n) for n in range(1_000)]
        running.cancel()
        await asyncio.wait([running])


async def test_rooms_are_exchanged_without_a_new_connection(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    async with Witness(mosquitto.port) as witness, open_outbox(tmp_path, OutboxConfig()) as outbox:
        labels = ("smoke_alarm",)
        config = MqttConfig(port=mosquitto.port)
        publisher = MqttPublisher(config, rooms("Kitchen", "Hall"), labels, outbox, lambda *_: None, timing=QUICK)
        running = asyncio.create_task(publisher.run())
        publisher.publish(started("burns"))
        await witness.until_seen("listener/kitchen/sound/smoke_alarm", b"ON")
        await witness.until_seen("listener/hall/availability")
        await asyncio.sleep(0)
        publisher.exchange(rooms("Kitchen", "Attic"))
        await witness.until_seen("listener/attic/sound/smoke_alarm", b"OFF")
        await witness.until_seen("homeassistant/device/listener-attic/config")
        for gone in ("homeassistant/device/listener-hall/config", "listener/hall/availability"):
            await witness.until_seen(gone, b"")
        assert [s.payload for s in witness.on("listener/bridge/state")].count(b'{"state":"offline"}') == 0
        assert witness.on("listener/kitchen/sound/smoke_alarm")[-1].payload == b"ON"  # it burns on
        running.cancel()
        await asyncio.wait([running])


async def test_rooms_that_change_quickly_are_cleared_once(mosquitto: Mosquitto) -> None:
    """Home Assistant warns of a device that is cleared and not there: more topics go here than are sent at a time."""
    mosquitto.start()
    async with Witness(mosquitto.port) as witness:
        async with daemon(mosquitto.port, ("Kitchen", *(f"Guest {n}" for n in range(16)))):
            await witness.until_seen("listener/guest_15/sound/dog_bark", b"OFF")
        witness.seen.clear()
        async with daemon(mosquitto.port) as d:
            await witness.until_seen("listener/kitchen/sound/dog_bark", b"OFF")
            await witness.send("listener/late/availability", ONLINE, retain=True)  # news to the first look, found next
            d.publisher.exchange(rooms("Kitchen", "Hall"))
            await witness.until_seen("listener/late/availability", b"")
        cleared = [s.topic for s in witness.seen if s.payload == b""]
        assert len(cleared) > 40
        assert sorted(set(cleared)) == sorted(cleared)
