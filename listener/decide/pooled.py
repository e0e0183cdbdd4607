"""Perception on the worker threads, behind the interface that a room knows."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from listener.decide.worker import WorkerPool
from listener.types import Chunk, Control, Ending, Percept

M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)


class BlockingPerceiver(Protocol[M_contra]):
    """Perception of one room that computes in the calling thread, with the model it is given."""

    def perceive(self, chunk: Chunk, model: M_contra, /) -> Percept: ...

    def finish(self, t: float) -> Ending: ...

    def apply(self, control: Control) -> None: ...


class PooledPerceiver(Generic[M]):
    """Perceiver of one room: each chunk is heard by whichever thread is free, with that thread's model."""

    def __init__(self, perceiver: BlockingPerceiver[M], pool: WorkerPool[M]) -> None:
        self._perceiver = perceiver
        self._pool = pool
        self.apply: Callable[[Control], None] = perceiver.apply

    async def perceive(self, chunk: Chunk) -> Percept:
        return await self._pool.run(lambda model: self._perceiver.perceive(chunk, model))

    async def finish(self, t: float) -> Ending:
        return await self._pool.run(lambda _: self._perceiver.finish(t))
