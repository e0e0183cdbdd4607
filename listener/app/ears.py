"""Who hears for the rooms: threads of the daemon, or, for many rooms, processes beside it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from listener.config import Config
from listener.decide.pooled import PooledPerceiver
from listener.decide.worker import WorkerPool
from listener.errors import ModelError
from listener.models.files import find
from listener.perceive.ears import Ear, EarPlan, RoomPlan, Senses
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.process.client import EarProcess, RemotePerceiver
from listener.types import Chunk, Control, Ending, Perceiver, Percept

if TYPE_CHECKING:
    from listener.perceive.speech.models import SpeechPlan

logger = logging.getLogger(__name__)

ROOMS_BY_THREADS = 16
"""Up to so many rooms threads suffice, and save 60 MB a process; beyond, they wait for the interpreter's lock."""
NO_TAGGER = (
    "no sound tagger: only smoke and carbon monoxide alarms are heard, by their pattern. "
    "For all other sounds: `listener models pull yamnet`"
)

OWN_TAGGER = (
    "sounds are heard by the small tagger that comes with listener. YAMNet knows more of them, and hears breaking "
    "glass and screams more surely: `listener models pull yamnet`"
)
CUSTOM_UNHEARD = "sounds.custom: made of YAMNet's classes, so these labels are not heard without it"

NewId = Callable[[], str]


class Ears(Protocol):
    """What all rooms share to perceive. `pending` and `completed` count chunks, for a watchdog."""

    @property
    def pending(self) -> int: ...

    @property
    def completed(self) -> int: ...

    @property
    def warning(self) -> str | None:
        """Why they hear less than they could, for a person."""
        ...

    def perceiver(self, room: RoomPlan, new_id: NewId) -> Perceiver: ...


@dataclass(frozen=True)
class TaggedRoom:
    """A room's perceiver as threads call it: each with the senses of its own."""

    room: RoomPerceiver

    def perceive(self, chunk: Chunk, senses: Senses) -> Percept:
        return self.room.perceive(chunk, senses.tagger)

    def finish(self, t: float) -> Ending:
        return self.room.finish(t)

    def apply(self, control: Control) -> None:
        self.room.apply(control)


@dataclass(frozen=True)
class ThreadEars:
    """Threads that each own a tagger; each chunk is heard by whichever is free."""

    ear: Ear
    pool: WorkerPool[Senses]
    senses: Senses | None = None
    """Of the only thread, which hears speech too; None where several threads hear sounds only."""
    warning: str | None = None

    @property
    def pending(self) -> int:
        return self.pool.pending

    @property
    def completed(self) -> int:
        return self.pool.completed

    def perceiver(self, room: RoomPlan, new_id: NewId) -> Perceiver:
        return PooledPerceiver(TaggedRoom(self.ear.room(room, self.senses, new_id)), self.pool)


@dataclass(frozen=True)
class ProcessEars:
    """Processes that each hear for some of the rooms, and keep what they remember of them."""

    processes: Sequence[EarProcess]
    warning: str | None = None

    @property
    def pending(self) -> int:
        return sum(process.pending for process in self.processes)

    @property
    def completed(self) -> int:
        return sum(process.completed for process in self.processes)

    def perceiver(self, room: RoomPlan, _new_id: NewId) -> Perceiver:
        """The process with the fewest rooms takes this one. Its ids are random."""
        return RemotePerceiver(min(self.processes, key=lambda process: process.rooms), room)


def find_tagger_model(config: Config) -> Path | None:
    """YAMNet's file, None when there is none to be had, or it is not wanted. Raises ModelError for a path that leads
    nowhere."""
    return None if config.sounds.tagger in ("none", "own") else find("yamnet", config.sounds.model)


def hears_itself(config: Config, model: Path | None) -> bool:
    """Our own tagger hears: because it is configured, because YAMNet is not here, or beside it, which finds more, where
    there is time for both."""
    if config.sounds.tagger == "auto":
        return model is None or len(config.rooms) <= ROOMS_BY_THREADS
    return config.sounds.tagger in ("own", "both")


def processes_for(config: Config) -> int:
    """How many processes hear, 0: threads do."""
    if config.engine.processes is not None:
        return config.engine.processes
    cores = os.cpu_count() or 1
    if config.speech.enabled:  # a recognizer belongs to one worker, and its libraries are not ours to trust
        return min(len(config.rooms), cores)
    return cores if len(config.rooms) > ROOMS_BY_THREADS else 0


def _model_or_why_not(config: Config) -> tuple[Path | None, str | None]:
    """YAMNet's file; or, of one in the models folder that is damaged, what is wrong: alarms are heard all the same, and
    everything else by our own tagger. Raises ModelError for what the configuration asks for by name."""
    try:
        return find_tagger_model(config), None
    except ModelError as error:
        if config.sounds.tagger != "auto" or config.sounds.model is not None:
            raise
        return None, f"{error}. Until then our own tagger hears in its place"


def plan(config: Config) -> EarPlan:
    """What every worker builds. Raises ModelError, ConfigError: a file, a class, a wake word that is not there."""
    model, damaged = _model_or_why_not(config)
    own = hears_itself(config, model)
    alone = own and model is None
    if damaged is not None:
        logger.error("%s", damaged)
    elif alone:
        logger.log(logging.INFO if config.sounds.tagger == "own" else logging.WARNING, "%s", OWN_TAGGER)
    elif model is None:
        logger.warning("%s", NO_TAGGER)
    if alone and config.sounds.custom:
        logger.warning("%s", CUSTOM_UNHEARD)
    return EarPlan(config.sounds, tuple(config.respond.urgent), model, plan_of_speech(config), own, damaged)


def plan_of_speech(config: Config) -> "SpeechPlan | None":
    """None where nobody listens for speech. Raises ModelError, ConfigError."""
    if not config.speech.enabled:
        return None
    from listener.perceive.speech.models import plan_speech

    languages = [room.language for room in config.rooms]
    waits = any(room.addressing == "wake_word" for room in config.rooms)
    return plan_speech(config.speech, config.home, languages, waits)


@asynccontextmanager
async def open_ears(config: Config, processes: int | None = None, threads: int | None = None) -> AsyncIterator[Ears]:
    """Load the model and start the workers. Raises ModelError, ConfigError (an unknown class), PerceiveError."""
    to_build = plan(config)
    number = processes_for(config) if processes is None else processes
    async with AsyncExitStack() as stack:
        if number:
            ears = [EarProcess(to_build, f"ear {n + 1} of {number}") for n in range(number)]
            for ear in ears:
                await stack.enter_async_context(ear)
            yield ProcessEars(ears, to_build.warning)
        else:
            loaded = to_build.load()
            count = threads or config.engine.threads or min(len(config.rooms), os.cpu_count() or 1)
            if to_build.speech is None:
                pool = await stack.enter_async_context(WorkerPool(loaded.senses, count))
                yield ThreadEars(loaded, pool, warning=to_build.warning)
            else:
                senses = await asyncio.to_thread(loaded.senses)
                pool = await stack.enter_async_context(WorkerPool(lambda: senses, 1))
                yield ThreadEars(loaded, pool, senses, to_build.warning)
