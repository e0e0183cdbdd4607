"""One room: source -> perceive -> decide -> respond -> publish, every 0.4 s, for as long as the house stands."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, fields, replace
from time import monotonic_ns
from typing import Any, cast

from listener.errors import EngineError, PerceiveError
from listener.types import (
    Attend,
    Chunk,
    Clips,
    Command,
    Commander,
    Control,
    Ending,
    Hush,
    Know,
    Outage,
    Outcome,
    Perceiver,
    Percept,
    Pupil,
    Reply,
    RoomSettings,
    Say,
    Session,
    SetMode,
    SetMute,
    SetStrictness,
    SetThreshold,
    SettingsReport,
    SetVolume,
    Snooze,
    Speaker,
    SpeechPercept,
    Spoken,
    Stop,
    Supervisor,
    Teller,
    Test,
)
from listener.vocabulary import State

logger = logging.getLogger(__name__)

SHOW_SECONDS = 0.5
"""For the ears to end what sounds, which takes milliseconds, before a room shows that it hears no more."""


@dataclass(slots=True)
class Meter:
    """What a room counts."""

    chunks: int = 0
    failures: int = 0
    ages_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))
    """Of each chunk, from its last sample to its decision."""

    def take_ages(self) -> list[float]:
        """The ages since the last call; of the newest 1,000 chunks if nobody asked for 400 s."""
        ages = list(self.ages_seconds)
        self.ages_seconds.clear()
        return ages


@dataclass(frozen=True, slots=True)
class RoomParts:
    """What a room is made of, by the protocols of `types`; `app` builds the concrete classes."""

    slug: str
    source: Supervisor
    perceiver: Perceiver
    session: Session
    speaker: Speaker
    teller: Teller
    keep_settings: Callable[[str, RoomSettings], None]
    clips: Clips | None = None
    commander: Commander | None = None
    """Answers what is said; None where nobody does."""
    pupil: Pupil | None = None
    """Learns sounds and from mistakes; None where nobody does."""


class Room:
    """Runs one room until its sound ends for good. One room's failure stays in that room."""

    def __init__(self, parts: RoomParts, settings: RoomSettings, first_index: int = 0) -> None:
        self._parts = parts
        self._settings = settings
        self._next_index = first_index
        self._t = 0.0
        self._hears = False
        self._unmuted = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._answers: list[Reply] = []
        self.meter = Meter()
        if not settings.muted:
            self._unmuted.set()

    @property
    def slug(self) -> str:
        return self._parts.slug

    @property
    def next_index(self) -> int:
        """Of the chunk to come: whoever takes this room's place goes on there."""
        return self._next_index

    async def run(self) -> None:
        """Listen until the sound has ended for good; close the device while muted."""
        self._parts.teller.report(SettingsReport(self.slug, self._settings))
        speaking = asyncio.create_task(self._parts.speaker.run())
        try:
            while not await self._listen_until_muted():
                await self._end_and_show("muted", "the microphone is closed")
                await self._unmuted.wait()
        finally:
            await _cancelled(self._listening, speaking, *self._answering)
            await self._parts.session.close()

    async def _listen_until_muted(self) -> bool:
        """True when the sound has ended, False when the room was muted: then the device is closed."""
        if not self._unmuted.is_set():
            return False
        self._listening = asyncio.create_task(self.listen())
        await asyncio.wait([self._listening])
        if self._listening.cancelled():
            return False
        self._listening.result()
        return True

    async def listen(self) -> None:
        """Hear the source to its end, through whatever outages it has."""
        async with aclosing(cast(Any, self._parts.source.items(self._next_index))) as items:
            async for item in items:
                if isinstance(item, Outage):
                    await self._rest(item)
                else:
                    await self._hear(item)
        ending = await self._end_episodes()
        await self._attend(SpeechPercept(spoken=ending.spoken), live=False)
        for reply in self._answers:
            await self._parts.speaker.say(reply)
        self._answers = []

    async def close(self) -> None:
        """Give the engine's place back, after `listen`; `run` does so by itself."""
        await self._parts.session.close()

    async def _rest(self, outage: Outage) -> None:
        self._hears = False
        await self._end_and_show("no_audio", outage.detail)

    async def _end_and_show(self, state: State, detail: str) -> None:
        """First what sounds ends, then the state is shown; but it is not kept from anybody by ears that hang."""
        ending = asyncio.create_task(self._end_episodes())
        try:
            await asyncio.wait([ending], timeout=SHOW_SECONDS)
            self._parts.teller.show(state, detail)
            await ending
        finally:
            ending.cancel()

    async def _hear(self, chunk: Chunk) -> None:
        self._hears = True
        self._next_index = chunk.index + 1
        self._t = chunk.t
        self._parts.teller.at(chunk)
        percept = await self._perceive(chunk)
        if self._parts.clips is not None:
            self._parts.clips.heard(chunk, percept)
        if self._parts.pupil is not None:
            self._parts.pupil.heard(chunk, percept)
        outcome = await self._decide(chunk, percept)
        self._measure(chunk)
        live = chunk.monotonic_ns is not None
        if percept.speech is not None:
            await self._attend(percept.speech, live=live)
        answers, self._answers = self._answers, []
        self._parts.teller.heard(percept, _with_answers(outcome, answers))
        for reply in (outcome.reply, *answers):
            if reply is not None and live:
                self._parts.speaker.enqueue(reply)
            elif reply is not None:  # a recording on its own clock waits, so that its events have one order
                await self._parts.speaker.say(reply)

    async def _attend(self, speech: SpeechPercept, *, live: bool) -> None:
        """Answer what was said. Live sound goes on being heard meanwhile: the reply is that of a chunk to come."""
        if self._parts.commander is not None:
            self._parts.commander.note_speech(speech.speaking)
        if speech.woken is not None and self._settings.mode == "assistant":
            self._parts.speaker.apply(Hush())
        for spoken in speech.spoken:
            self._parts.teller.transcribed(spoken)
            if not (spoken.final and self._settings.mode == "assistant" and self._parts.commander is not None):
                continue
            answering = asyncio.create_task(self._answer(self._parts.commander, spoken))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
            if not live:
                await answering

    async def _answer(self, commander: Commander, spoken: Spoken) -> None:
        try:
            answer = await commander.answer(spoken, self._t)
        except Exception:  # whatever is wrong with commands, the room goes on hearing
            logger.exception("%s: what was said could not be answered; please report this", self.slug)
            return
        if answer.command is not None:
            facts = answer.command
            self._parts.teller.tell(Command, **{f.name: getattr(facts, f.name) for f in fields(facts)})
        for control in answer.controls:
            self.apply(control)
        if answer.reply is not None:
            self._answers.append(answer.reply)

    async def _perceive(self, chunk: Chunk) -> Percept:
        try:
            return await self._parts.perceiver.perceive(chunk)
        except PerceiveError as error:
            self._failed(error)
            return Percept(chunk.t, level_dbfs=-120.0, flags=frozenset({"degraded"}))

    async def _decide(self, chunk: Chunk, percept: Percept) -> Outcome:
        try:
            return await self._parts.session.step(chunk, percept)
        except EngineError as error:
            self._failed(error)
            return Outcome("silent", 0.0)

    def _failed(self, error: Exception) -> None:
        self.meter.failures += 1
        if self.meter.failures.bit_count() == 1:  # said at 1, 2, 4, 8 …, not 9,000 times an hour
            logger.error("%s: %d chunks could not be heard: %s", self.slug, self.meter.failures, error)

    def _measure(self, chunk: Chunk) -> None:
        self.meter.chunks += 1
        if chunk.monotonic_ns is not None:
            self.meter.ages_seconds.append((monotonic_ns() - chunk.monotonic_ns) / 1e9)

    async def _end_episodes(self) -> Ending:
        if self._parts.clips is not None:
            self._parts.clips.forget()
        ending = await self._parts.perceiver.finish(self._t)
        self._parts.teller.ended(ending.ended)
        if self._parts.pupil is not None:
            self._parts.pupil.ended(ending.ended)
        return ending

    def apply(self, control: Control) -> None:
        """Take over what a person asks for; settings are kept and reported."""
        match control:
            case SetMute(muted):
                self._mute(muted)
                self._keep(replace(self._settings, muted=muted))
            case SetStrictness(strictness):
                self._parts.perceiver.apply(control)
                self._keep(replace(self._settings, strictness=strictness))
            case SetThreshold(threshold):
                self._parts.session.apply(control)
                self._keep(replace(self._settings, threshold=threshold))
            case SetMode(mode):
                self._parts.perceiver.apply(control)
                self._parts.session.apply(control)
                self._keep(replace(self._settings, mode=mode))
            case Snooze():
                self._parts.session.apply(control)
            case Say() | SetVolume():
                self._parts.speaker.apply(control)
            case Stop():  # first what is spoken, then what would still be written
                self._parts.speaker.apply(control)
                self._parts.session.interrupt()
            case Know() | Attend():
                self._parts.perceiver.apply(control)
            case Test() if not self._hears:
                logger.warning("%s: no test now: the room hears nothing (see its status)", self.slug)
            case Test():
                self._parts.perceiver.apply(control)

    def enqueue(self, reply: Reply) -> None:
        """Say this too: a timer that rings."""
        self._parts.speaker.enqueue(reply)

    def _mute(self, muted: bool) -> None:
        if not muted:
            self._unmuted.set()
            return
        self._unmuted.clear()
        self._hears = False
        if self._listening is not None:
            self._listening.cancel()  # its way out closes the device

    def _keep(self, settings: RoomSettings) -> None:
        self._settings = settings
        self._parts.keep_settings(self.slug, settings)
        self._parts.teller.report(SettingsReport(self.slug, settings))


def _with_answers(outcome: Outcome, answers: list[Reply]) -> Outcome:
    """What was said and is answered decides as well, if nothing more urgent does."""
    if not answers or outcome.decision == "respond":
        return outcome
    return replace(outcome, decision="respond", probability=1.0, trigger="speech")


async def _cancelled(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
