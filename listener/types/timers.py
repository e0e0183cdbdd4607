"""Timers and reminders that a person set by voice, and where they are kept."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Timer:
    """`due` is seconds since 1970, UTC, and None while paused; then `left_seconds` is what remains.

    `seconds` is the length that was asked for: people call a timer by it. `name` is empty if it has none; a
    reminder's name is what to be reminded of.
    """

    id: str
    room: str
    kind: Literal["timer", "reminder"]
    name: str
    seconds: float
    due: float | None
    left_seconds: float = 0.0

    def remaining(self, now: float) -> float:
        return self.left_seconds if self.due is None else max(self.due - now, 0.0)


class TimerStore(Protocol):
    """Keeps timers over a crash. Each call waits for the disk and raises StoreError when that fails."""

    def load(self) -> list[Timer]:
        """All timers that have not rung, in the order in which they ring; paused ones last."""
        ...

    def put(self, timer: Timer) -> None:
        """On disk when this returns; replaces the timer of that id."""
        ...

    def delete(self, timer_id: str) -> None: ...
