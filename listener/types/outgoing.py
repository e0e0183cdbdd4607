"""Messages on their way to the broker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message on its way out. `kind` is what its loss is counted under; order is kept within a `room`.

    `qos` 1 stays in the outbox until it is acknowledged; 0 is telemetry and never gets there.
    """

    topic: str
    payload: bytes
    room: str = ""
    kind: str = "state"
    retain: bool = False
    qos: int = 1
    urgent: bool = False


class Outbox(Protocol):
    """Messages that wait for the broker's acknowledgement. Bounded, in order, and called from one thread.

    A retained message replaces an older one of its topic (the latest state is all that counts) and is never dropped;
    when there is no place, the oldest event that is not urgent goes, counted by its kind.
    """

    def put(self, message: Message) -> None: ...

    def take(self, events: bool) -> tuple[int, Message] | None:
        """The oldest message that is not in flight, with its key; without `events`, the oldest retained one."""
        ...

    def acknowledge(self, key: int) -> None:
        """The broker has it: forget it."""
        ...

    def refuse(self, key: int) -> None:
        """The broker will not have it: count it as dropped, and forget it."""
        ...

    def release(self) -> None:
        """The connection is lost: what was in flight is to be sent again, before everything else."""
        ...

    def on_ready(self, wake: Callable[[], None]) -> None:
        """`wake` is called when there is something to take that was not there, or not ready, when it was put."""
        ...

    def __len__(self) -> int:
        """Messages that wait or are in flight."""
        ...

    @property
    def drops(self) -> Mapping[str, int]:
        """How many messages were lost, by kind."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why messages would not survive a restart although they should; None while they do."""
        ...
