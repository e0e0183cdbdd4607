"""What was heard that day: how often each sound started, room by room."""

from collections.abc import Callable
from datetime import datetime

from listener.respond.memory import Memory
from listener.types import SummaryReport


class DailySummary:
    """Counts from one summary to the next; those of a day in which we were restarted begin at the restart."""

    def __init__(self, memory: Memory, publish: Callable[[SummaryReport], None], local: Callable[[], datetime]) -> None:
        self._memory = memory
        self._publish = publish
        self._local = local
        self._since = local()

    async def tell(self) -> None:
        now = self._local()
        rooms = self._memory.take_counts()
        report = SummaryReport(_rfc3339(self._since), _rfc3339(now), rooms)
        self._since = now
        self._publish(report)


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
