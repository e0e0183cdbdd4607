"""An independent MQTT client that writes down what it receives, and when, and can send."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A message. `at` is when it came, of `time.monotonic()`, in seconds."""

    topic: str
    payload: bytes
    retained: bool
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Witness:
    """Subscribed to everything; connects again by itself when the broker was away. `seen` is in order of arrival."""

    def __init__(self, host: str, port: int) -> None:
        self.seen: list[Seen] = []
        self._client = Client(CallbackAPIVersion.VERSION2, "acceptance-witness")
        self._client.reconnect_delay_set(1, 1)
        self._subscribed = False
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.on_message = self._note
        self._client.connect(host, port)
        self._client.loop_start()
        self.until(lambda: self._subscribed)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        self.seen.append(Seen(message.topic, bytes(message.payload), message.retain, time.monotonic()))

    def send(self, topic: str, payload: bytes | str, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(WAIT_SECONDS)

    def on(self, topic: str) -> list[Seen]:
        """Everything seen on the topic."""
        return [seen for seen in tuple(self.seen) if seen.topic == topic]

    def until(self, condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [(s.topic, s.payload[:80]) for s in self.seen[-8:]]
            time.sleep(0.005)

    def next(self, topic: str, after: int = 0, seconds: float = WAIT_SECONDS) -> Seen:
        """The first message on the topic, beyond the first `after` of them; waits for it."""
        self.until(lambda: len(self.on(topic)) > after, seconds)
        return self.on(topic)[after]


@contextmanager
def witness(host: str, port: int) -> Iterator[Witness]:
    client = Witness(host, port)
    try:
        yield client
    finally:
        client.close()
