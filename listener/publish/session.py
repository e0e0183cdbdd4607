"""What is said over one connection: who we are, how things stand, and then what happens."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from listener.publish.link import IN_FLIGHT, Link
from listener.publish.payloads import OFFLINE, ONLINE
from listener.publish.topics import Topics
from listener.types import Message, Outbox

TELEMETRY_WAITING = 64
GOODBYE_SECONDS = 0.5
"""For the last word, when what was waiting has used up its time."""

FOUND_TOPICS = 100_000
"""Retained topics looked at; 1,000 rooms leave 40,000."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. Shorter in tests; `jitter_seconds` is the most that an answer to a birth waits."""

    birth_wait_seconds: float = 10.0
    jitter_seconds: float = 1.0
    sweep_seconds: float = 3.0
    stall_seconds: float = 60.0
    drain_seconds: float = 2.0


class SessionUser(Protocol):
    """What a session needs to know of the publisher, and tells it."""

    def announcement(self) -> Iterable[Message]:
        """Everything that is retained: discovery, availability, states, in this order."""
        ...

    def leftovers(self, found: Mapping[str, bytes]) -> Iterable[Message]:
        """What to publish so that nothing stale stays, given what is retained at the broker."""
        ...

    def on_command(self, topic: str, payload: bytes, retained: bool) -> None: ...


class Session:
    """The conversation over one link. Used once. Everything happens on the event loop."""

    def __init__(self, user: SessionUser, outbox: Outbox, topics: Topics, timing: Timing, *, sweep: bool) -> None:
        self._user = user
        self._outbox = outbox
        self._topics = topics
        self._timing = timing
        self._sweeping = sweep
        self._link: Link | None = None
        self._in_flight: dict[int, tuple[int, str]] = {}  # by paho's id: the outbox's key, and the topic
        self._telemetry: set[int] = set()
        self._found: dict[str, bytes] = {}
        self._gate_open = False
        self._birth = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._leaving = False
        self._goodbye_heard = asyncio.Event()
        self._refused_topics: set[str] = set()
        self._helpers: set[asyncio.Task[None]] = set()
        self._sweep_again = False
        self.telemetry_dropped = 0

    @property
    def _swept_topics(self) -> tuple[str, ...]:
        return (self._topics.discoveries, *self._topics.retained)

    @property
    def swept(self) -> bool:
        return not self._sweeping

    async def run(self, link: Link) -> str:
        """Talk until the link is lost; returns why. When cancelled: say what is left to say, and good-bye."""
        self._link = link
        self._outbox.release()
        link.subscribe((self._topics.birth, self._topics.bridge("state"), *self._topics.commands))
        if self._sweeping:
            link.subscribe(self._swept_topics)  # before we announce, or we should find but what we said ourselves
        async with asyncio.TaskGroup() as group:
            helpers = [
                self._follow_home_assistant(),
                self._watch(link),
                *([self._sweep(link)] if self._sweeping else []),
            ]
            self._helpers.update(group.create_task(helper) for helper in helpers)
            try:
                self._announce()
                await asyncio.wait({link.lost})  # not `await link.lost`, which would be cancelled along with us
            except asyncio.CancelledError:
                await self._finish(link)
                raise
            finally:
                for task in tuple(self._helpers):
                    task.cancel()
                self._link = None  # nothing is sent from now on, and neither of us keeps the other alive
        return link.lost.result()

    def renew(self) -> None:
        """Our rooms are others now: announce them, and clear what the old ones have left."""
        if self._link is None or self._leaving:
            return
        self._sweep_again = self._sweeping
        if not self._sweeping:
            self._sweeping = True
            self._link.subscribe(self._swept_topics)
            task = asyncio.create_task(self._sweep(self._link))
            self._helpers.add(task)
            task.add_done_callback(self._helpers.discard)
        self._announce()

    def pump(self) -> None:
        """Send what there is, as far as the window allows."""
        while self._link is not None and len(self._in_flight) < IN_FLIGHT:
            taken = self._outbox.take(events=self._gate_open)
            if taken is None:
                return
            key, message = taken
            self._in_flight[self._link.send(message)] = (key, message.topic)

    def telemetry(self, message: Message) -> None:
        """Send a figure that nobody misses; on a line that does not keep up it is dropped."""
        if self._link is None:
            return
        if len(self._telemetry) >= TELEMETRY_WAITING:
            if self.telemetry_dropped == 0:
                logger.warning("the MQTT broker does not keep up: levels and hearing are dropped until it does")
            self.telemetry_dropped += 1
            return
        self._telemetry.add(self._link.send(message))

    def on_sent(self, mid: int, failure: str | None) -> None:
        self._telemetry.discard(mid)
        if mid not in self._in_flight:
            return
        key, topic = self._in_flight.pop(mid)
        if failure is None:
            self._outbox.acknowledge(key)
        else:
            self._outbox.refuse(key)
            if topic not in self._refused_topics:
                self._refused_topics.add(topic)
                logger.error("the MQTT broker refuses messages on %s: %s; allow them at the broker", topic, failure)
        self._acknowledged.set()
        self.pump()

    def on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic == self._topics.birth:
            if payload == b"online":
                self._birth.set()
        elif topic == self._topics.bridge("state"):
            self._on_own_state(payload, retained)
        elif self._topics.is_command(topic):
            self._user.on_command(topic, payload, retained)
        elif self._sweeping and retained and len(self._found) < FOUND_TOPICS:
            self._found[topic] = payload

    def _on_own_state(self, payload: bytes, retained: bool) -> None:
        """Our own good-bye coming back; or the will of a connection that died long ago, which is true no more."""
        if payload != OFFLINE or retained:
            return
        if self._leaving:
            self._goodbye_heard.set()
        else:
            self._outbox.put(Message(self._topics.bridge("state"), ONLINE, retain=True))
            self.pump()

    def _announce(self) -> None:
        for message in self._user.announcement():
            self._outbox.put(message)
        self.pump()

    async def _follow_home_assistant(self) -> None:
        """Its birth, or the end of our patience, lets events through; every birth hears all of it again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.birth_wait_seconds):
                await self._birth.wait()
        while True:
            if self._birth.is_set():
                await asyncio.sleep(random.uniform(0, self._timing.jitter_seconds))  # noqa: S311 (no secret)
                self._birth.clear()
                self._announce()
            self._gate_open = True
            self.pump()
            await self._birth.wait()

    async def _sweep(self, link: Link) -> None:
        await asyncio.sleep(self._timing.sweep_seconds)
        link.unsubscribe(self._swept_topics)
        leftovers = list(self._user.leftovers(self._found))
        for message in leftovers:
            logger.debug("%s was left by an earlier configuration; removed", message.topic)
            self._outbox.put(message)
        if leftovers:
            logger.info("removed %d topics that an earlier configuration had left at the broker", len(leftovers))
        self.pump()
        # Who looks again before this is gone finds it once more, and Home Assistant complains when it is cleared twice.
        await self._drain(link, asyncio.get_running_loop().time() + self._timing.stall_seconds)
        self._sweeping = False
        self._found.clear()
        if self._sweep_again:  # what we announced meanwhile came back as news, and not as found
            self.renew()

    async def _watch(self, link: Link) -> None:
        """A broker that answers pings and acknowledges nothing is as good as gone."""
        while True:
            oldest = next(iter(self._in_flight.items()), None)
            await asyncio.sleep(self._timing.stall_seconds)
            if oldest is not None and self._in_flight.get(oldest[0]) == oldest[1]:
                link.give_up(f"nothing acknowledged for {self._timing.stall_seconds:g} s")

    async def _finish(self, link: Link) -> None:
        """Send what waits, then `offline`, and stay until it comes back.

        An acknowledgement would not do: amqtt (0.12) forgets what it has acknowledged but not yet passed on when its
        sender disconnects.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timing.drain_seconds
        self._leaving = self._gate_open = True
        self.pump()
        await self._drain(link, deadline)
        if left := len(self._outbox):
            logger.warning("%d MQTT messages were not acknowledged in time", left)
        if link.lost.done():
            return
        link.send(Message(self._topics.bridge("state"), OFFLINE, retain=True))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(max(deadline, clock() + GOODBYE_SECONDS)):
                await self._goodbye_heard.wait()

    async def _drain(self, link: Link, deadline: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while len(self._outbox) and not link.lost.done():
                    self._acknowledged.clear()
                    await self._acknowledged.wait()
