"""Recordings, one after the other: each in a fresh room, with ears and an engine that are built once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from listener.app.build import Builder, build_engine, configured_settings, random_id, repeatable_ids
from listener.app.ears import Ears, NewId, open_ears
from listener.config import Config
from listener.decide.grouping import SoundGroups
from listener.sources.supervisor import UnsupervisedSource
from listener.types import Engine, Publisher, RoomSettings, Source


class Ids:
    """One source of ids for an engine that outlives a recording; `begin` makes them those of the next one."""

    def __init__(self) -> None:
        self._new_id: NewId = random_id

    def begin(self, seed: str) -> None:
        self._new_id = repeatable_ids(seed)

    def __call__(self) -> str:
        return self._new_id()


@dataclass(frozen=True)
class Recordings:
    """Hears one recording at a time, with the first room of the configuration."""

    config: Config
    ears: Ears
    engine: Engine
    ids: Ids

    async def hear(self, source: Source, publishers: Sequence[Publisher], seed: str) -> None:
        """From its beginning to its end, in a fresh room; the same `seed` gives the same ids.

        Raises SourceError, EngineError.
        """
        self.ids.begin(seed)
        config, groups = self.config.rooms[0], SoundGroups(self.ids)
        builder = Builder(self.ears, self.engine, publishers, groups, self.ids, _keep_nothing)
        room = await builder.room(config, UnsupervisedSource(source), configured_settings(config))
        try:
            await room.listen()
        finally:
            await room.close()


def _keep_nothing(_slug: str, _settings: RoomSettings) -> None:
    """A recording has no settings to remember."""


@asynccontextmanager
async def open_recordings(config: Config) -> AsyncIterator[Recordings]:
    """Build what all recordings share. Raises ModelError, ConfigError, EngineError."""
    ids = Ids()
    async with open_ears(config, threads=1) as ears:
        engine = await build_engine(config, ids)
        try:
            yield Recordings(config, ears, engine, ids)
        finally:
            await engine.close()
