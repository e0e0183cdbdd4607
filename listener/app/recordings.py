"""Recordings, one after the other: each in a fresh room, with ears and an engine that are built once."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from listener.app.build import Builder, build_engine, configured_settings, repeatable_ids
from listener.app.commands import Attention, open_attention
from listener.app.ears import Ears, NewId, open_ears
from listener.config import Config
from listener.decide.grouping import SoundGroups
from listener.perceive.ears import random_id
from listener.sources.heard_out import HeardOut
from listener.sources.supervisor import UnsupervisedSource
from listener.types import Engine, Publisher, Reply, RoomSettings, Source
from listener.types.taught import Knowledge

logger = logging.getLogger(__name__)

NOTHING = Knowledge()


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
    attention: Attention
    knowledge: Knowledge

    async def hear(self, source: Source, publishers: Sequence[Publisher], seed: str) -> None:
        """From its beginning to its end and through a little silence, in a fresh room; the same `seed` gives the same
        ids.

        Raises SourceError, EngineError.
        """
        self.ids.begin(seed)
        config, groups = self.config.rooms[0], SoundGroups(self.ids)
        heard_by = (*publishers, self.attention.responder)
        builder = Builder(
            *(self.ears, self.engine, heard_by, groups, self.ids, _keep_nothing),
            attention=self.attention,
            knowledge=self.knowledge,
        )
        room = await builder.room(config, UnsupervisedSource(HeardOut(source)), configured_settings(config))
        try:
            await room.listen()
        finally:
            await room.close()


def _keep_nothing(_slug: str, _settings: RoomSettings) -> None:
    """A recording has no settings to remember."""


@asynccontextmanager
async def open_recordings(config: Config, knowledge: Knowledge = NOTHING) -> AsyncIterator[Recordings]:
    """Build what all recordings share; `knowledge`: what the room was taught.

    Raises ModelError, ConfigError, EngineError.
    """
    ids = Ids()
    async with AsyncExitStack() as stack:
        ears = await stack.enter_async_context(open_ears(config, processes=0, threads=1))
        engine = await build_engine(config, ids)
        stack.push_async_callback(engine.close)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="listener-")))
        attention = await stack.enter_async_context(
            open_attention(config, config.home, folder, ids, _ring_nowhere, lambda _report: None)
        )
        yield Recordings(config, ears, engine, ids, attention, knowledge)


async def _ring_nowhere(slug: str, _reply: Reply) -> None:
    logger.warning("%s: a timer that was set in a recording has no room to ring in", slug)
