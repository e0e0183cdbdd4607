"""The daemon: all rooms of a configuration, and in which order things start and stop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from listener import __version__
from listener.app.build import (
    Builder,
    ReadSource,
    build_safe_engine,
    build_source,
    no_clips,
)
from listener.app.commands import Attention, open_attention
from listener.app.ears import Ears, open_ears
from listener.app.house import House
from listener.app.learning import build_school
from listener.app.muted_hours import MutedHours, room_spans
from listener.app.open_sounds import OpenSounds
from listener.app.saving import Saving
from listener.app.school import School
from listener.app.voice import open_voices
from listener.app.wyoming import open_wyoming
from listener.config import Config, HourSpan
from listener.decide.grouping import SoundGroups
from listener.errors import ListenerError
from listener.notify import Notifier, Progress, Watchdog, watchdog_interval_seconds
from listener.perceive.ears import random_id
from listener.publish.mqtt import MqttPublisher
from listener.store.journal import open_outbox
from listener.store.lock import StateLock
from listener.store.settings import SettingsStore
from listener.types import (
    BridgeInfo,
    Clips,
    Control,
    HealthReport,
    Publisher,
    Reply,
    Report,
    RoomSettings,
    Teaching,
)

logger = logging.getLogger(__name__)

HEALTH_SECONDS = 30.0
SHUTDOWN_SECONDS = 4.0


class App:
    """The daemon: all rooms of a configuration, until `stop` is set or every source has ended for good."""

    def __init__(
        self,
        config: Config,
        state_folder: Path,
        publishers: Sequence[Publisher] = (),
        read_source: ReadSource = build_source,
        health_seconds: float = HEALTH_SECONDS,
        reread: Callable[[], Config] | None = None,
    ) -> None:
        """`reread` gives the configuration anew, for a reload; it may raise ConfigError, and block."""
        self._config = self._started_with = config
        self._state_folder = state_folder
        self._store = SettingsStore(state_folder / "settings.json")
        self._extra_publishers = tuple(publishers)
        self._read_source = read_source
        self._health_seconds = health_seconds
        self._reread = reread
        self.reload_wanted = asyncio.Event()
        """Set it to have the configuration read again."""
        self._house: House | None = None
        self._engine_name = ""
        self._attention: Attention | None = None
        self._school: School | None = None
        self._publishers: tuple[Publisher, ...] = ()
        self.hearing = asyncio.Event()
        """Set when all rooms have been started."""
        self._observe_ages: Callable[[Sequence[float]], None] = lambda _ages: None
        self._notifier = Notifier.from_environment()
        self._saving = Saving(self._store.save)
        self._started_at = monotonic()
        self.ticks = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Start what others need first, stop in reverse. Raises ListenerError when it cannot start."""
        config = self._config
        async with AsyncExitStack() as stack:
            stack.enter_context(StateLock(self._state_folder))
            if config.mqtt is not None and config.mqtt.broker == "embedded":
                from listener.publish.broker import EmbeddedBroker

                await stack.enter_async_context(EmbeddedBroker(config.mqtt))
            mqtt = await self._build_mqtt(stack)
            sounds = OpenSounds()
            metrics = await self._open_metrics(stack, mqtt)
            attention = await self._open_attention(stack)
            school = self._school = build_school(config, self._state_folder, attention, self._report, mqtt, self._apply)
            told = (sounds, attention.responder, school)
            publishers = (*self._extra_publishers, *([mqtt] if mqtt else []), *metrics, *told)
            self._publishers = publishers
            ears = await stack.enter_async_context(open_ears(config))
            engine = await build_safe_engine(config, random_id)
            stack.push_async_callback(engine.close)
            self._engine_name = engine.name
            voices = await stack.enter_async_context(open_voices(config))
            clips = await self._open_clips(stack)
            groups = SoundGroups(random_id)
            builder = Builder(ears, engine, publishers, groups, random_id, self._keep, voices, clips, attention, school)
            house = self._house = House(builder, self._read_source, self._settings_of, sounds)
            for room in config.rooms:
                await house.admit(room)
            school.open(house)
            if mqtt is not None:
                await stack.enter_async_context(_running(mqtt.run(), "mqtt"))
            for publisher in publishers:
                publisher.report(BridgeInfo(__version__, engine.name, house.slugs))
            await stack.enter_async_context(open_wyoming(config, attention, voices, house.apply))
            hours = self._muted_hours(house)
            hours.apply_due()  # before the first microphone is opened
            await stack.enter_async_context(_running(hours.run(), "muted hours"))
            await stack.enter_async_context(_running(school.run(), "school"))
            await stack.enter_async_context(_running(self._health(publishers, ears, school), "health"))
            await stack.enter_async_context(_running(self._watchdog(ears), "watchdog"))
            await stack.enter_async_context(_running(self._saving.run(), "settings"))
            await stack.enter_async_context(_running(self._reload(house, mqtt, publishers), "reload"))
            await self._run_rooms(house, stop)
            self._notifier.stopping()
        await self._saving.flush()

    async def _build_mqtt(self, stack: AsyncExitStack) -> MqttPublisher | None:
        config = self._config
        if config.mqtt is None:
            return None
        return MqttPublisher(
            config.mqtt,
            config.rooms,
            config.sounds.reported_labels,
            await stack.enter_async_context(open_outbox(self._state_folder, config.outbox)),
            self._control,
            version=__version__,
            urgent=config.respond.urgent,
            snooze_seconds=config.respond.snooze_seconds,
            modes=config.engine.modes,
        )

    def _settings_of(self, slug: str, configured: RoomSettings) -> RoomSettings:
        """What was last set; but a mode that this engine does not offer is the configured one."""
        kept = self._store.get(slug, configured)
        if kept.mode in self._config.engine.modes:
            return kept
        logger.warning("%s: mode %r is none of this engine; it is %r", slug, kept.mode, configured.mode)
        return replace(kept, mode=configured.mode)

    async def _open_metrics(self, stack: AsyncExitStack, mqtt: MqttPublisher | None) -> tuple[Publisher, ...]:
        if self._config.metrics is None:
            return ()
        from listener.servers.metrics import Figures, MetricsServer

        figures = Figures(mqtt.figures if mqtt else None)
        self._observe_ages = figures.latencies
        await stack.enter_async_context(MetricsServer(self._config.metrics, figures))
        return (figures,)

    async def _open_attention(self, stack: AsyncExitStack) -> Attention:
        async def deliver(slug: str, reply: Reply) -> None:
            await self.hearing.wait()
            if self._house is not None:
                self._house.enqueue(slug, reply)

        config = self._config
        opening = open_attention(config, config.home, self._state_folder, random_id, deliver, self._report)
        self._attention = await stack.enter_async_context(opening)
        return self._attention

    async def _open_clips(self, stack: AsyncExitStack) -> Callable[[str], Clips | None]:
        config = self._config.privacy.clips
        if not config.labels:
            return no_clips
        from listener.store.clip_folder import ClipFolder
        from listener.store.clips import ClipRecorder

        folder = ClipFolder(config.folder or self._state_folder / "clips", config)
        await stack.enter_async_context(_running(folder.run(), "clips"))
        return lambda slug: ClipRecorder(slug, config, folder.keep)

    def _muted_hours(self, house: House) -> MutedHours:
        def spans() -> dict[str, list[HourSpan]]:
            return {slug: of_room for slug, of_room in room_spans(self._config).items() if slug in house.slugs}

        return MutedHours(
            spans,
            self._state_folder / "muted-hours.json",
            lambda slug: self._store.get(slug, RoomSettings()).muted,
            house.apply,
        )

    async def _run_rooms(self, house: House, stop: asyncio.Event) -> None:
        house.start()
        self.hearing.set()
        rooms = len(house.slugs)
        self._notifier.ready(f"Listening to {rooms} rooms" if rooms > 1 else "Listening")
        logger.info("listener %s: %d rooms", __version__, rooms)
        staying = asyncio.create_task(house.stay())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((staying, stopping), return_when=asyncio.FIRST_COMPLETED)
            if staying.done():
                staying.result()
        finally:
            staying.cancel()
            stopping.cancel()
            await house.leave()

    async def _reload(self, house: House, mqtt: MqttPublisher | None, publishers: Sequence[Publisher]) -> None:
        """Read the configuration again whenever it is asked for; one that cannot be used changes nothing."""
        while self._reread is not None:
            await self.reload_wanted.wait()
            self.reload_wanted.clear()
            self._notifier.reloading()
            try:
                await self._take_over(await asyncio.to_thread(self._reread), house, mqtt)
            except ListenerError as error:
                logger.error("the configuration was not read again, and all stays as it was: %s", error)
            for publisher in publishers:
                publisher.report(BridgeInfo(__version__, self._engine_name, house.slugs))
            self._notifier.ready(f"Listening to {len(house.slugs)} rooms")

    async def _take_over(self, new: Config, house: House, mqtt: MqttPublisher | None) -> None:
        later = [
            name
            for name in Config.model_fields
            if name != "rooms" and getattr(new, name) != getattr(self._config, name)
        ]
        if later:
            logger.warning("changed in the configuration, and taken over at the next restart: %s", ", ".join(later))
        if unprepared := _unprepared(self._started_with, new):
            logger.warning("what is said is not understood before the next restart in: %s", ", ".join(unprepared))
        if self._attention is not None:
            self._attention.exchange(new)
        await house.exchange(new.rooms)
        if mqtt is not None:
            mqtt.exchange(new.rooms)
        if self._school is not None:
            self._school.open(house)
        self._config = self._config.model_copy(update={"rooms": new.rooms})
        logger.info("the configuration was read again: %d rooms", len(house.slugs))

    def _control(self, slug: str, control: Control | Teaching) -> None:
        if not isinstance(control, Teaching):
            self._apply(slug, control)
        elif self._school is not None:
            self._school.teach(slug, control)

    def _apply(self, slug: str, control: Control) -> None:
        if self._house is not None:
            self._house.apply(slug, control)

    def _report(self, report: Report) -> None:
        for publisher in self._publishers:
            publisher.report(report)

    def _keep(self, slug: str, settings: RoomSettings) -> None:
        self._store.put(slug, settings)
        self._saving.mark()

    def take_ages(self) -> list[float]:
        """Of every chunk since the last call: seconds from its last sample to its decision."""
        return [] if self._house is None else self._house.take_ages()

    async def _health(self, publishers: Sequence[Publisher], ears: Ears, school: School) -> None:
        process = psutil.Process()
        while True:
            ages = sorted(self.take_ages())
            self._observe_ages(ages)
            report = HealthReport(
                uptime_seconds=round(monotonic() - self._started_at),
                memory_mb=round(_memory_bytes(process) / 1e6, 1),
                chunk_latency_ms=round(1e3 * ages[int(0.99 * (len(ages) - 1))], 1) if ages else 0.0,
                chunk_queue=ears.pending,
                chunks_dropped=0 if self._house is None else self._house.failures,
                trouble=tuple(
                    trouble for keeper in (self._store, school, ears) if (trouble := keeper.warning) is not None
                ),
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
            "hearing": Progress(lambda: ears.completed, idle=lambda: ears.pending == 0),
        }
        await Watchdog(self._notifier, interval_seconds, progress).run()

    def _tick(self) -> int:
        self.ticks += 1
        return self.ticks


def _unprepared(started_with: Config, new: Config) -> list[str]:
    """Rooms whose language, or whose wake word, nobody was told to listen for when hearing was built."""
    languages = {room.language for room in started_with.rooms}
    addressings = {room.addressing for room in started_with.rooms}
    return [
        room.name
        for room in new.rooms
        if started_with.speech.enabled
        and (room.language not in languages or (room.addressing == "wake_word" and "wake_word" not in addressings))
    ]


def _memory_bytes(process: psutil.Process) -> int:
    """Of the daemon and the processes that hear or capture for it."""
    members = [process, *process.children()]
    return sum(int(info.rss) for member in members if (info := _memory(member)) is not None)


def _memory(process: psutil.Process) -> Any:
    with suppress(psutil.Error):  # it has just ended
        return process.memory_info()
    return None


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
