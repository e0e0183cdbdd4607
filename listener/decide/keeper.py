"""Keeps an engine that can fail: builds it anew in the background, with backoff, however it was lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from listener.errors import EngineError, ListenerError
from listener.types import Engine, RoomSettings, Session

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS: Final = 5.0
LONGEST_WAIT_SECONDS: Final = 600.0
"""Between two attempts: 5 s at first, doubled up to 10 min."""
HEALTHY_SECONDS: Final = 120.0
"""An engine that lasted so long was well: when it fails, the waiting begins at 5 s again."""
CLOSE_SECONDS: Final = 10.0
"""For the old engine to end. One that hangs is left behind: a thread cannot be killed."""

Build = Callable[[], Awaitable[Engine]]
"""Builds the engine without blocking the event loop. Raises EngineError, ModelError."""


class Keeper:
    """One engine, or none for the time being. `generation` grows whenever there is another one.

    `sleep` and `now` (s, monotonic) are the clock; tests give their own.
    """

    def __init__(
        self,
        name: str,
        build: Build,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        self._build = build
        self._sleep = sleep
        self._now = now
        self._engine: Engine | None = None
        self._built_at = 0.0
        self._wait_seconds = FIRST_WAIT_SECONDS
        self._reloading: asyncio.Task[None] | None = None
        self.generation = 0

    async def start(self) -> None:
        """The first attempt; one that fails is told, and followed by others in the background."""
        if not await self._attempt():
            self._reloading = asyncio.create_task(self._reload(None), name="engine")

    async def open(self, room: str, language: str, settings: RoomSettings) -> Session:
        """Raises EngineError: there is no engine now, or it has no place for another room."""
        if self._engine is None:
            raise EngineError(f"{self.name} is not there; it is loaded in the background")
        return await self._engine.open(room, language, settings)

    def failed(self, generation: int, why: str) -> None:
        """This engine is of no use any more. What an older one did is forgiven."""
        if generation != self.generation or self._engine is None:
            return
        if self._now() - self._built_at >= HEALTHY_SECONDS:
            self._wait_seconds = FIRST_WAIT_SECONDS
        logger.error("%s is loaded again in %.0f s: %s", self.name, self._wait_seconds, why)
        broken, self._engine = self._engine, None
        self.generation += 1
        self._reloading = asyncio.create_task(self._reload(broken), name="engine")

    async def _reload(self, broken: Engine | None) -> None:
        if broken is not None:
            await self._end(broken)
        while True:
            wait_seconds = self._wait_seconds
            self._wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
            await self._sleep(wait_seconds)
            if await self._attempt():
                logger.warning("%s is there again", self.name)
                return

    async def _attempt(self) -> bool:
        try:
            engine = await self._build()
        except ListenerError as error:
            logger.error("%s cannot be loaded; next attempt in %.0f s: %s", self.name, self._wait_seconds, error)
        except Exception:
            logger.exception("%s cannot be loaded; please report this", self.name)
        else:
            self._engine, self._built_at = engine, self._now()
            self.generation += 1
            return True
        return False

    async def _end(self, engine: Engine) -> None:
        """Its memory must be free before another one is built."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await engine.close()
        except TimeoutError:
            logger.error("%s hangs and cannot be ended; what memory it has stays taken", self.name)
        except Exception:
            logger.exception("%s failed once more while it was ended", self.name)

    async def close(self) -> None:
        if self._reloading is not None:
            self._reloading.cancel()
            await asyncio.wait([self._reloading])
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()
