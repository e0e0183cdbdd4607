"""The engine as the daemon sees it: `Engine` of `listener.types`, on one thread that owns the model."""

import asyncio
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch

from listener.decide.audio_interaction.load import load
from listener.decide.audio_interaction.model import Model
from listener.decide.audio_interaction.modes import system_prompt
from listener.decide.audio_interaction.sampling import GREEDY, Sampling
from listener.decide.audio_interaction.scheduler import SPARE_POSITIONS, Scheduler
from listener.decide.audio_interaction.session import AudioInteractionSession
from listener.decide.audio_interaction.stream import Limits
from listener.decide.audio_interaction.worker import Worker
from listener.errors import EngineError, ModelError
from listener.types import RoomSettings

NAME: Final = "audio-interaction"


class AudioInteraction:
    """All rooms share one model; admission is bounded by the rows of its KV cache."""

    def __init__(self, worker: Worker, sampling: Sampling, new_id: Callable[[], str]) -> None:
        self._worker = worker
        self._sampling = sampling
        self._new_id = new_id

    @property
    def name(self) -> str:
        return NAME

    async def open(self, room: str, language: str, settings: RoomSettings) -> AudioInteractionSession:  # noqa: ARG002
        """Admit a room. `language` changes nothing: the model answers in the language that it is spoken to in.

        Raises EngineError when there is no place for another, ConfigError for a mode that there is not.
        """
        prompt = system_prompt(settings.mode)
        session = AudioInteractionSession(self._worker, settings.threshold, self._new_id)
        seed = zlib.crc32(room.encode())  # a room samples the same whoever else is there
        admitted = self._worker.ask(
            lambda s: s.admit(room, settings.threshold, self._sampling, seed, session.sink, prompt)
        )
        session.begin(await asyncio.wrap_future(admitted))
        return session

    async def close(self) -> None:
        """Stop the worker; replies in the making end."""
        await asyncio.to_thread(self._worker.stop)


def build_engine(
    model_dir: Path,
    device: str,
    dtype: str,
    new_id: Callable[[], str],
    *,
    max_rooms: int = 4,
    greedy: bool = False,
    weights: str = "full",
    limits: Limits | None = None,
    threads: int | None = None,
) -> AudioInteraction:
    """Load the checkpoint and start the thread that owns it; returns when it is ready, which can take a minute.

    `dtype`: float32, bfloat16 or float16. `weights`: full, int8 or 4bit. `greedy`: the same answers every time.

    Raises ModelError: the folder, the device, or memory; EngineError: a window that is too small.
    """
    bounds = limits or Limits()

    def build() -> Scheduler:
        if threads is not None:
            torch.set_num_threads(threads)
        loaded = load(model_dir, device, dtype, weights=weights)
        if bounds.window > loaded.shape.positions:
            raise EngineError(
                f"a window of {bounds.window} positions is more than the {loaded.shape.positions} of {model_dir}"
            )
        try:
            return Scheduler(Model(loaded, max_rooms, bounds.window + SPARE_POSITIONS), bounds)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            raise ModelError(
                f"no memory for the context of {max_rooms} rooms of {bounds.window} positions on {device}: "
                f"{str(error).splitlines()[0]}; allow fewer rooms or a shorter window"
            ) from None

    return AudioInteraction(Worker(build), GREEDY if greedy else Sampling(), new_id)
