"""A dangerous command that waits for a `yes`, one per room. Pure: in seconds of audio."""

from dataclasses import dataclass, replace

from listener.types import Intent


@dataclass(frozen=True, slots=True)
class Waiting:
    """`command_id` is that of the `unconfirmed` event; the confirmed one has it too. `reply_id` is our question's."""

    command_id: str
    reply_id: str
    intent: Intent
    until: float


class Confirmations:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[str, Waiting] = {}

    def ask(self, room: str, command_id: str, reply_id: str, intent: Intent, t: float) -> None:
        """Wait from `t` on; what waited before is forgotten."""
        self._waiting[room] = Waiting(command_id, reply_id, intent, t + self._seconds)

    def asked_aloud(self, room: str, reply_id: str, t: float) -> None:
        """Our question has been said to its end: the time to answer it begins now."""
        waiting = self._waiting.get(room)
        if waiting is not None and waiting.reply_id == reply_id:
            self._waiting[room] = replace(waiting, until=t + self._seconds)

    def take(self, room: str, started: float) -> Waiting | None:
        """What waits, if somebody began to answer in time; either way it waits no longer."""
        waiting = self._waiting.pop(room, None)
        return waiting if waiting is not None and started <= waiting.until else None
