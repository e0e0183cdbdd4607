"""What the day has brought so far, kept over a restart: the summary's counts, and how long rooms are to be quiet."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from listener.respond.memory import Memory
from listener.respond.quiet import Quiet
from listener.respond.summary import DailySummary

logger = logging.getLogger(__name__)

SAVE_SECONDS: Final = 60.0
"""A crash costs the counts of so long; who asks us to be quiet is saved at once."""


class Keeper(Protocol):
    """Where it is kept. Both calls wait for the disk and raise nothing."""

    def load(self) -> Mapping[str, Any]: ...

    def save(self, day: Mapping[str, Any]) -> bool:
        """False when it was not saved; who kept it has said why."""
        ...


class Day:
    """Saves what changes while it runs, and takes up what was there before. Lives in the event loop."""

    def __init__(
        self, keeper: Keeper, memory: Memory, summary: DailySummary, quiet: Quiet, save_seconds: float = SAVE_SECONDS
    ) -> None:
        self._keeper = keeper
        self._memory = memory
        self._summary = summary
        self._quiet = quiet
        self._save_seconds = save_seconds
        self._saved: Mapping[str, Any] = {}

    async def start(self) -> None:
        """Go on where the last run ended. What makes no sense in the file is named in the log, and left out."""
        kept = await asyncio.to_thread(self._keeper.load)
        self._take(kept, "since", self._summary.go_on)
        self._take(kept, "counts", self._memory.add_counts)
        self._take(kept, "quiet_until", self._quiet.go_on)
        self._saved = self._now()

    async def run(self) -> None:
        """Save once a minute, and at once when somebody has asked for quiet; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._save_seconds):
                    await self._quiet.asked.wait()
            except TimeoutError:
                pass
            self._quiet.asked.clear()
            await self.save()

    async def save(self) -> None:
        """If anything has changed since the last time."""
        day = self._now()
        if day != self._saved and await asyncio.to_thread(self._keeper.save, day):
            self._saved = day

    def _now(self) -> dict[str, Any]:
        return {
            "since": self._summary.since.isoformat(),
            "counts": self._memory.counts(),
            "quiet_until": self._quiet.until(),
        }

    @staticmethod
    def _take(kept: Mapping[str, Any], key: str, go_on: Callable[[Any], None]) -> None:
        if key not in kept:
            return
        try:
            go_on(kept[key])
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            logger.warning("what was kept of the day: %s makes no sense (%s) and is left out", key, error)
