"""Builds what answers spoken commands, out of the configuration."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time as wall_time

from listener.config import Config, HomeConfig
from listener.decide.texts import load_texts
from listener.respond.answers import Answers, load_answers
from listener.respond.bell import Bell, Deliver
from listener.respond.conversation import Conversation
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
from listener.store.timers import SqliteTimers
from listener.types import SummaryReport

TIMERS_FILE = "timers.sqlite3"


@dataclass(frozen=True)
class Attention:
    """What the rooms share to answer commands. `quiet` says what may be spoken aloud."""

    responder: Responder
    quiet: Quiet
    answers: dict[str, Answers]
    voices: dict[str, RoomVoice]

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
        if config.summary is not None:
            scheduler.daily(config.summary.at, DailySummary(memory, publish_summary, local_now).tell)
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
        yield Attention(responder, quiet, answers, voices)


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
