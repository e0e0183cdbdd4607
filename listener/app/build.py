"""Builds what the configuration asks for: the concrete classes behind the protocols of `types`."""

import asyncio
import logging
import os
import random
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from listener.config import Config, FileSource, MicrophoneSource, RoomConfig, SourceConfig
from listener.decide.cascade import Cascade
from listener.decide.fallback import Fallback, Missing
from listener.decide.grouping import SoundGroups
from listener.decide.pooled import PooledPerceiver
from listener.decide.worker import WorkerPool
from listener.errors import EngineError, ModelError
from listener.models.files import find
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.alarm_patterns import PATTERN_HOLD_SECONDS, AlarmPatterns
from listener.perceive.sounds.labels import LabelTable, label_table
from listener.perceive.sounds.yamnet import YamnetTagger
from listener.perceive.sounds.yamnet_model import YamnetModel, load_yamnet
from listener.publish.teller import RoomTeller
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.sources.supervisor import UnsupervisedSource
from listener.types import (
    Engine,
    Publisher,
    RoomSettings,
    Source,
    Supervisor,
    Tagger,
)

logger = logging.getLogger(__name__)

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
