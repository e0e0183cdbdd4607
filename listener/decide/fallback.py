"""If the big engine fails, another takes over within the same chunk, and says so.

Both follow every chunk, so that the spare knows what sounds when it is needed; it is cheap. What it would answer while
the big engine is well is not said.
"""

import asyncio
import logging
import math
from dataclasses import replace
from typing import Final

from listener.decide.keeper import Keeper
from listener.errors import EngineError
from listener.types import Chunk, Control, Engine, Outcome, Percept, RoomSettings, Session, SetMode, SetThreshold

logger = logging.getLogger(__name__)

LATE_SECONDS: Final = 2.0
"""A live chunk that is not decided after so long: five chunks have come since, and the engine counts as lost."""
FAILURES_BEFORE_RELOAD: Final = 3
"""In a row. One chunk may fail (a session begins anew after it) without costing every room a reload."""


class FallbackSession:
    """One room with both engines. It joins the big one whenever there is another than before."""

    def __init__(
        self, room: str, language: str, settings: RoomSettings, keeper: Keeper, spare: Session, spare_name: str
    ) -> None:
        self._room = room
        self._language = language
        self._settings = settings
        self._keeper = keeper
        self._spare = spare
        self._spare_name = spare_name
        self._primary: Session | None = None
        self._generation = 0
        self._failures = 0

    async def join(self) -> None:
        """Take a place in the big engine that there is now, if it has one; in each engine it is asked for once."""
        if self._generation == self._keeper.generation:
            return
        self._leave()
        self._generation, self._failures = self._keeper.generation, 0
        try:
            async with asyncio.timeout(LATE_SECONDS):
                self._primary = await self._keeper.open(self._room, self._language, self._settings)
        except EngineError as error:
            logger.error("%s: %s decides: %s", self._room, self._spare_name, error)
        except TimeoutError:
            self._lost(f"{self._room} was not admitted within {LATE_SECONDS:g} s")

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        """Never fails because of the big engine. Raises EngineError of the spare."""
        spare = await self._spare.step(chunk, percept)
        outcome = await self._big(chunk, percept)
        return outcome or replace(spare, engine=self._spare_name, flags=spare.flags | {"degraded"})

    async def _big(self, chunk: Chunk, percept: Percept) -> Outcome | None:
        await self.join()
        if self._primary is None:
            return None
        try:
            async with asyncio.timeout(None if chunk.monotonic_ns is None else LATE_SECONDS):
                outcome = await self._primary.step(chunk, percept)
            if not math.isfinite(outcome.probability):
                raise EngineError(f"its probability of responding is {outcome.probability}")
        except EngineError as error:
            self._failed(str(error))
        except TimeoutError:
            self._lost(f"{self._room}: no decision within {LATE_SECONDS:g} s")
        except Exception as error:
            logger.exception("%s: a fault of ours in %s; please report this", self._room, self._keeper.name)
            self._failed(f"{type(error).__name__}: {error}")
        else:
            self._recovered()
            return outcome
        return None

    def _failed(self, why: str) -> None:
        self._failures += 1
        logger.error("%s: %s decides (%d failures in a row): %s", self._room, self._spare_name, self._failures, why)
        if self._failures >= FAILURES_BEFORE_RELOAD:
            self._lost(f"{self._room}: {self._failures} failures in a row, the last: {why}")

    def _leave(self) -> None:
        """End what the lost engine was saying, for it may never end by itself."""
        if self._primary is not None:
            self._primary.interrupt()
        self._primary = None

    def _lost(self, why: str) -> None:
        self._leave()
        self._keeper.failed(self._generation, why)

    def _recovered(self) -> None:
        if self._failures:
            logger.warning("%s: %s no longer has to decide", self._room, self._spare_name)
        self._failures = 0

    def apply(self, control: Control) -> None:
        match control:
            case SetThreshold(threshold):
                self._settings = replace(self._settings, threshold=threshold)
            case SetMode(mode):
                self._settings = replace(self._settings, mode=mode)
        self._spare.apply(control)
        if self._primary is not None:
            try:
                self._primary.apply(control)
            except EngineError as error:
                logger.error("%s: %s", self._room, error)

    def interrupt(self) -> None:
        self._spare.interrupt()
        if self._primary is not None:
            self._primary.interrupt()

    async def close(self) -> None:
        await self._spare.close()
        if self._primary is not None:
            await self._primary.close()


class Fallback:
    """`Engine` of `listener.types`: one that is kept, and a spare that cannot fail."""

    def __init__(self, keeper: Keeper, spare: Engine) -> None:
        self._keeper = keeper
        self._spare = spare

    @property
    def name(self) -> str:
        return self._keeper.name

    async def open(self, room: str, language: str, settings: RoomSettings) -> FallbackSession:
        """A room for which the big engine has no place is admitted all the same, with the spare alone."""
        spare = await self._spare.open(room, language, settings)
        session = FallbackSession(room, language, settings, self._keeper, spare, self._spare.name)
        await session.join()
        return session

    async def close(self) -> None:
        try:
            await self._keeper.close()
        finally:
            await self._spare.close()
