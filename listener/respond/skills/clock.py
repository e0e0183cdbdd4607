"""What time and what day it is."""

from listener.respond.skills.skill import Ask, Said


class ClockSkill:
    intents = frozenset({"HassGetCurrentTime", "HassGetCurrentDate"})

    async def answer(self, ask: Ask) -> Said:
        words = ask.answers.words
        if ask.intent.name == "HassGetCurrentTime":
            return Said(ask.answers.say("time", clock=words.clock(ask.local.time())))
        return Said(ask.answers.say("date", date=words.date(ask.local.date())))
