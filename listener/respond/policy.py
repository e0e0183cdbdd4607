"""Whether a command may be carried out: by room, intent, what it acts on, and the hour. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from listener.config import CommandsConfig, RoomCommands, parse_hours
from listener.respond.targets import DANGEROUS, DOORS, UNKNOWN, Targets
from listener.types import Intent
from listener.vocabulary import Verdict

ALWAYS: Final = frozenset({"ListenerStop", "ListenerNo", "HassNevermind"})
"""What makes us do less is never refused."""

MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict, why (for the event), and what to say (a key of `answers.yaml`)."""

    verdict: Verdict
    reason: str | None = None
    say: str | None = None


ACCEPTED: Final = Ruling("accepted")


def within(hours: Iterable[str], local: datetime) -> bool:
    """Whether the local time lies in one of the spans of hours; the first minute does, the last does not."""
    minute = local.hour * 60 + local.minute
    for span in map(parse_hours, hours):
        overnight = span.end_minute <= span.start_minute
        if local.weekday() in span.days and span.start_minute <= minute and (overnight or minute < span.end_minute):
            return True
        if overnight and minute < span.end_minute and (local - timedelta(days=1)).weekday() in span.days:
            return True
    return False


class Policy:
    """Rules on one command after the other. `local_intents` are those that act on nothing but ourselves."""

    def __init__(self, config: CommandsConfig, targets: Targets, local_intents: Iterable[str]) -> None:
        self._config = config
        self._targets = targets
        self._local = frozenset(local_intents)

    def rule(self, room: str, intent: Intent, local: datetime) -> Ruling:
        """`local` is the time on the wall. `unconfirmed` asks for a `yes`."""
        if intent.name in ALWAYS:
            return ACCEPTED
        there = self._config.rooms.get(room, RoomCommands())
        intents = self._config.intents if there.intents is None else there.intents
        if intents is not None and intent.name not in intents:
            return Ruling("denied", f"{intent.name} is not in commands.intents of this room", "denied")
        hours = self._config.hours if there.hours is None else there.hours
        if hours and not within(hours, local):
            return Ruling("denied", f"it is {local:%H:%M}; commands.hours are {', '.join(hours)}", "denied_hours")
        if "conversation_command" in intent.slots:  # Home Assistant's "do it in five minutes"
            return Ruling("denied", "commands cannot be put off", "not_later")
        if intent.name in self._local:
            return ACCEPTED
        return self._by_kinds(self._targets.kinds(intent), there)

    def _by_kinds(self, kinds: frozenset[str], there: RoomCommands) -> Ruling:
        if UNKNOWN in kinds:
            return Ruling("denied", "what it would act on is not in home.entities", "denied_unknown")
        opened = frozenset(self._config.dangerous if there.dangerous is None else there.dangerous)
        for kind in sorted(kinds & DANGEROUS - opened):
            return Ruling("denied", f"{kind} is denied unless commands.dangerous names it", "denied_dangerous")
        domains = self._config.domains if there.domains is None else there.domains
        for kind in sorted(kinds - DANGEROUS - {*domains}):
            return Ruling("denied", f"{kind} is not in commands.domains of this room", "denied")
        if kinds & DOORS and "cover" not in domains:
            return Ruling("denied", "cover is not in commands.domains of this room", "denied")
        if kinds & DANGEROUS:
            return Ruling("unconfirmed", f"waits for a yes: {', '.join(sorted(kinds & DANGEROUS))}", "confirm")
        return ACCEPTED


class RateLimit:
    """At most so many commands in any minute, per room, in seconds of audio."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._taken: dict[str, deque[float]] = {}

    def take(self, room: str, t: float) -> bool:
        """Count one more, if there is place for it."""
        taken = self._taken.setdefault(room, deque())
        while taken and taken[0] <= t - MINUTE_SECONDS:
            taken.popleft()
        if len(taken) >= self._per_minute:
            return False
        taken.append(t)
        return True
