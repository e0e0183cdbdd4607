"""What an outbox hands to its journal, and gets back after a restart."""

from dataclasses import dataclass
from typing import Protocol

from listener.types import Message


@dataclass(frozen=True, slots=True)
class Kept:
    """One event that waits. `key` gives the order; `unix_seconds` is the wall clock when it was put (s since 1970)."""

    key: int
    message: Message
    unix_seconds: float


class Journal(Protocol):
    """Keeps events over a restart. Called on the event loop; nothing here waits for the disk."""

    def add(self, kept: Kept) -> None: ...

    def remove(self, key: int) -> None: ...

    def may_go(self, key: int, /) -> bool:
        """Whether the event is kept, so that it may be sent; also true when it cannot be kept, or not soon enough."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why events would not survive a restart; None while they do, or where nobody asked for it."""
        ...


class NoJournal:
    """Nothing is kept."""

    trouble = None

    def add(self, kept: Kept) -> None: ...

    def remove(self, key: int) -> None: ...

    def may_go(self, _key: int) -> bool:
        return True
