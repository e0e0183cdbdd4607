"""The thread that owns the model: it takes what rooms hand in, and ticks while there is anything to do."""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from listener.decide.audio_interaction.scheduler import Scheduler
from listener.errors import EngineError, ListenerError

logger = logging.getLogger(__name__)

R = TypeVar("R")

MAX_ORDERS: Final = 10_000
"""Orders not yet taken. Each room hands in one chunk at a time, so that this is reached only if the worker hangs."""
STOP_SECONDS: Final = 5.0


class Worker:
    """Builds the scheduler in its own thread and is its only user from then on."""

    def __init__(self, build: Callable[[], Scheduler]) -> None:
        """Returns when the model is loaded. Raises what `build` raises."""
        self._orders: queue.Queue[Callable[[Scheduler], None] | None] = queue.Queue(MAX_ORDERS)
        self._ready: Future[None] = Future()
        self._dead: str | None = None
        self._thread = threading.Thread(target=self._run, args=(build,), name="audio-interaction", daemon=True)
        self._thread.start()
        self._ready.result()

    def tell(self, order: Callable[[Scheduler], None]) -> None:
        """Hand in an order; it is carried out before the next tick. Raises EngineError when nobody takes it."""
        self._refuse_if_dead()
        try:
            self._orders.put_nowait(order)
        except queue.Full:
            raise EngineError(f"the engine hangs: {MAX_ORDERS} orders wait for it; restart the daemon") from None
        self._refuse_if_dead()  # it may have stopped taking orders between the two lines above

    def _refuse_if_dead(self) -> None:
        if self._dead is not None:
            raise EngineError(f"the engine has stopped: {self._dead}; restart the daemon")

    def ask(self, question: Callable[[Scheduler], R]) -> "Future[R]":
        """Like `tell`, with an answer."""
        answer: Future[R] = Future()

        def order(scheduler: Scheduler) -> None:
            try:
                answer.set_result(question(scheduler))
            except ListenerError as error:
                answer.set_exception(error)

        self.tell(order)
        return answer

    def stop(self) -> None:
        """End the thread after the tick that it is in, and wait for that."""
        if self._dead is None:
            self._dead = "it was closed"
            self._orders.put(None)
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                logger.error("the engine hangs and does not end; it keeps its memory until it does")

    def _run(self, build: Callable[[], Scheduler]) -> None:
        try:
            scheduler = build()
        except BaseException as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(None)
        try:
            self._serve(scheduler)
            scheduler.fail_all(EngineError("the engine has stopped: it was closed"))
        except Exception as error:
            self._die(scheduler, error)

    def _serve(self, scheduler: Scheduler) -> None:
        while True:
            try:
                order = self._orders.get(block=not scheduler.busy)
                while True:
                    if order is None:
                        return
                    order(scheduler)
                    order = self._orders.get_nowait()
            except queue.Empty:
                scheduler.tick()

    def _die(self, scheduler: Scheduler, error: Exception) -> None:
        """A mistake of ours, or a device that is gone: every room learns of it, and nothing more is taken."""
        logger.exception("the Audio-Interaction engine has stopped")
        self._dead = f"{type(error).__name__}: {error}"
        scheduler.fail_all(EngineError(f"the engine has stopped: {self._dead}; restart the daemon"))
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            if order is not None:
                order(scheduler)  # so that who waits for it is told
                scheduler.fail_all(EngineError(f"the engine has stopped: {self._dead}"))
