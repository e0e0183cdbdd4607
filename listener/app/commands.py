"""Builds what answers spoken commands, out of the configuration."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time as wall_time
from typing import TYPE_CHECKING

from listener.config import Config, HomeConfig, RoomConfig
from listener.decide.texts import load_texts
from listener.respond.answers import Answers, load_answers
from listener.respond.bell import Bell, Deliver
from listener.respond.conversation import Conversation
from listener.respond.day import Day
from listener.respond.memory import Memory
from listener.respond.quiet import Quiet
from listener.respond.responder import Responder, RoomVoice, local_now
from listener.respond.scheduler import Scheduler
from listener.respond.skills.clock import ClockSkill
from listener.respond.skills.talk import TalkSkill
from listener.respond.skills.timers import TimerSkill
from listener.respond.summary import DailySummary
from listener.respond.targets import Target, Targets
from listener.respond.timers import Timers
from listener.store.day import DayFile
from listener.store.timers import SqliteTimers
from listener.types import Answer, Commander, Intent, Spoken, SummaryReport

if TYPE_CHECKING:  # hassil is loaded where somebody listens for speech
    from listener.respond.commands import Commands

TIMERS_FILE = "timers.sqlite3"
DAY_FILE = "day.json"


@dataclass(frozen=True, slots=True)
class RoomCommander:
    """Commander of one room: understands a text as an intent, and has it answered."""

    slug: str
    area: str
    commands: "Commands"
    responder: Responder
    needed_confidence: Callable[[str], float]
    """By how the utterance was addressed."""

    def note_speech(self, speaking: bool) -> None:
        self.responder.note_speech(self.slug, speaking)

    async def answer(self, spoken: Spoken, t: float) -> Answer:
        """In a thread: understanding is a search through templates, and takes too long for the event loop."""
        sure = spoken.confidence >= self.needed_confidence(spoken.addressed)
        intent = await asyncio.to_thread(self._understand, spoken) if sure else None
        return await self.responder.hear(self.slug, intent, spoken, t)

    def _understand(self, spoken: Spoken) -> Intent | None:
        return self.commands.understand(spoken.text, spoken.confidence, self.area)


@dataclass(frozen=True)
class Attention:
    """What the rooms share to answer commands. `quiet` says what may be spoken aloud."""

    responder: Responder
    quiet: Quiet
    answers: dict[str, Answers]
    voices: dict[str, RoomVoice]
    commands: "Mapping[str, Commands]"
    """Who understands text, by language; empty where nobody listens for speech."""
    needed_confidence: Callable[[str], float]

    def commander(self, room: RoomConfig) -> Commander | None:
        """Who answers what is said in the room; None where nobody understands its language."""
        commands = self.commands.get(room.language)
        return (
            None
            if commands is None
            else RoomCommander(room.slug, room.name, commands, self.responder, self.needed_confidence)
        )

    def exchange(self, config: Config) -> None:
        """These are the rooms from now on. What may be done in them stays as it was. Raises ConfigError."""
        answers = room_answers(config)
        voices = room_voices(config, answers)
        self.answers.clear()
        self.answers.update(answers)
        self.voices.clear()
        self.voices.update(voices)


@asynccontextmanager
async def open_attention(
    config: Config,
    home: HomeConfig,
    state_folder: Path,
    new_id: Callable[[], str],
    deliver: Deliver,
    publish_summary: Callable[[SummaryReport], None],
) -> AsyncIterator[Attention]:
    """Answers commands while the block runs; timers from before ring through `deliver`, at once if they are due.

    `deliver` may be called at once, so it must wait until there are rooms. Raises ConfigError (a language).
    """
    answers = room_answers(config)
    voices = room_voices(config, answers)
    memory, quiet = Memory(), Quiet(config.quiet, wall_time, local_now)
    async with Scheduler() as scheduler:
        timers = Timers(SqliteTimers(state_folder / TIMERS_FILE), scheduler, Bell(answers, deliver).ring, wall_time)
        scheduler.when_clock_is_set(timers.clock_set)
        await timers.start()
        summary = DailySummary(memory, publish_summary, local_now)
        if config.summary is not None:
            scheduler.daily(config.summary.at, summary.tell)
        day = Day(DayFile(state_folder / DAY_FILE), memory, summary, quiet)
        await day.start()
        skills = (ClockSkill(), TimerSkill(timers, new_id), TalkSkill(memory, quiet))
        house = config.home_assistant if config.commands.act == "home_assistant" else None
        responder = Responder(
            voices,
            config.commands,
            Targets(map_targets(home)),
            skills,
            memory,
            new_id,
            None if house is None else Conversation(house),
            house is not None and house.pass_unrecognized,
        )
        commands = await asyncio.to_thread(load_commands, config)
        keeping = asyncio.create_task(day.run(), name="day")
        try:
            yield Attention(responder, quiet, answers, voices, commands, config.speech.needed_confidence)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
            await day.save()


def load_commands(config: Config) -> "dict[str, Commands]":
    """One for each language of the rooms, if anybody listens for speech. Raises ConfigError."""
    if not config.speech.enabled:
        return {}
    from listener.respond.commands import Commands
    from listener.sentences.loading import load_sentences

    languages = dict.fromkeys(room.language for room in config.rooms)
    commands = {language: Commands(load_sentences(language, config.home)) for language in languages}
    for of_language in commands.values():
        of_language.understand("stop")  # hassil reads its templates when they are first needed, which takes 0.3 s
    return commands


def room_answers(config: Config) -> dict[str, Answers]:
    """Of each room, by slug, in its language; rooms of one language share them. Raises ConfigError."""
    languages = dict.fromkeys(room.language for room in config.rooms)
    by_language = {code: load_answers(code, load_texts(code, {}).sounds) for code in languages}
    return {room.slug: by_language[room.language] for room in config.rooms}


def room_voices(config: Config, answers: Mapping[str, Answers]) -> dict[str, RoomVoice]:
    return {room.slug: RoomVoice(room.language, answers[room.slug]) for room in config.rooms}


def map_targets(home: HomeConfig) -> list[Target]:
    return [
        Target((entity.name, *entity.aliases), entity.domain, entity.area, entity.device_class)
        for entity in home.entities
    ]
