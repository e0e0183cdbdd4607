"""Timers and reminders by voice: set, list, cancel, pause, resume, add or take away time."""

import math
from collections.abc import Awaitable, Callable

from listener.respond.answers import Answers
from listener.respond.skills.skill import Ask, Said
from listener.respond.timers import MAX_SECONDS, MAX_TIMERS, TimerQuery, Timers
from listener.types import Timer

MAX_NAME_CHARACTERS = 200
MAX_TOLD = 5
"""Timers that are told in one answer; nobody remembers more."""


def described(timer: Timer, answers: Answers) -> str:
    """`pasta timer`, `timer for nine minutes`, `reminder to call mom`"""
    if timer.kind == "reminder":
        return answers.part("a_reminder", name=timer.name)
    if timer.name:
        return answers.part("a_named_timer", name=timer.name, Name=_capital(timer.name))
    return answers.part("a_timer", length=answers.words.length(timer.seconds))


def ring_text(timer: Timer, late_seconds: float, answers: Answers) -> str:
    """What is said when it rings; more than a minute late, that too."""
    words = answers.words
    if timer.kind == "reminder":
        text = answers.say("ring_reminder", name=timer.name)
    elif timer.name:
        text = answers.say("ring_named", name=timer.name, Name=_capital(timer.name))
    else:
        text = answers.say("ring", length=words.length(timer.seconds))
    return text if late_seconds < 60 else f"{text} {answers.say('ring_late', ago=words.ago(late_seconds))}"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


class TimerSkill:
    def __init__(self, timers: Timers, new_id: Callable[[], str]) -> None:
        self._timers = timers
        self._new_id = new_id
        self._with_one: dict[str, Callable[[Ask, Timer], Awaitable[str]]] = {
            "HassCancelTimer": self._cancel,
            "HassPauseTimer": self._pause,
            "HassUnpauseTimer": self._resume,
            "HassIncreaseTimer": self._extend,
            "HassDecreaseTimer": self._extend,
        }

    @property
    def intents(self) -> frozenset[str]:
        others = {"HassStartTimer", "ListenerReminder", "HassTimerStatus", "HassCancelAllTimers"}
        return frozenset({*self._with_one, *others})

    async def answer(self, ask: Ask) -> Said:
        match ask.intent.name:
            case "HassStartTimer" | "ListenerReminder":
                return Said(await self._set(ask))
            case "HassTimerStatus":
                return Said(self._status(ask))
            case "HassCancelAllTimers":
                return Said(await self._cancel_all(ask))
        return Said(await self._one(ask))

    async def _set(self, ask: Ask) -> str:
        seconds, say = ask.seconds(), ask.answers.say
        if not math.isfinite(seconds) or seconds <= 0:
            return say("timer_how_long")
        if seconds > MAX_SECONDS:
            return say("timer_too_long", length=ask.answers.words.length(MAX_SECONDS))
        if len(self._timers.running()) >= MAX_TIMERS:
            return say("timers_full", number=ask.answers.words.number(MAX_TIMERS))
        return await self._set_for(ask, seconds)

    async def _set_for(self, ask: Ask, seconds: float) -> str:
        reminder = ask.intent.name == "ListenerReminder" and "text" in ask.intent.slots
        name = str(ask.intent.slots.get("text" if reminder else "name", "")).strip()[:MAX_NAME_CHARACTERS]
        saved = await self._timers.add(self._new_id(), ask.room, "reminder" if reminder else "timer", name, seconds)
        key = "reminder_set" if reminder else "timer_set_named" if name else "timer_set"
        words = ask.answers.words
        said = ask.answers.say(
            key, name=name, Name=_capital(name), length=words.length(seconds), ago=words.ago_exactly(seconds)
        )
        return said if saved else f"{said} {ask.answers.say('timer_unsaved')}"

    def _status(self, ask: Ask) -> str:
        timers = self._timers.find(ask.room, _query(ask), ("timer", "reminder"))
        if not timers:
            return ask.answers.say("timers_none" if not self._timers.running() else "timer_unknown")
        return " ".join(self._left(ask, timer) for timer in timers[:MAX_TOLD])

    def _left(self, ask: Ask, timer: Timer) -> str:
        key = "timer_left_paused" if timer.due is None else "timer_left"
        return self._told(ask, key, timer)

    def _told(self, ask: Ask, key: str, timer: Timer) -> str:
        length = ask.answers.words.length(timer.remaining(self._timers.now()))
        return ask.answers.say(key, timer=described(timer, ask.answers), length=length)

    async def _one(self, ask: Ask) -> str:
        """For what is done with one timer: it must be clear with which."""
        found = self._timers.find(ask.room, _query(ask))
        if not found:
            return ask.answers.say("timers_none" if not self._timers.running() else "timer_unknown")
        if len(found) > 1:
            names = ask.answers.words.joined([described(timer, ask.answers) for timer in found[:MAX_TOLD]])
            return ask.answers.say("timer_which", timers=names)
        return await self._with_one[ask.intent.name](ask, found[0])

    async def _cancel(self, ask: Ask, timer: Timer) -> str:
        await self._timers.cancel(timer)
        return self._told(ask, "timer_cancelled", timer)

    async def _cancel_all(self, ask: Ask) -> str:
        timers = [timer for timer in self._timers.running() if timer.kind == "timer"]
        for timer in timers:
            await self._timers.cancel(timer)
        if not timers:
            return ask.answers.say("timers_none")
        return ask.answers.say("timers_cancelled")

    async def _pause(self, ask: Ask, timer: Timer) -> str:
        return self._told(ask, "timer_paused", await self._timers.pause(timer))

    async def _resume(self, ask: Ask, timer: Timer) -> str:
        return self._told(ask, "timer_resumed", await self._timers.resume(timer))

    async def _extend(self, ask: Ask, timer: Timer) -> str:
        seconds = ask.seconds()
        if not math.isfinite(seconds) or seconds <= 0:
            return ask.answers.say("timer_how_long")
        changed = await self._timers.extend(timer, seconds if ask.intent.name == "HassIncreaseTimer" else -seconds)
        return self._left(ask, changed)


def _query(ask: Ask) -> TimerQuery:
    return TimerQuery(str(ask.intent.slots.get("name", "")).strip(), ask.seconds("start_"))
