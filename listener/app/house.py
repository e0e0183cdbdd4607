"""All rooms that run: each is started, watched, restarted by itself, and exchanged when the configuration changes."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from listener.app.build import Builder, ReadSource, configured_settings, own_output
from listener.app.open_sounds import OpenSounds
from listener.config import PipeSource, RoomConfig
from listener.errors import ListenerError, PerceiveError
from listener.room import Room
from listener.sources.supervisor import SupervisedSource
from listener.types import Control, Reply, RoomSettings, Say

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
ADMIT_AGAIN_SECONDS = 10.0
LEAVE_SECONDS = 2.0
"""For a room that is told to end; its device is closed by force in less."""

SettingsOf = Callable[[str, RoomSettings], RoomSettings]


@dataclass(slots=True)
class _Resident:
    config: RoomConfig
    source: SupervisedSource
    room: Room
    task: "asyncio.Task[None] | None" = None
    failed: bool = False


class House:
    """The rooms. One that fails or hangs is built anew and goes on counting its chunks where it was.

    `restarts` counts that. What a room that hangs does not give back (its thread, its device) is left to it.
    """

    def __init__(self, builder: Builder, read_source: ReadSource, settings_of: SettingsOf, sounds: OpenSounds) -> None:
        self._builder = builder
        self._read_source = read_source
        self._settings_of = settings_of
        self._sounds = sounds
        self._residents: dict[str, _Resident] = {}
        self._waiting: dict[str, tuple[RoomConfig, int, float]] = {}
        self._left_failures = 0
        self._left_ages: list[float] = []
        self._abandoned: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._exchanging = asyncio.Lock()
        self.restarts = 0

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(self._residents)

    @property
    def failures(self) -> int:
        """Chunks that could not be heard, of all rooms that there have been."""
        return self._left_failures + sum(r.room.meter.failures for r in self._residents.values())

    def take_ages(self) -> list[float]:
        """Of every chunk since the last call: seconds from its last sample to its decision."""
        left, self._left_ages = self._left_ages, []
        return [*left, *(age for r in self._residents.values() for age in r.room.meter.take_ages())]

    def apply(self, slug: str, control: Control) -> None:
        # What is to be said may be private, and a journal is kept for weeks.
        logger.info("%s: %s", slug, "Say" if isinstance(control, Say) else control, extra={"room": slug})
        resident = self._residents.get(slug)
        if resident is None:
            logger.warning("%s: has just been left; nothing was changed", slug)
            return
        try:
            resident.room.apply(control)
        except PerceiveError as error:  # what was taught may have been forgotten in this moment
            logger.warning("%s: %s; nothing was changed", slug, error)

    def enqueue(self, slug: str, reply: Reply) -> None:
        """Have a room say this."""
        if (resident := self._residents.get(slug)) is None:
            logger.warning("%s: is not there to say what it should: it was left", slug)
        else:
            resident.room.enqueue(reply)

    async def admit(self, config: RoomConfig, first_index: int = 0) -> None:
        """Build a room; `start` starts it. Raises EngineError when there is no place for it."""
        opened = self._read_source(config.source)
        source = SupervisedSource(opened, bounded=not isinstance(config.source, PipeSource))
        settings = self._settings_of(config.slug, configured_settings(config))
        output = own_output(config, opened)
        room = await self._builder.room(config, source, settings, first_index, output)
        self._residents[config.slug] = _Resident(config, source, room)

    def start(self) -> None:
        """Start every room that does not run."""
        for resident in self._residents.values():
            if resident.task is None:
                resident.task = asyncio.create_task(self._live(resident), name=resident.config.slug)

    async def stay(self) -> None:
        """Watch over the rooms, until there is nothing to wait for: every sound came by a pipe, and has ended."""
        watching = asyncio.create_task(self._watch())
        try:
            while not self._all_ended():
                self._ended.clear()
                await self._ended.wait()
        finally:
            watching.cancel()
        logger.info("stdin has ended, and there is no other room; good-bye")

    async def leave(self) -> None:
        """End all rooms, at the same time."""
        tasks = [resident.task for resident in self._residents.values() if resident.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_SECONDS)

    async def exchange(self, configs: Sequence[RoomConfig]) -> None:
        """Run these rooms from now on. Those whose configuration is the same are not touched."""
        wanted = {config.slug: config for config in configs}
        async with self._exchanging:
            self._waiting.clear()
            for slug, resident in tuple(self._residents.items()):
                if wanted.get(slug) == resident.config:
                    continue
                next_index = await self._dismiss(slug)
                if slug in wanted:
                    logger.info("%s: is configured differently; begins again", slug)
                    await self._admit_or_say(wanted[slug], next_index)
                else:
                    logger.info("%s: is no longer configured; left", slug)
            for slug, config in wanted.items():
                if slug not in self._residents:
                    logger.info("%s: is new", slug)
                    await self._admit_or_say(config, 0)
            self.start()

    async def _admit_or_say(self, config: RoomConfig, first_index: int) -> None:
        try:
            await self.admit(config, first_index)
        except ListenerError as error:
            logger.error("%s: cannot be heard now, and is tried again: %s", config.slug, error)
            again_at = asyncio.get_running_loop().time() + ADMIT_AGAIN_SECONDS
            self._waiting[config.slug] = (config, first_index, again_at)

    async def _dismiss(self, slug: str) -> int:
        """End one room, whether it likes it or not; returns where its chunks had got to."""
        resident = self._residents.pop(slug)
        if resident.task is not None:
            resident.task.cancel()
            _, hanging = await asyncio.wait([resident.task], timeout=LEAVE_SECONDS)
            for task in hanging:
                logger.error("%s: does not end; it is left behind, with what it holds", slug)
                self._abandoned.add(task)
                task.add_done_callback(self._abandoned.discard)
        self._sounds.end(slug, self._builder.publishers)
        self._left_failures += resident.room.meter.failures
        self._left_ages += resident.room.meter.take_ages()
        return resident.room.next_index

    async def _restart(self, slug: str, config: RoomConfig) -> None:
        async with self._exchanging:
            if slug in self._residents:
                self.restarts += 1
                await self._admit_or_say(config, await self._dismiss(slug))
                self.start()

    async def _watch(self) -> None:
        """Restart rooms that hang. The others do not notice."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look_after_all()
            except Exception:
                logger.exception("the rooms cannot be looked after; tried again in a moment. Please report this")

    async def _look_after_all(self) -> None:
        for slug, resident in tuple(self._residents.items()):
            if resident.source.is_stuck:
                logger.error("%s: makes no progress; this room is started again", slug)
            if resident.source.is_stuck or resident.failed:
                await self._restart(slug, resident.config)
        await self._admit_those_who_wait()

    async def _admit_those_who_wait(self) -> None:
        now = asyncio.get_running_loop().time()
        async with self._exchanging:
            for slug, (config, first_index, again_at) in tuple(self._waiting.items()):
                if now >= again_at:
                    del self._waiting[slug]
                    await self._admit_or_say(config, first_index)
            self.start()

    async def _live(self, resident: _Resident) -> None:
        """A fault of ours in one room must not end the others: it is told in full, and the room begins again."""
        try:
            await resident.room.run()
        except Exception:
            logger.exception("%s: the room failed and is started again; please report this", resident.config.slug)
            resident.failed = True
        else:
            self._ended.set()

    def _all_ended(self) -> bool:
        """Recordings that have ended leave their last states to be seen."""
        return not self._waiting and all(
            isinstance(resident.config.source, PipeSource)
            and resident.task is not None
            and resident.task.done()
            and not resident.failed
            for resident in self._residents.values()
        )
