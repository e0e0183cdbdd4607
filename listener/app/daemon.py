"""The daemon: all rooms of a configuration, and in which order things start and stop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import psutil

from listener import __version__
from listener.app.build import (
    Builder,
    Ears,
    ReadSource,
    build_safe_engine,
    build_source,
    configured_settings,
    open_ears,
    random_id,
)
from listener.config import Config
from listener.decide.grouping import SoundGroups
from listener.notify import Notifier, Progress, Watchdog, watchdog_interval_seconds
from listener.publish.mqtt import MqttPublisher
from listener.room import Room
from listener.sources.supervisor import SupervisedSource
from listener.store.outbox import MemoryOutbox
from listener.store.settings import SettingsStore
from listener.types import (
    BridgeInfo,
    Control,
    HealthReport,
    Publisher,
    RoomSettings,
)

logger = logging.getLogger(__name__)

HEALTH_SECONDS = 30.0
SHUTDOWN_SECONDS = 4.0
RESTART_SECONDS = 1.0


class App:
    """The daemon: all rooms of a configuration, until `stop` is set or every source has ended for good."""

    def __init__(
        self,
        config: Config,
        state_folder: Path,
        publishers: Sequence[Publisher] = (),
        read_source: ReadSource = build_source,
        health_seconds: float = HEALTH_SECONDS,
    ) -> None:
        self._config = config
        self._store = SettingsStore(state_folder / "settings.json")
        self._extra_publishers = tuple(publishers)
        self._read_source = read_source
        self._health_seconds = health_seconds
        self._rooms: dict[str, Room] = {}
        self._notifier = Notifier.from_environment()
        self._saving: set[asyncio.Task[bool]] = set()
        self._started_at = monotonic()
        self.ticks = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Start what others need first, stop in reverse. Raises ListenerError when it cannot start."""
        config = self._config
        async with AsyncExitStack() as stack:
            if config.mqtt is not None and config.mqtt.broker == "embedded":
                from listener.publish.broker import EmbeddedBroker

                await stack.enter_async_context(EmbeddedBroker(config.mqtt))
            mqtt = self._build_mqtt()
            publishers = (*self._extra_publishers, *([mqtt] if mqtt else []))
            ears = await stack.enter_async_context(open_ears(config))
            engine = await build_safe_engine(config, random_id)
            stack.push_async_callback(engine.close)
            await self._build_rooms(Builder(ears, engine, publishers, SoundGroups(random_id), random_id, self._keep))
            if mqtt is not None:
                await stack.enter_async_context(_running(mqtt.run(), "mqtt"))
            for publisher in publishers:
                publisher.report(BridgeInfo(__version__, engine.name, tuple(self._rooms)))
            await stack.enter_async_context(_running(self._health(publishers, ears), "health"))
            await stack.enter_async_context(_running(self._watchdog(ears), "watchdog"))
            await self._run_rooms(stop)
            self._notifier.stopping()
        if self._saving:
            await asyncio.wait(self._saving, timeout=SHUTDOWN_SECONDS)

    def _build_mqtt(self) -> MqttPublisher | None:
        config = self._config
        if config.mqtt is None:
            return None
        return MqttPublisher(
            config.mqtt,
            config.rooms,
            config.sounds.reported_labels,
            MemoryOutbox(),
            self._control,
            version=__version__,
            urgent=config.respond.urgent,
            snooze_seconds=config.respond.snooze_seconds,
        )

    async def _build_rooms(self, builder: Builder) -> None:
        for room in self._config.rooms:
            source = SupervisedSource(self._read_source(room.source))
            settings = self._store.get(room.slug, configured_settings(room))
            self._rooms[room.slug] = await builder.room(room, source, settings)

    async def _run_rooms(self, stop: asyncio.Event) -> None:
        rooms = [asyncio.create_task(self._run_room(room), name=room.slug) for room in self._rooms.values()]
        self._notifier.ready(f"Listening to {len(rooms)} rooms" if len(rooms) > 1 else "Listening")
        logger.info("listener %s: %d rooms", __version__, len(rooms))
        ended = asyncio.create_task(self._all_ended(rooms, stop))
        try:
            await stop.wait()
        finally:
            for task in (ended, *rooms):
                task.cancel()
            await asyncio.wait(rooms, timeout=SHUTDOWN_SECONDS)

    async def _all_ended(self, rooms: list["asyncio.Task[None]"], stop: asyncio.Event) -> None:
        """A pipe that has ended leaves nothing to wait for; recordings leave their last states to be seen."""
        await asyncio.wait(rooms)
        if all(room.source.type == "pipe" for room in self._config.rooms):
            logger.info("stdin has ended, and there is no other room; good-bye")
            stop.set()

    async def _run_room(self, room: Room) -> None:
        """A fault of ours in one room must not end the others: it is told in full, and the room begins again."""
        while True:
            try:
                return await room.run()
            except Exception:
                logger.exception("%s: the room failed and is started again; please report this", room.slug)
                await asyncio.sleep(RESTART_SECONDS)

    def _control(self, slug: str, control: Control) -> None:
        logger.info("%s: %s", slug, control)
        self._rooms[slug].apply(control)

    def _keep(self, slug: str, settings: RoomSettings) -> None:
        self._store.put(slug, settings)
        task = asyncio.create_task(asyncio.to_thread(self._store.save))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    def take_ages(self) -> list[float]:
        """Of every chunk since the last call: seconds from its last sample to its decision."""
        return [age for room in self._rooms.values() for age in room.meter.take_ages()]

    async def _health(self, publishers: Sequence[Publisher], ears: Ears) -> None:
        process = psutil.Process()
        while True:
            ages = sorted(self.take_ages())
            report = HealthReport(
                uptime_seconds=round(monotonic() - self._started_at),
                memory_mb=round(process.memory_info().rss / 1e6, 1),
                chunk_latency_ms=round(1e3 * ages[int(0.99 * (len(ages) - 1))], 1) if ages else 0.0,
                chunk_queue=ears.pool.pending,
                chunks_dropped=sum(room.meter.failures for room in self._rooms.values()),
            )
            for publisher in publishers:
                publisher.report(report)
            await asyncio.sleep(self._health_seconds)

    async def _watchdog(self, ears: Ears) -> None:
        """Feed systemd's watchdog while the event loop and the threads that hear make progress."""
        interval_seconds = watchdog_interval_seconds()
        if interval_seconds is None:
            return
        progress = {
            "event loop": Progress(self._tick),
            "hearing": Progress(lambda: ears.pool.completed, idle=lambda: ears.pool.pending == 0),
        }
        await Watchdog(self._notifier, interval_seconds, progress).run()

    def _tick(self) -> int:
        self.ticks += 1
        return self.ticks


@asynccontextmanager
async def _running(work: "asyncio._CoroutineLike[None]", name: str) -> AsyncIterator[None]:
    """Runs beside the block, and is cancelled and awaited at its end."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(partial(_tell_failure, name))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=SHUTDOWN_SECONDS)


def _tell_failure(name: str, task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("%s has stopped working: %r; restart the daemon and report this", name, error, exc_info=error)
