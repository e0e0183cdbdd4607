"""The outbox in memory: what the broker has not acknowledged yet."""

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping

from listener.types import Message

logger = logging.getLogger(__name__)

CAPACITY_EVENTS = 10_000
LOG_SECONDS = 60.0

_Lane = OrderedDict[int, Message]  # by key, in order; an OrderedDict because a dict is slow to lose its first items


class MemoryOutbox:
    """Implements `Outbox`. Lost with the process.

    `capacity` bounds the events. Retained states are not counted: they are bounded by the number of topics, and one
    that were dropped would leave a wrong state standing for ever.
    """

    def __init__(self, capacity: int = CAPACITY_EVENTS, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._next_key = 0
        self._states: _Lane = OrderedDict()
        self._state_keys: dict[str, int] = {}
        self._urgent: _Lane = OrderedDict()
        self._events: _Lane = OrderedDict()
        self._in_flight: _Lane = OrderedDict()
        self._drops: Counter[str] = Counter()
        self._unlogged: Counter[str] = Counter()
        self._logged_at: float | None = None

    def put(self, message: Message) -> None:
        if message.retain:
            self._forget_state(message.topic)
            self._state_keys[message.topic] = self._next_key
        elif self._waiting_events() >= self._capacity:
            self._drop_oldest()
        self._lane(message)[self._next_key] = message
        self._next_key += 1

    def take(self, events: bool) -> tuple[int, Message] | None:
        lanes = (self._states, self._urgent, self._events) if events else (self._states,)
        heads = [(next(iter(lane)), lane) for lane in lanes if lane]
        if not heads:
            return None
        key, lane = min(heads, key=lambda head: head[0])
        message = lane.pop(key)
        self._in_flight[key] = message
        return key, message

    def acknowledge(self, key: int) -> None:
        message = self._in_flight.pop(key, None) or self._lane_of(key).pop(key, None)
        if message is not None and message.retain and self._state_keys.get(message.topic) == key:
            del self._state_keys[message.topic]

    def refuse(self, key: int) -> None:
        if key in self._in_flight:
            self._count_drop(self._in_flight[key].kind)
        self.acknowledge(key)

    def release(self) -> None:
        for key, message in reversed(self._in_flight.items()):
            if message.retain and self._state_keys.get(message.topic) != key:
                continue  # a newer state of that topic waits already
            lane = self._lane(message)
            lane[key] = message
            lane.move_to_end(key, last=False)
        self._in_flight.clear()

    def __len__(self) -> int:
        return len(self._states) + self._waiting_events() + len(self._in_flight)

    @property
    def drops(self) -> Mapping[str, int]:
        return dict(self._drops)

    def _waiting_events(self) -> int:
        return len(self._urgent) + len(self._events)

    def _lane(self, message: Message) -> _Lane:
        if message.retain:
            return self._states
        return self._urgent if message.urgent else self._events

    def _lane_of(self, key: int) -> _Lane:
        """Where a message waits that was released before its acknowledgement came."""
        return next((lane for lane in (self._states, self._urgent) if key in lane), self._events)

    def _forget_state(self, topic: str) -> None:
        key = self._state_keys.pop(topic, None)
        if key is not None:
            self._states.pop(key, None)  # in flight it stays, until its acknowledgement comes

    def _drop_oldest(self) -> None:
        _, message = (self._events or self._urgent).popitem(last=False)
        self._count_drop(message.kind)

    def _count_drop(self, kind: str) -> None:
        self._drops[kind] += 1
        self._unlogged[kind] += 1
        now = self._clock()
        if self._logged_at is None or now - self._logged_at >= LOG_SECONDS:
            counts = ", ".join(f"{n} {k}" for k, n in sorted(self._unlogged.items()))
            logger.warning("MQTT messages lost: %s; %d wait for the broker. Is it reachable?", counts, len(self))
            self._unlogged.clear()
            self._logged_at = now
