"""Home Assistant's WebSocket API, as far as tests need it: commands with results, and events as they come."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect

WAIT_SECONDS = 60.0


class RefusedError(Exception):
    """Home Assistant did not do what it was asked to do; the message is its own."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in Home Assistant. `at` is when we received it, of `time.monotonic()`, in seconds."""

    subscription: int
    kind: str
    data: dict[str, Any]
    at: float


@dataclass
class Socket:
    """One connection, used by one thread. Events are read while something is waited for, and kept in `events`."""

    connection: ClientConnection
    events: list[Event] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, kind: str, **fields: Any) -> Any:
        """The result of a command such as `config/entity_registry/list`. Raises RefusedError."""
        number = self._send(kind, fields)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            message = self._receive(deadline)
            assert message is not None, f"{kind}: no answer within {WAIT_SECONDS:g} s"
            if message["type"] == "result" and message["id"] == number:
                if not message["success"]:
                    raise RefusedError(f"{kind}: {message['error']}")
                return message["result"]

    def subscribe(self, event_type: str) -> int:
        """Events of this type (`state_changed`, `call_service` …) come from now on. The subscription's id."""
        number = next(self._ids)
        self.connection.send(json.dumps({"id": number, "type": "subscribe_events", "event_type": event_type}))
        deadline = time.monotonic() + WAIT_SECONDS
        while (message := self._receive(deadline)) is not None:
            if message["type"] == "result" and message["id"] == number:
                assert message["success"], message
                return number
        raise AssertionError(f"subscribe_events {event_type}: no answer")

    def until(self, wanted: Callable[[Event], object], seconds: float = WAIT_SECONDS) -> Event:
        """The first event since the connection began that is wanted; waits for it, and fails with what came instead."""
        for event in self.events:
            if wanted(event):
                return event
        deadline, known = time.monotonic() + seconds, len(self.events)
        while self._receive(deadline) is not None:
            for event in self.events[known:]:
                if wanted(event):
                    return event
            known = len(self.events)
        shown = [(e.kind, str(e.data)[:200]) for e in self.events[-8:]]
        raise AssertionError(f"not seen within {seconds:g} s; the last events: {shown}")

    def until_state(self, entity_id: str, *states: str, seconds: float = WAIT_SECONDS) -> Event:
        """Needs a subscription of `state_changed`: the entity's first event with one of these new states."""
        return self.until(lambda e: state_of(e, entity_id) in states, seconds)

    def _send(self, kind: str, fields: dict[str, Any]) -> int:
        number = next(self._ids)
        self.connection.send(json.dumps({"id": number, "type": kind, **fields}))
        return number

    def _receive(self, deadline: float) -> dict[str, Any] | None:
        """The next message, noted if it is an event; None when the deadline has passed."""
        try:
            raw = self.connection.recv(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return None
        message: dict[str, Any] = json.loads(raw)
        if message["type"] == "event":
            event = message["event"]
            kind, data = event.get("event_type", ""), event.get("data", event)
            self.events.append(Event(message["id"], kind, data, time.monotonic()))
        return message


def state_of(event: Event, entity_id: str) -> str | None:
    """The new state, if the event is a change of this entity's."""
    if event.kind != "state_changed" or event.data["entity_id"] != entity_id or event.data["new_state"] is None:
        return None
    return str(event.data["new_state"]["state"])


@contextmanager
def open_socket(url: str, token: str) -> Iterator[Socket]:
    """`url` is Home Assistant's, with http. Raises RefusedError when it does not know the token."""
    address = f"{url.replace('http', 'ws', 1)}/api/websocket"
    # Both None: a registry is larger than a megabyte, and pings would be lost while a test does other things.
    with contextlib.closing(connect(address, max_size=None, ping_interval=None, compression=None)) as connection:
        json.loads(connection.recv(WAIT_SECONDS))
        connection.send(json.dumps({"type": "auth", "access_token": token}))
        answer = json.loads(connection.recv(WAIT_SECONDS))
        if answer["type"] != "auth_ok":
            raise RefusedError(str(answer))
        yield Socket(connection)
