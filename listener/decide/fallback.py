"""If the big engine fails, another takes over within the same chunk, and says so.

Both follow every chunk, so that the spare knows what sounds when it is needed; it is cheap. What it would answer while
the big engine is well is not said.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from listener.errors import EngineError
from listener.types import Chunk, Control, Engine, Outcome, Percept, RoomSettings, Session

logger = logging.getLogger(__name__)

LATE_SECONDS: Final = 2.0
"""A live chunk that is not decided after so long counts as failed: five chunks have come since."""
FAILURES_BEFORE_REST: Final = 3
FIRST_REST_CHUNKS: Final = 75
LONGEST_REST_CHUNKS: Final = 1_500
"""30 s at first, doubled up to 10 min: how long an engine that keeps failing is left alone."""


class FallbackSession:
    """One room with both engines. `primary` is None when the big one had no place for it."""

    def __init__(self, room: str, primary: Session | None, spare: Session, spare_name: str) -> None:
        self._room = room
        self._primary = primary
        self._spare = spare
        self._spare_name = spare_name
        self._failures = 0
        self._rest_chunks = 0
        self._next_rest_chunks = FIRST_REST_CHUNKS

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        """Never fails because of the big engine. Raises EngineError of the spare."""
        spare = await self._spare.step(chunk, percept)
        outcome = await self._big(chunk, percept)
        return outcome or replace(spare, engine=self._spare_name, flags=spare.flags | {"degraded"})

    async def _big(self, chunk: Chunk, percept: Percept) -> Outcome | None:
        if self._primary is None:
            return None
        if self._rest_chunks > 0:
            self._rest_chunks -= 1
            return None
        try:
            async with asyncio.timeout(None if chunk.monotonic_ns is None else LATE_SECONDS):
                outcome = await self._primary.step(chunk, percept)
        except EngineError as error:
            self._failed(str(error))
        except TimeoutError:
            self._failed(f"no decision within {LATE_SECONDS:g} s")
        else:
            self._recovered()
            return outcome
        return None

    def _failed(self, why: str) -> None:
        self._failures += 1
        if self._failures.bit_count() == 1:  # said at 1, 2, 4, 8 …
            logger.error("%s: %s decides (%d failures): %s", self._room, self._spare_name, self._failures, why)
        if self._failures >= FAILURES_BEFORE_REST:
            self._rest_chunks = self._next_rest_chunks
            self._next_rest_chunks = min(2 * self._next_rest_chunks, LONGEST_REST_CHUNKS)

    def _recovered(self) -> None:
        if self._failures:
            logger.warning("%s: %s no longer has to decide", self._room, self._spare_name)
        self._failures, self._next_rest_chunks = 0, FIRST_REST_CHUNKS

    def apply(self, control: Control) -> None:
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


class Missing:
    """`Engine` of `listener.types` that could not be built, and says why to every room that asks."""

    def __init__(self, name: str, why: str) -> None:
        self._name = name
        self._why = why

    @property
    def name(self) -> str:
        return self._name

    async def open(self, room: str, language: str, settings: RoomSettings) -> Session:  # noqa: ARG002
        raise EngineError(self._why)

    async def close(self) -> None:
        """Nothing is held."""


class Fallback:
    """`Engine` of `listener.types` out of two."""

    def __init__(self, primary: Engine, spare: Engine) -> None:
        self._primary = primary
        self._spare = spare

    @property
    def name(self) -> str:
        return self._primary.name

    async def open(self, room: str, language: str, settings: RoomSettings) -> FallbackSession:
        """A room for which the big engine has no place is admitted all the same, with the spare alone."""
        spare = await self._spare.open(room, language, settings)
        primary: Session | None = None
        try:
            primary = await self._primary.open(room, language, settings)
        except EngineError as error:
            logger.error("%s: %s decides: %s", room, self._spare.name, error)
        return FallbackSession(room, primary, spare, self._spare.name)

    async def close(self) -> None:
        try:
            await self._primary.close()
        finally:
            await self._spare.close()
