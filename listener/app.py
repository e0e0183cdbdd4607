"""The composition root: builds what the configuration asks for, and knows in which order it starts and stops."""

import asyncio
import logging
import os
import random
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import psutil

from listener import __version__
from listener.config import Config, FileSource, MicrophoneSource, RoomConfig, SourceConfig
from listener.decide.cascade import Cascade
from listener.decide.fallback import Fallback, Missing
from listener.decide.grouping import SoundGroups
from listener.decide.pooled import PooledPerceiver
from listener.decide.worker import WorkerPool
from listener.errors import EngineError, ModelError
from listener.models.files import find
from listener.notify import Notifier, Progress, Watchdog, watchdog_interval_seconds
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.alarm_patterns import PATTERN_HOLD_SECONDS, AlarmPatterns
from listener.perceive.sounds.labels import LabelTable, label_table
from listener.perceive.sounds.yamnet import YamnetTagger
from listener.perceive.sounds.yamnet_model import YamnetModel, load_yamnet
from listener.publish.mqtt import MqttPublisher
from listener.publish.teller import RoomTeller
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.sources.supervisor import SupervisedSource, UnsupervisedSource
from listener.store.outbox import MemoryOutbox
from listener.store.settings import SettingsStore
from listener.types import (
    BridgeInfo,
    Control,
    Engine,
    HealthReport,
    Publisher,
    RoomSettings,
    Source,
    Supervisor,
    Tagger,
)

logger = logging.getLogger(__name__)

HEALTH_SECONDS = 30.0
SHUTDOWN_SECONDS = 4.0
RESTART_SECONDS = 1.0
NO_TAGGER = (
    "no sound tagger: only smoke and carbon monoxide alarms are heard, by their pattern. "
    "For all other sounds: `listener models pull yamnet`"
)

NewId = Callable[[], str]
ReadSource = Callable[[SourceConfig], Source]


def random_id() -> str:
    return str(uuid.uuid4())


def repeatable_ids(seed: str) -> NewId:
    """UUIDs that are the same whenever the same recording is heard again."""
    numbers = random.Random(os.fsencode(seed))  # noqa: S311 (names, not secrets)
    return lambda: str(uuid.UUID(int=numbers.getrandbits(128), version=4))


@dataclass(frozen=True)
class Ears:
    """What all rooms share to perceive: the labels, and threads that each own a tagger (None without a model)."""

    table: LabelTable
    pool: WorkerPool[Tagger | None]

    def perceiver(self, room: str, strictness: str, new_id: NewId) -> PooledPerceiver[Tagger | None]:
        perceiver = RoomPerceiver(
            room,
            self.table,
            strictness,
            patterns=AlarmPatterns,
            pattern_hold_seconds=PATTERN_HOLD_SECONDS,
            new_id=new_id,
        )
        return PooledPerceiver(perceiver, self.pool)


def find_tagger_model(config: Config) -> YamnetModel | None:
    """The tagger's model, None when there is none to be had. Raises ModelError for a file that is not the right one."""
    if config.sounds.tagger == "none":
        return None
    path = find("yamnet", config.sounds.model)
    return None if path is None else load_yamnet(path)


@asynccontextmanager
async def open_ears(config: Config, threads: int | None = None) -> AsyncIterator[Ears]:
    """Load the model and start the threads. Raises ModelError, ConfigError (an unknown class)."""
    model = find_tagger_model(config)
    if model is None:
        logger.warning("%s", NO_TAGGER)
    table = label_table(config.sounds, config.respond.urgent, model.classes if model else ())
    build: Callable[[], Tagger | None] = lambda: None if model is None else YamnetTagger(model)  # noqa: E731
    count = threads or config.engine.threads or min(len(config.rooms), os.cpu_count() or 1)
    async with WorkerPool(build, count) as pool:
        yield Ears(table, pool)


def build_cascade(config: Config, new_id: NewId) -> Cascade:
    return Cascade(config.respond.urgent, config.respond.texts, new_id)


async def build_engine(config: Config, new_id: NewId) -> Engine:
    """What decides, alone. Raises ModelError, EngineError: a checkpoint, a device or an extra that is not there."""
    if config.engine.name == "cascade":
        return build_cascade(config, new_id)
    try:
        from listener.decide.audio_interaction.engine import build_engine as build
        from listener.decide.audio_interaction.stream import Limits
    except ModuleNotFoundError as error:
        raise EngineError(
            f"engine: audio-interaction needs {error.name}, which is not installed: pip install 'listener[gpu]'"
        ) from None
    engine, modes = config.engine, {room.name: room.mode for room in config.rooms}
    return await asyncio.to_thread(
        lambda: build(
            engine.model or Path(),
            engine.device,
            engine.dtype,
            new_id,
            max_rooms=engine.max_rooms,
            greedy=engine.greedy,
            weights=engine.weights,
            limits=Limits(window=engine.window),
            mode_of=lambda room: modes[room],
        )
    )


async def build_safe_engine(config: Config, new_id: NewId) -> Engine:
    """What decides, with the cascade behind it: a daemon whose big engine is not to be had goes on hearing."""
    if config.engine.name == "cascade":
        return build_cascade(config, new_id)
    try:
        big = await build_engine(config, new_id)
    except (ModelError, EngineError) as error:
        logger.error("%s", error)
        big = Missing(config.engine.name, str(error))
    return Fallback(big, build_cascade(config, new_id))


def build_source(config: SourceConfig) -> Source:
    """The source itself; its libraries are loaded with the first of its kind."""
    if isinstance(config, FileSource):
        from listener.sources.file import Recording

        return Recording(config.path, realtime=config.realtime, loop=config.loop)
    if isinstance(config, MicrophoneSource):
        from listener.sources.microphone import Microphone

        return Microphone(config.device)
    from listener.sources.pipe import Pipe

    return Pipe(sys.stdin.buffer, config.rate, config.channels, config.format)


@dataclass(frozen=True)
class Builder:
    """Builds rooms out of what they share."""

    ears: Ears
    engine: Engine
    publishers: Sequence[Publisher]
    groups: SoundGroups
    new_id: NewId
    keep_settings: Callable[[str, RoomSettings], None]

    async def room(self, config: RoomConfig, source: Supervisor, settings: RoomSettings) -> Room:
        teller = RoomTeller(config.slug, self.engine.name, self.publishers, self.groups.group_of)
        parts = RoomParts(
            slug=config.slug,
            source=source,
            perceiver=self.ears.perceiver(config.slug, settings.strictness, self.new_id),
            session=await self.engine.open(config.name, config.language, settings),
            speaker=QueuedSpeaker(config.slug, teller),
            teller=teller,
            keep_settings=self.keep_settings,
        )
        return Room(parts, settings)


def _keep_nothing(_slug: str, _settings: RoomSettings) -> None:
    """A recording has no settings to remember."""


def configured_settings(room: RoomConfig) -> RoomSettings:
    return RoomSettings(strictness=room.strictness, threshold=room.threshold)


async def listen_to(config: Config, ears: Ears, source: Source, publishers: Sequence[Publisher], seed: str) -> None:
    """The first room of the configuration hears `source` once, from its beginning to its end. Raises SourceError."""
    new_id = repeatable_ids(seed)
    engine = await build_engine(config, new_id)
    builder = Builder(ears, engine, publishers, SoundGroups(new_id), new_id, _keep_nothing)
    room = await builder.room(config.rooms[0], UnsupervisedSource(source), configured_settings(config.rooms[0]))
    try:
        await room.listen()
    finally:
        await engine.close()


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
