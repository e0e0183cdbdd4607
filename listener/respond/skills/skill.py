"""What a skill is asked and what it says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from listener.respond.answers import Answers
from listener.types import Control, Intent


@dataclass(frozen=True, slots=True)
class Ask:
    """One command for a skill. `t` is seconds of audio of the room, `local` the time on the wall."""

    room: str
    intent: Intent
    t: float
    local: datetime
    answers: Answers

    def number(self, slot: str) -> float | None:
        """The slot as a number; None if it is not there or is none."""
        try:
            return float(self.intent.slots[slot])
        except (KeyError, ValueError):
            return None

    def seconds(self, prefix: str = "") -> float:
        """The length in the slots `hours`, `minutes` and `seconds`; 0.0 without any."""
        units = {"hours": 3_600, "minutes": 60, "seconds": 1}
        return sum((self.number(prefix + unit) or 0.0) * seconds for unit, seconds in units.items())


@dataclass(frozen=True, slots=True)
class Said:
    """What to say (None: nothing) and what to change."""

    text: str | None = None
    controls: tuple[Control, ...] = ()


class Skill(Protocol):
    @property
    def intents(self) -> frozenset[str]:
        """The intents that it answers."""
        ...

    async def answer(self, ask: Ask) -> Said: ...
