"""Where rooms learn: lessons, the sounds that were taught, and what people said was wrong."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from listener.app.lessons import Lessons, Links
from listener.app.relearning import relearn
from listener.app.taught import Taught
from listener.errors import ListenerError, StoreError
from listener.types import (
    Attend,
    Chunk,
    Control,
    Episode,
    Event,
    ForgetSound,
    Know,
    Learn,
    LearningReport,
    LearnNameReport,
    Percept,
    Pupil,
    RenameSound,
    Report,
    SetLearnName,
    Status,
    StopLearning,
    Teaching,
    UndoCorrection,
    Wrong,
)
from listener.types.taught import Knowledge

logger = logging.getLogger(__name__)

SAVE_REST_SECONDS = 5.0
"""Between two writes."""
HEARD_SECONDS = 300.0
"""What was only heard waits so long to be saved: a barking dog is an episode every few seconds, and the file is a
megabyte on a card that wears out. What could not be saved is tried again as often."""

Say = Callable[[str, str, Mapping[str, str]], None]


class Rooms(Protocol):
    """What the school needs of the house."""

    @property
    def slugs(self) -> Sequence[str]: ...

    def apply(self, slug: str, control: Control) -> None: ...


@dataclass(frozen=True)
class RoomPupil:
    """Implements `Pupil` for one room."""

    school: "School"
    slug: str

    def heard(self, chunk: Chunk, percept: Percept) -> None:
        self.school.heard(self.slug, chunk, percept)

    def ended(self, episodes: Sequence[Episode]) -> None:
        self.school.remember(self.slug, episodes)


class School:
    """`announce`: the names of what each room was taught, by slug and label, to whoever tells Home Assistant. `say`: a
    sentence in a room. Everything belongs to the event loop; only saving happens in a thread."""

    def __init__(
        self,
        taught: Taught,
        tell: Callable[[Report], None],
        announce: Callable[[Mapping[str, Mapping[str, str]]], None],
        say: Say,
    ) -> None:
        self._taught = taught
        self._tell = tell
        self._announce = announce
        self._rooms: Rooms | None = None
        self._names: dict[str, str] = {}
        self._told: dict[str, object] = {}
        """By room, what it knows of sounds and mistakes."""
        self._lessons = Lessons(taught, Links(tell, self._apply, say), self._learnt)
        self._unsaved = asyncio.Event()
        self._changes = self._saved_changes = 0

    @property
    def warning(self) -> str | None:
        """Why what is learnt would not survive a restart, for a person; None while it would."""
        return self._taught.store.warning

    def open(self, rooms: Rooms) -> None:
        """These are the rooms from now on: tell how everything stands in them."""
        self._rooms = rooms
        for gone in set(self._lessons.slugs).difference(rooms.slugs):
            self._lessons.stop(gone)
        self._announce(self._taught.names(rooms.slugs))
        for slug in rooms.slugs:
            self._tell(LearnNameReport(slug, self._names.get(slug, "")))
            if slug not in self._lessons:
                self._tell(LearningReport(slug, "idle"))
            self._tell(self._taught.taught_report(slug))
            self._tell(self._taught.corrections_report(slug))

    async def run(self) -> None:
        """Save what has changed, until cancelled; then end all lessons, and save once more if need be."""
        try:
            await asyncio.to_thread(self._taught.sweep)
            for done in await asyncio.to_thread(relearn, self._taught):
                self._changed(done)
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARD_SECONDS):
                        await self._unsaved.wait()
                self._unsaved.clear()
                if self._changes > self._saved_changes:
                    await self._save()
                await asyncio.sleep(SAVE_REST_SECONDS)
        finally:
            await self._lessons.close()
            if self._changes > self._saved_changes:
                await self._save()

    def controls(self, slug: str) -> tuple[Control, ...]:
        """What a room is to be told when it begins."""
        knowledge = self._taught.store.knowledge(slug)
        self._told[slug] = _what_matters(knowledge)
        attending = (Attend(True),) if slug in self._lessons else ()
        return ((Know(knowledge),) if knowledge else ()) + attending

    def pupil(self, slug: str) -> Pupil:
        return RoomPupil(self, slug)

    def teach(self, slug: str, teaching: Teaching) -> None:
        """Do what somebody asks of a room; what cannot be done is logged, and told on the room's topics."""
        logger.info("%s: %s", slug, teaching, extra={"room": slug})
        match teaching:
            case SetLearnName(name):
                self._name(slug, name)
            case Learn(name):
                self._lessons.begin(slug, self._names.get(slug, "") if name is None else name)
            case StopLearning():
                self._lessons.stop(slug)
            case RenameSound(old, new):
                self._change(slug, lambda: self._taught.rename(old, new), self._taught.taught_report)
            case ForgetSound(name):
                self._change(slug, lambda: self._taught.forget(name), self._taught.taught_report)
            case Wrong(episode, was):
                self._change(slug, lambda: self._taught.correct(slug, episode, was), self._taught.corrections_report)
            case UndoCorrection(correction):
                self._change(slug, lambda: self._taught.undo(correction, slug), self._taught.corrections_report)

    def publish(self, event: Event) -> None:
        """As a publisher: whether a room speaks, which its lesson must not take for an example."""
        if isinstance(event, Status):
            self._lessons.note_speaking(event.room, event.state == "speaking")

    def report(self, report: Report) -> None:
        """Nothing: reports are what we make."""

    def heard(self, slug: str, chunk: Chunk, percept: Percept) -> None:
        if percept.started or percept.ended:
            self.remember(slug, (*percept.started, *percept.ended))
        if percept.ordinary and self._taught.store.add_ordinary(slug, percept.ordinary):
            self._changes += 1
        self._lessons.heard(slug, chunk, percept)

    def remember(self, slug: str, episodes: Sequence[Episode]) -> None:
        if self._taught.remember(slug, episodes):
            self._changes += 1

    async def _save(self) -> None:
        changes = self._changes
        with suppress(StoreError):  # which is logged, and part of the health (`warning`)
            await asyncio.to_thread(self._taught.save)
            self._saved_changes = changes

    def _mark(self) -> None:
        self._changes += 1
        self._unsaved.set()

    def _name(self, slug: str, name: str) -> None:
        self._names[slug] = name
        self._tell(LearnNameReport(slug, name))

    def _learnt(self, slug: str, done: str) -> None:
        self._name(slug, "")
        self._changed(done)
        self._tell(self._taught.taught_report(slug, done))

    def _change(self, slug: str, change: Callable[[], str], report: Callable[[str, str], Report]) -> None:
        """Make the change, if it is possible, and answer on the room's topic."""
        try:
            done = change()
        except ListenerError as error:
            logger.warning("%s: %s; nothing was changed", slug, error, extra={"room": slug})
            self._tell(report(slug, f"{error}; nothing was changed"))
        else:
            self._changed(done)
            self._tell(report(slug, done))

    def _changed(self, done: str) -> None:
        """Rooms whom it concerns hear of it: taking it up costs 30 ms a sound, and ends those that sound."""
        logger.info("%s", done)
        self._mark()
        slugs = () if self._rooms is None else self._rooms.slugs
        self._announce(self._taught.names(slugs))
        for slug in slugs:
            knowledge = self._taught.store.knowledge(slug)
            known = _what_matters(knowledge)
            if self._told.get(slug, NOTHING) != known:
                self._told[slug] = known
                self._apply(slug, Know(knowledge))
            self._tell(self._taught.taught_report(slug))
            self._tell(self._taught.corrections_report(slug))

    def _apply(self, slug: str, control: Control) -> None:
        if self._rooms is not None and slug in self._rooms.slugs:
            self._rooms.apply(slug, control)


def _what_matters(knowledge: Knowledge) -> object:
    """Of what a room is to know, what is worth telling it anew: not every second of its everyday life."""
    return knowledge.corrections, tuple((sound.label, sound.takes) for sound in knowledge.sounds)


NOTHING = _what_matters(Knowledge())
