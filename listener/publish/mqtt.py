"""The MQTT publisher: docs/mqtt.md lists what it sends and takes."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from listener.config import MqttConfig, RoomConfig
from listener.errors import PayloadError, PublishError
from listener.publish import discovery, payloads, refusals, sweep
from listener.publish.backoff import HEALTHY_SECONDS, Backoff, Complaints, Rationed
from listener.publish.board import Board
from listener.publish.commands import Commands
from listener.publish.flood import COMMANDS_A_SECOND, CommandBudget
from listener.publish.link import Link
from listener.publish.session import Session, Timing
from listener.publish.settings import link_settings
from listener.publish.showing import show
from listener.publish.topics import Topics
from listener.types import Control, Event, HealthReport, Message, Outbox, QueueFigures, Report, Teaching
from listener.vocabulary import URGENT_LABELS

DEFAULT_TIMING = Timing()

logger = logging.getLogger(__name__)


class MqttPublisher:
    """Implements `Publisher`. `publish` and `report` belong to the event loop and never block; `run` does the rest.

    `on_control` is called on the event loop with a room's slug and what it is to do. Building one raises ConfigError
    when a password or certificate cannot be read.
    """

    def __init__(
        self,
        config: MqttConfig,
        rooms: Sequence[RoomConfig],
        labels: Sequence[str],
        outbox: Outbox,
        on_control: Callable[[str, Control | Teaching], None],
        *,
        version: str = "",
        urgent: Collection[str] = URGENT_LABELS,
        snooze_seconds: float = 600.0,
        modes: Sequence[str] = ("assistant", "monitor"),
        timing: Timing = DEFAULT_TIMING,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._topics = Topics(config.base_topic, config.discovery_prefix)
        self._slugs = tuple(room.slug for room in rooms)
        self._labels = tuple(labels)
        self._rooms = tuple(rooms)
        self._taught: Mapping[str, discovery.Names] = {}
        devices_of: Callable[[], Mapping[str, discovery.Device]] = lambda: (  # noqa: E731
            discovery.devices(self._topics, self._rooms, labels, version, modes, self._taught)
            if config.discovery
            else {}
        )
        self._devices_of = devices_of
        self._devices = devices_of()
        self._settings = link_settings(config, environ)
        self._board = Board(self._topics, self._slugs, labels, urgent, transcripts=config.transcripts)
        self._commands = Commands(
            self._topics, frozenset(self._slugs), frozenset(labels), snooze_seconds=snooze_seconds, modes=tuple(modes)
        )
        self._outbox = outbox
        outbox.on_ready(self._pump)
        self._on_control = on_control
        # Without discovery there is no Home Assistant to wait for.
        self._timing = timing if config.discovery else replace(timing, birth_wait_seconds=0.0)
        self._session: Session | None = None
        self._swept = False
        self._connections = 0
        self._telemetry_dropped = 0
        self._misunderstood = Rationed()
        self._budget = CommandBudget()

    def publish(self, event: Event) -> None:
        self._send(self._board.event(event))

    def report(self, report: Report) -> None:
        self._send([self._health(report)] if isinstance(report, HealthReport) else self._board.report(report))

    def exchange(self, rooms: Sequence[RoomConfig]) -> None:
        """These are the rooms from now on: the others are taken from the broker and from Home Assistant."""
        self._rooms = tuple(rooms)
        self._slugs = tuple(room.slug for room in rooms)
        self._renew()

    def teach(self, taught: Mapping[str, discovery.Names]) -> None:
        """These are the sounds that rooms have learnt, by slug: names by label. Those that are no more are removed."""
        if taught != self._taught:
            self._taught = {slug: dict(names) for slug, names in taught.items()}
            self._renew()

    def _renew(self) -> None:
        self._devices = self._devices_of()
        self._board.exchange(self._slugs, self._taught)
        labels = {slug: frozenset(names) for slug, names in self._taught.items()}
        self._commands = replace(self._commands, rooms=frozenset(self._slugs), taught=labels)
        self._swept = False
        if self._session is not None:
            self._session.renew()

    async def run(self) -> None:
        """Keep a connection until cancelled; then say what waits, for two seconds at most, and good-bye."""
        loop = asyncio.get_running_loop()
        will = Message(self._topics.bridge("state"), payloads.OFFLINE, retain=True)
        backoff, complaints = Backoff(), Complaints()
        while True:
            connected_at: float | None = None
            session = Session(self, self._outbox, self._topics, self._timing, sweep=not self._swept)
            try:
                async with Link(self._settings, will, session) as link:
                    connected_at = loop.time()
                    self._begin(session)
                    reason = await session.run(link)
                    raise PublishError(refusals.of_loss(self._settings, reason))
            except PublishError as error:
                lasted = 0.0 if connected_at is None else loop.time() - connected_at
                if lasted >= HEALTHY_SECONDS:
                    complaints.forget()
                complaints.say(str(error), loop.time())
            finally:
                self._end(session)
            await asyncio.sleep(backoff.next(lasted))

    def announcement(self) -> Iterable[Message]:
        for topic, device in self._devices.items():
            yield Message(topic, payloads.encode(device), kind="discovery", retain=True)
        yield Message(self._topics.bridge("state"), payloads.ONLINE, retain=True)
        yield from self._board.states

    def leftovers(self, found: Mapping[str, bytes]) -> Iterable[Message]:
        return sweep.leftovers(found, self._devices, self._topics, self._slugs, self._labels, self._taught)

    def on_command(self, topic: str, payload: bytes, retained: bool) -> None:
        """Apply it, or say why not; the sender has no other way to learn of it."""
        if retained:
            logger.warning(
                "%s: a retained command is ignored, because it would act again at each start; send it without retain, "
                "and clear it with an empty retained message",
                show(topic),
            )
            return
        now = time.monotonic()
        try:
            slug, control = self._commands.parse(topic, payload)
        except PayloadError as error:
            self._misunderstood.say(f"MQTT command not understood: {error}", now)
            return
        if self._budget.allows(slug, now):
            self._on_control(slug, control)
        else:
            line = (
                f"{slug}: more than {COMMANDS_A_SECOND:g} commands a second come over MQTT; {show(topic)} is not obeyed"
            )
            self._misunderstood.say(f"{line}. Look for an automation that goes round in circles", now)

    def _send(self, messages: Iterable[Message]) -> None:
        waiting = False
        for message in messages:
            if message.qos:
                self._outbox.put(message)
                waiting = True
            elif self._session is not None:
                self._session.telemetry(message)
        if waiting:  # most chunks have nothing to say
            self._pump()

    def _pump(self) -> None:
        if self._session is not None:
            self._session.pump()

    def figures(self) -> QueueFigures:
        """How the way to the broker fares. Belongs to the event loop."""
        drops = dict(self._outbox.drops)
        current = self._session.telemetry_dropped if self._session is not None else 0
        if lost := self._telemetry_dropped + current:
            drops["telemetry"] = lost
        return QueueFigures(len(self._outbox), drops, max(0, self._connections - 1))

    def _health(self, report: HealthReport) -> Message:
        figures = self.figures()
        if self._outbox.trouble is not None:
            report = replace(report, trouble=(*report.trouble, self._outbox.trouble))
        payload = payloads.health(report, figures.waiting, figures.drops, figures.reconnects)
        return self._board.bridge("health", payload)

    def _begin(self, session: Session) -> None:
        self._connections += 1
        self._session = session
        logger.info("%s: connected as %r", self._settings.where, self._settings.client_id)

    def _end(self, session: Session) -> None:
        self._session = None
        self._swept = self._swept or session.swept
        self._telemetry_dropped += session.telemetry_dropped
