"""Who hears for the rooms: threads of the daemon, or, for many rooms, processes beside it."""

import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from listener.config import Config
from listener.decide.pooled import PooledPerceiver
from listener.decide.worker import WorkerPool
from listener.models.files import find
from listener.perceive.ears import Ear, EarPlan
from listener.perceive.process.client import EarProcess, RemotePerceiver
from listener.types import Perceiver, Tagger

logger = logging.getLogger(__name__)

ROOMS_BY_THREADS = 16
"""Up to so many rooms threads suffice, and save 60 MB a process; beyond, they wait for the interpreter's lock."""
NO_TAGGER = (
    "no sound tagger: only smoke and carbon monoxide alarms are heard, by their pattern. "
    "For all other sounds: `listener models pull yamnet`"
)

NewId = Callable[[], str]


class Ears(Protocol):
    """What all rooms share to perceive. `pending` and `completed` count chunks, for a watchdog."""

    @property
    def pending(self) -> int: ...

    @property
    def completed(self) -> int: ...

    def perceiver(self, room: str, strictness: str, new_id: NewId) -> Perceiver: ...


@dataclass(frozen=True)
class ThreadEars:
    """Threads that each own a tagger; each chunk is heard by whichever is free."""

    ear: Ear
    pool: WorkerPool[Tagger | None]

    @property
    def pending(self) -> int:
        return self.pool.pending

    @property
    def completed(self) -> int:
        return self.pool.completed

    def perceiver(self, room: str, strictness: str, new_id: NewId) -> Perceiver:
        return PooledPerceiver(self.ear.room(room, strictness, new_id), self.pool)


@dataclass(frozen=True)
class ProcessEars:
    """Processes that each hear for some of the rooms, and keep what they remember of them."""

    processes: Sequence[EarProcess]

    @property
    def pending(self) -> int:
        return sum(process.pending for process in self.processes)

    @property
    def completed(self) -> int:
        return sum(process.completed for process in self.processes)

    def perceiver(self, room: str, strictness: str, _new_id: NewId) -> Perceiver:
        """The process with the fewest rooms takes this one. Its ids are random."""
        return RemotePerceiver(min(self.processes, key=lambda process: process.rooms), room, strictness)


def find_tagger_model(config: Config) -> Path | None:
    """The tagger's file, None when there is none to be had. Raises ModelError for a path that leads nowhere."""
    return None if config.sounds.tagger == "none" else find("yamnet", config.sounds.model)


def processes_for(config: Config) -> int:
    """How many processes hear, 0: threads do."""
    if config.engine.processes is not None:
        return config.engine.processes
    return (os.cpu_count() or 1) if len(config.rooms) > ROOMS_BY_THREADS else 0


@asynccontextmanager
async def open_ears(config: Config, processes: int | None = None, threads: int | None = None) -> AsyncIterator[Ears]:
    """Load the model and start the workers. Raises ModelError, ConfigError (an unknown class), PerceiveError."""
    model = find_tagger_model(config)
    if model is None:
        logger.warning("%s", NO_TAGGER)
    plan = EarPlan(config.sounds, tuple(config.respond.urgent), model)
    number = processes_for(config) if processes is None else processes
    async with AsyncExitStack() as stack:
        if number:
            ears = [EarProcess(plan, f"ear {n + 1} of {number}") for n in range(number)]
            for ear in ears:
                await stack.enter_async_context(ear)
            yield ProcessEars(ears)
        else:
            loaded = plan.load()
            count = threads or config.engine.threads or min(len(config.rooms), os.cpu_count() or 1)
            yield ThreadEars(loaded, await stack.enter_async_context(WorkerPool(loaded.tagger, count)))
