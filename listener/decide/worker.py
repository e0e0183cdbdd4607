"""The threads that own models. The event loop hands them jobs and never runs a model itself."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

CANCEL_SECONDS = 2.0

M = TypeVar("M")
R = TypeVar("R")


class WorkerPool(Generic[M]):
    """Threads with one model each, built by `build` in the very thread that will call it.

    The queue is bounded by its callers: each room waits for its chunk before it hands in the next.
    `completed` grows with every job that came to an end, well or badly; a watchdog may follow it.
    """

    def __init__(self, build: Callable[[], M], threads: int) -> None:
        self._local = threading.local()
        self._build = build
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="ear")
        self.threads = threads
        self.completed = 0
        self.pending = 0

    async def run(self, job: Callable[[M], R]) -> R:
        """Run `job(model)` on whichever thread is free. What it raises is raised here.

        A caller that is cancelled still waits for a job that has begun, so that what it touches is free afterwards.
        """
        self.pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, self._do, job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future], timeout=CANCEL_SECONDS)
            raise
        finally:
            self.pending -= 1
            self.completed += 1

    def _do(self, job: Callable[[M], R]) -> R:
        if not hasattr(self._local, "model"):
            self._local.model = self._build()
        model: M = self._local.model
        return job(model)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
