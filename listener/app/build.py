"""Builds what the configuration asks for: the concrete classes behind the protocols of `types`."""

import asyncio
import logging
import os
import random
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from listener.app.commands import Attention
from listener.app.ears import Ears, NewId
from listener.app.school import School
from listener.app.voice import NO_VOICES, Voices
from listener.config import (
    SATELLITE,
    Config,
    FileSource,
    MicrophoneSource,
    RoomConfig,
    SourceConfig,
    StreamSource,
    WyomingSource,
)
from listener.decide.cascade import Cascade
from listener.decide.fallback import Fallback
from listener.decide.grouping import SoundGroups
from listener.decide.keeper import Keeper
from listener.errors import EngineError
from listener.origin import extra_command
from listener.perceive.ears import RoomPlan
from listener.publish.teller import RoomTeller
from listener.respond.output import Output
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.types import (
    Clips,
    Engine,
    Publisher,
    RoomSettings,
    Source,
    Supervisor,
)
from listener.types.taught import Knowledge

logger = logging.getLogger(__name__)

T = TypeVar("T")

ReadSource = Callable[[SourceConfig], Source]


def repeatable_ids(seed: str) -> NewId:
    """UUIDs that are the same whenever the same recording is heard again."""
    numbers = random.Random(os.fsencode(seed))  # noqa: S311 (names, not secrets)
    return lambda: str(uuid.UUID(int=numbers.getrandbits(128), version=4))


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
            f"engine: audio-interaction needs {error.name}, which is not installed: {extra_command('gpu')}"
        ) from None
    engine = config.engine
    return await _in_own_thread(
        lambda: build(
            engine.model or Path(),
            engine.device,
            engine.dtype,
            new_id,
            max_rooms=engine.max_rooms,
            greedy=engine.greedy,
            weights=engine.weights,
            limits=Limits(window=engine.window),
        )
    )


async def build_safe_engine(config: Config, new_id: NewId) -> Engine:
    """What decides, with the cascade behind it: a daemon whose big engine is not to be had goes on hearing."""
    if config.engine.name == "cascade":
        return build_cascade(config, new_id)
    keeper = Keeper(config.engine.name, lambda: build_engine(config, new_id))
    await keeper.start()
    return Fallback(keeper, build_cascade(config, new_id))


async def _in_own_thread(job: Callable[[], T]) -> T:
    """A shutdown does not wait for this thread, as it would for the event loop's own: loading takes a minute."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # so that nobody cancels it under the thread's hands

    def run() -> None:
        try:
            done.set_result(job())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="load", daemon=True).start()
    return await asyncio.wrap_future(done)


def build_source(config: SourceConfig) -> Source:
    """The source itself; its libraries are loaded with the first of its kind."""
    if isinstance(config, FileSource):
        from listener.sources.file import Recording

        return Recording(config.path, realtime=config.realtime, loop=config.loop)
    if isinstance(config, MicrophoneSource):
        from listener.sources.microphone import Microphone

        return Microphone(config.device)
    if isinstance(config, StreamSource):
        from listener.sources.stream import Stream

        return Stream(config)
    if isinstance(config, WyomingSource):
        from listener.sources.wyoming import Satellite

        return Satellite(config.host, config.port)
    from listener.sources.pipe import Pipe

    return Pipe(sys.stdin.buffer, config.rate, config.channels, config.format)


def own_output(config: RoomConfig, source: Source) -> Output | None:
    """The loudspeaker that comes with the source, where it is the room's `output`."""
    if config.output != SATELLITE:
        return None
    from listener.respond.satellite import SatelliteSpeaker
    from listener.sources.wyoming import Satellite

    return SatelliteSpeaker(source) if isinstance(source, Satellite) else None


def no_clips(_slug: str) -> Clips | None:
    """Nothing of what is heard is kept."""
    return None


@dataclass(frozen=True)
class Builder:
    """Builds rooms out of what they share."""

    ears: Ears
    engine: Engine
    publishers: Sequence[Publisher]
    groups: SoundGroups
    new_id: NewId
    keep_settings: Callable[[str, RoomSettings], None]
    voices: Voices = NO_VOICES
    clips: Callable[[str], Clips | None] = no_clips
    attention: Attention | None = None
    """Who answers what is said; None: nobody."""
    school: School | None = None
    """Where rooms learn; None: they do not."""
    knowledge: Knowledge = field(default=Knowledge(), repr=False)
    """What rooms were taught, where there is no school that knows."""

    async def room(
        self,
        config: RoomConfig,
        source: Supervisor,
        settings: RoomSettings,
        first_index: int = 0,
        output: Output | None = None,
    ) -> Room:
        """Raises EngineError when the engine has no place for another. `first_index` is that of the first chunk.

        `output`: the loudspeaker that the source has itself.
        """
        teller = RoomTeller(config.slug, self.engine.name, self.publishers, self.groups.group_of)
        plan = RoomPlan(
            config.slug, settings.strictness, config.addressing, config.language, settings.mode, self.knowledge
        )
        perceiver = self.ears.perceiver(plan, self.new_id)
        if self.school is not None:
            for control in self.school.controls(config.slug):
                perceiver.apply(control)
        quiet = None if self.attention is None else self.attention.quiet
        parts = RoomParts(
            slug=config.slug,
            source=source,
            perceiver=perceiver,
            session=await self.engine.open(config.name, config.language, settings),
            speaker=QueuedSpeaker(
                *(config.slug, teller, self.voices.of(config, output), perceiver.apply, self.new_id),
                may_speak=lambda reply: quiet is None or quiet.speaks(config.slug, reply),
            ),
            teller=teller,
            keep_settings=self.keep_settings,
            clips=self.clips(config.slug),
            commander=None if self.attention is None else self.attention.commander(config),
            pupil=None if self.school is None else self.school.pupil(config.slug),
        )
        return Room(parts, settings, first_index)


def configured_settings(room: RoomConfig) -> RoomSettings:
    return RoomSettings(strictness=room.strictness, threshold=room.threshold, mode=room.mode)
