"""The outbox: what the broker has not acknowledged yet. In memory, and beside it what a journal keeps."""

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping

from listener.store.kept import Journal, Kept, NoJournal
from listener.types import Message

logger = logging.getLogger(__name__)

CAPACITY_EVENTS = 10_000
CAPACITY_BYTES = 16_000_000
MAX_AGE_SECONDS = 24 * 3_600.0
MAX_URGENT_AGE_SECONDS = 7 * 24 * 3_600.0
LOG_SECONDS = 60.0

_Lane = OrderedDict[int, Message]  # by key, in order; an OrderedDict because a dict is slow to lose its first items


def _nobody() -> None:
    """Nobody waits."""


class MemoryOutbox:
    """Implements `Outbox`. What `journal` keeps survives the process; without one, nothing does.

    Events are bounded in number, bytes of payload and age (s); what is dropped is counted. Retained states are not:
    they are bounded by the number of topics, one that were dropped would leave a wrong state standing for ever, and
    they are told anew after a restart, so that the journal never sees them. Ages are of the monotonic clock, which
    neither a corrected clock nor a suspended machine moves.
    """

    def __init__(
        self,
        capacity: int = CAPACITY_EVENTS,
        clock: Callable[[], float] = time.monotonic,
        *,
        capacity_bytes: int = CAPACITY_BYTES,
        max_age_seconds: float = MAX_AGE_SECONDS,
        max_urgent_age_seconds: float = MAX_URGENT_AGE_SECONDS,
        journal: Journal | None = None,
    ) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._max_age_seconds = max_age_seconds
        self._max_urgent_age_seconds = max_urgent_age_seconds
        self._clock = clock
        self._journal = NoJournal() if journal is None else journal
        self._next_key = 0
        self._states: _Lane = OrderedDict()
        self._state_keys: dict[str, int] = {}
        self._urgent: _Lane = OrderedDict()
        self._events: _Lane = OrderedDict()
        self._in_flight: _Lane = OrderedDict()
        self._born: dict[int, float] = {}
        self._bytes = 0
        self._drops: Counter[str] = Counter()
        self._unlogged: Counter[str] = Counter()
        self._logged_at: float | None = None
        self._wake: Callable[[], None] = _nobody

    def put(self, message: Message) -> None:
        key, self._next_key = self._next_key, self._next_key + 1
        if message.retain:
            self._forget_state(message.topic)
            self._state_keys[message.topic] = key
            self._states[key] = message
            return
        self._enter(key, message, self._clock())
        if message.room:  # what concerns no room is told anew after a restart
            self._journal.add(Kept(key, message, time.time()))
        self._keep_bounds()

    def take(self, events: bool) -> tuple[int, Message] | None:
        self._drop_old()
        lanes = (self._states, self._urgent, self._events) if events else (self._states,)
        heads = [(next(iter(lane)), lane) for lane in lanes if lane]
        if not heads:
            return None
        key, lane = min(heads, key=lambda head: head[0])
        if lane is not self._states and not self._journal.may_go(key):
            return None  # it is on its way to the disk; `wake` is called when it is there
        message = lane.pop(key)
        self._in_flight[key] = message
        return key, message

    def on_ready(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def wake(self) -> None:
        """Something that had to wait for the disk may go now."""
        self._wake()

    def acknowledge(self, key: int) -> None:
        message = self._in_flight.pop(key, None) or self._lane_of(key).pop(key, None)
        if message is None:
            return
        if not message.retain:
            self._leave(key, message)
        elif self._state_keys.get(message.topic) == key:
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

    def absorb(self, kept: Iterable[Kept], next_key: int) -> None:
        """Take in what an earlier process left, before everything of this one. New keys begin at `next_key`."""
        now, unix_now = self._clock(), time.time()
        for item in kept:
            age_seconds = max(0.0, unix_now - item.unix_seconds)  # a clock that was set back makes nothing younger
            self._enter(item.key, item.message, now - age_seconds)
        for lane in (self._urgent, self._events):
            for key in sorted(lane):
                lane.move_to_end(key)
        self._next_key = max(self._next_key, next_key)
        self._keep_bounds()

    def kept(self) -> list[Kept]:
        """What a journal should hold, in order."""
        now, unix_now = self._clock(), time.time()
        found = {**self._in_flight, **self._urgent, **self._events}
        keys = sorted(key for key, message in found.items() if message.room and not message.retain)
        return [Kept(key, found[key], unix_now - now + self._born[key]) for key in keys]

    def __len__(self) -> int:
        return len(self._states) + self._waiting_events() + len(self._in_flight)

    @property
    def drops(self) -> Mapping[str, int]:
        return dict(self._drops)

    @property
    def trouble(self) -> str | None:
        return self._journal.trouble

    def _waiting_events(self) -> int:
        return len(self._urgent) + len(self._events)

    def _enter(self, key: int, message: Message, born: float) -> None:
        self._lane(message)[key] = message
        self._born[key] = born
        self._bytes += len(message.payload)

    def _leave(self, key: int, message: Message) -> None:
        """An event is forgotten for good."""
        del self._born[key]
        self._bytes -= len(message.payload)
        if message.room:
            self._journal.remove(key)

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

    def _keep_bounds(self) -> None:
        self._drop_old()
        while self._waiting_events() and (
            self._waiting_events() > self._capacity or self._bytes > self._capacity_bytes
        ):
            self._drop_first(self._events or self._urgent)

    def _drop_old(self) -> None:
        now = self._clock()
        for lane, limit in ((self._events, self._max_age_seconds), (self._urgent, self._max_urgent_age_seconds)):
            while lane and now - self._born[next(iter(lane))] > limit:
                self._drop_first(lane)

    def _drop_first(self, lane: _Lane) -> None:
        key, message = lane.popitem(last=False)
        self._leave(key, message)
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
