"""Helpers of the MQTT tests: an independent client that writes down what it receives, and a wire that can be cut."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from listener.config import MqttConfig, RoomConfig
from listener.publish.mqtt import MqttPublisher
from listener.publish.session import Timing
from listener.store.outbox import MemoryOutbox
from listener.types import Control, SoundStarted

WAIT_SECONDS = 60.0
QUICK = Timing(birth_wait_seconds=0.2, jitter_seconds=0.05, sweep_seconds=0.5, drain_seconds=2.0)


@dataclass
class Seen:
    topic: str
    payload: bytes
    retained: bool

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Witness:
    """Subscribes to everything, through paho's own reconnecting loop, and remembers it in order."""

    def __init__(self, port: int, username: str | None = None, password: str | None = None) -> None:
        self.seen: list[Seen] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Condition()
        self._subscriptions = 0
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self.client = Client(CallbackAPIVersion.VERSION2, "witness")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda *_: self.client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: self._loop.call_soon_threadsafe(self._note_subscription)
        self.client.on_message = self._on_message
        if username is not None:
            self.client.username_pw_set(username, password)

    async def __aenter__(self) -> "Witness":
        await asyncio.to_thread(self.client.connect, "127.0.0.1", self._port)
        self.client.loop_start()
        await self.until_subscribed(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)
        client = self.client
        client.on_connect = client.on_subscribe = client.on_message = None

    def _note_subscription(self) -> None:
        self._subscriptions += 1

    async def until_subscribed(self, times: int) -> None:
        """Once at the start, and once more after each reconnect."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self._subscriptions < times:
                await asyncio.sleep(0.01)

    def _on_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        seen = Seen(message.topic, message.payload, message.retain)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._note, seen)

    def _note(self, seen: Seen) -> None:
        self.seen.append(seen)
        task = self._loop.create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, enough: Callable[[list[Seen]], bool]) -> None:
        """Wait until what was seen is enough; fails with what was seen instead."""
        try:
            async with self._changed:
                await asyncio.wait_for(self._changed.wait_for(lambda: enough(self.seen)), WAIT_SECONDS)
        except TimeoutError:
            raise AssertionError([(s.topic, s.payload[:80]) for s in self.seen]) from None

    async def until_seen(self, topic: str, payload: bytes | None = None) -> Seen:
        def found(seen: list[Seen]) -> list[Seen]:
            return [s for s in seen if s.topic == topic and payload in (None, s.payload)]

        await self.until(lambda seen: bool(found(seen)))
        return found(self.seen)[0]

    def on(self, topic: str) -> list[Seen]:
        return [s for s in self.seen if s.topic == topic]

    async def send(self, topic: str, payload: bytes | str, retain: bool = False, qos: int = 1) -> None:
        info = self.client.publish(topic, payload, qos, retain)
        await asyncio.to_thread(info.wait_for_publish, WAIT_SECONDS)


class Wire:
    """A TCP proxy in front of a broker. `deaf`: what the broker says does not arrive. `cut`: the connections break."""

    def __init__(self, port: int, broker_port: int) -> None:
        self.port = port
        self.deaf = False
        self._broker_port = broker_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Every socket is closed afterwards, one that was being connected to the broker too."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        async with self._closing(writer):
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
            async with self._closing(broker_writer):
                await asyncio.gather(
                    self._copy(reader, broker_writer, lambda: True),
                    self._copy(broker_reader, writer, lambda: not self.deaf),
                    return_exceptions=True,
                )

    @contextlib.asynccontextmanager
    async def _closing(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, go: Callable[[], bool]) -> None:
        while data := await reader.read(65_536):
            if go():
                writer.write(data)
        writer.transport.abort()


@dataclass
class Daemon:
    """A publisher under test and what it was told."""

    publisher: MqttPublisher
    outbox: MemoryOutbox
    controls: list[tuple[str, Control]] = field(default_factory=list)


def rooms(*names: str) -> list[RoomConfig]:
    return [RoomConfig.model_validate({"name": name, "source": {"type": "pipe"}}) for name in names]


@contextlib.asynccontextmanager
async def daemon(
    port: int,
    names: tuple[str, ...] = ("Kitchen",),
    labels: tuple[str, ...] = ("smoke_alarm", "dog_bark"),
    timing: Timing = QUICK,
    environ: dict[str, str] | None = None,
    **config: Any,
) -> AsyncIterator[Daemon]:
    """The publisher, running; on leaving it is stopped as the application stops it."""
    controls: list[tuple[str, Control]] = []
    outbox = MemoryOutbox()
    publisher = MqttPublisher(
        MqttConfig(port=port, **config),
        rooms(*names),
        labels,
        outbox,
        lambda slug, control: controls.append((slug, control)),
        version="9.9",
        timing=timing,
        environ=environ or {},
    )
    task = asyncio.create_task(publisher.run())
    try:
        yield Daemon(publisher, outbox, controls)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def started(identifier: str, label: str = "smoke_alarm", room: str = "kitchen") -> SoundStarted:
    return SoundStarted(room=room, t=1.2, id=identifier, label=label, score=0.9, onset=0.8, group="g")


async def until_controls(controls: list[tuple[str, Control]], count: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while len(controls) < count:
            await asyncio.sleep(0.01)


async def until_logged(caplog: pytest.LogCaptureFixture, words: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while words not in caplog.text:
            await asyncio.sleep(0.01)
