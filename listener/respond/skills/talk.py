"""What is about ourselves: stop, repeat that, what did you hear, be quiet for an hour, volume."""

from collections.abc import Awaitable, Callable

from listener.respond.memory import HeardSound, Memory
from listener.respond.quiet import LONGEST_SECONDS, Quiet
from listener.respond.skills.skill import Ask, Said
from listener.types import SetVolume, Stop

QUIET_SECONDS = 3_600.0
"""If nobody said for how long."""

VOLUME_STEP = 0.15
SOUNDS_TOLD = 3
JUST_NOW_SECONDS = 20.0


class TalkSkill:
    def __init__(self, memory: Memory, quiet: Quiet) -> None:
        self._memory = memory
        self._quiet = quiet
        self._answers: dict[str, Callable[[Ask], Awaitable[Said]]] = {
            "ListenerStop": self._stop,
            "ListenerRepeat": self._repeat,
            "ListenerWhatHeard": self._what_heard,
            "ListenerQuiet": self._be_quiet,
            "ListenerVolume": self._volume,
        }

    @property
    def intents(self) -> frozenset[str]:
        return frozenset(self._answers)

    async def answer(self, ask: Ask) -> Said:
        return await self._answers[ask.intent.name](ask)

    async def _stop(self, _ask: Ask) -> Said:
        return Said(controls=(Stop(),))

    async def _repeat(self, ask: Ask) -> Said:
        return Said(self._memory.room(ask.room).said or ask.answers.say("nothing_said"))

    async def _what_heard(self, ask: Ask) -> Said:
        recent = self._memory.recent(ask.room, ask.t, SOUNDS_TOLD)
        if not recent:
            return Said(ask.answers.say("heard_nothing"))
        told = [self._told(ask, sound) for sound in recent]
        return Said(ask.answers.say("heard", sounds=ask.answers.words.joined(told)))

    def _told(self, ask: Ask, sound: HeardSound) -> str:
        name, passed_seconds = ask.answers.sound(sound.label), ask.t - sound.t
        if passed_seconds < JUST_NOW_SECONDS:
            return ask.answers.part("heard_now", sound=name)
        return ask.answers.part("heard_ago", sound=name, ago=ask.answers.words.ago(passed_seconds))

    async def _be_quiet(self, ask: Ask) -> Said:
        seconds = min(ask.seconds() or QUIET_SECONDS, LONGEST_SECONDS)
        self._quiet.ask(ask.room, seconds)
        return Said(ask.answers.say("quiet", length=ask.answers.words.length(seconds)))

    async def _volume(self, ask: Ask) -> Said:
        percent = ask.number("volume_level")
        if percent is not None:
            percent = min(max(percent, 0.0), 100.0)
            said = ask.answers.say("volume", number=ask.answers.words.number(round(percent)))
            return Said(said, (SetVolume(percent / 100),))
        down = str(ask.intent.slots.get("step", "up")) == "down"
        step = -VOLUME_STEP if down else VOLUME_STEP
        return Said(ask.answers.say("quieter" if down else "louder"), (SetVolume(step=step),))
