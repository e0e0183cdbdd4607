"""What was heard that day: how often each sound started, room by room."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from listener.respond.memory import Memory
from listener.types import SummaryReport


class DailySummary:
    """Counts from one summary to the next; `since` is when the present ones began."""

    def __init__(self, memory: Memory, publish: Callable[[SummaryReport], None], local: Callable[[], datetime]) -> None:
        self._memory = memory
        self._publish = publish
        self._local = local
        self.since = local()

    def go_on(self, since: Any) -> None:
        """The counts began before a restart, at this time (RFC 3339). Raises ValueError for what is none."""
        self.since = _since_of(since, self._local())

    async def tell(self) -> None:
        now = self._local()
        rooms = self._memory.take_counts()
        report = SummaryReport(_rfc3339(self.since), _rfc3339(now), rooms)
        self.since = now
        self._publish(report)


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _since_of(text: Any, now: datetime) -> datetime:
    """When the counts began. Raises ValueError for what is no time, or one that has not come yet."""
    if not isinstance(text, str) or (since := datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError(f"{text!r:.40} is no time with its zone")
    if since > now:
        raise ValueError(f"{text} has not come yet")
    return since.astimezone(now.tzinfo)
