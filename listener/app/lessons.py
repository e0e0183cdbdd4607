"""The lessons that are being held, one a room at most: how each begins, goes on, is judged and ends."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from listener.app.lesson import RoomLesson, quality_in_words
from listener.app.taught import Taught, made_of
from listener.errors import ListenerError, PerceiveError
from listener.types import Attend, Chunk, Control, LearningReport, Percept, Report
from listener.types.taught import LessonProgress

logger = logging.getLogger(__name__)

LESSON_SECONDS = 180.0
"""Of wall-clock time, for a room whose sound has stopped must end its lesson too."""


SPOKEN = {
    "too soft": "learn_louder",
    "too loud": "learn_softer",
    "too short": "learn_longer",
    "that was not": "learn_quiet",
}
"""Sentences of answers.yaml by how the lesson's own begin."""


def _say_nothing(_slug: str, _key: str, _places: Mapping[str, str]) -> None:
    """Nobody speaks."""


@dataclass(frozen=True)
class Links:
    """Whom lessons speak to. `apply`: to a room, if it is there. `say`: a sentence of answers.yaml with its places."""

    tell: Callable[[Report], None]
    apply: Callable[[str, Control], None]
    say: Callable[[str, str, Mapping[str, str]], None] = _say_nothing


class Lessons:
    """`on_learnt` is called with the room's slug and what to say when a sound was taken up. Belongs to the event loop;
    judging a sound happens in a thread."""

    def __init__(
        self,
        taught: Taught,
        links: Links,
        on_learnt: Callable[[str, str], None],
        limit_seconds: float = LESSON_SECONDS,
    ) -> None:
        self._taught = taught
        self._links = links
        self._on_learnt = on_learnt
        self._limit_seconds = limit_seconds
        self._held: dict[str, RoomLesson] = {}
        self._limits: dict[str, asyncio.TimerHandle] = {}
        self._judging: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, LearningReport] = {}
        """The last of each room."""

    def __contains__(self, slug: str) -> bool:
        return slug in self._held

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(self._held)

    def begin(self, slug: str, name: str) -> None:
        if slug in self._held or slug in self._judging:
            self._decline(slug, name)
            return
        held = RoomLesson(name, self._taught.stamps.next())
        try:
            self._taught.label(name)
        except PerceiveError as error:
            self._refuse(slug, held, str(error))
            return
        self._held[slug] = held
        self._links.apply(slug, Attend(True))
        self._limits[slug] = asyncio.get_running_loop().call_later(self._limit_seconds, self._time_is_up, slug)
        self._links.say(slug, "learn_quiet", {})
        self._tell(held.report(slug, held.lesson.begin()))

    def _decline(self, slug: str, name: str) -> None:
        """Another one while a lesson is held, which goes on: only its `detail` says so, until it has news again."""
        told = self._told[slug]
        why = f"{name or 'another sound'} was not begun: {told.name} is being learnt; end that first (`Stop learning`)"
        logger.warning("%s: %s", slug, why, extra={"room": slug})
        self._tell(replace(told, detail=why))

    def stop(self, slug: str) -> None:
        """Nothing is learnt."""
        if (held := self._end(slug)) is not None:
            self._tell(LearningReport(slug, "idle", held.name, detail="the lesson was ended", begun_at=held.begun_at))

    def note_speaking(self, slug: str, speaking: bool) -> None:
        if (held := self._held.get(slug)) is not None:
            held.speaking = speaking

    def heard(self, slug: str, chunk: Chunk, percept: Percept) -> None:
        held = self._held.get(slug)
        if held is not None and (progress := held.hear(chunk, percept)) is not None:
            self._go_on(slug, held, progress)

    async def close(self) -> None:
        """End them all; a sound that is being judged is not taken up any more."""
        for slug in self.slugs:
            self._end(slug)
        judging = tuple(self._judging.values())
        for task in judging:
            task.cancel()
        await asyncio.gather(*judging, return_exceptions=True)

    def _go_on(self, slug: str, held: RoomLesson, progress: LessonProgress) -> None:
        self._tell(held.report(slug, progress))
        if progress.state == "complete":
            self._end(slug)
            self._judging[slug] = asyncio.create_task(self._judge(slug, held))
        elif progress.take is not None:
            self._links.say(slug, "learn_heard", {"number": str(progress.takes), "of": str(progress.wanted)})
        elif held.begins_to_listen(progress):
            self._links.say(slug, "learn_now", {"number": str(progress.wanted)})
        else:
            for beginning, key in SPOKEN.items():
                if progress.message.startswith(beginning):
                    self._links.say(slug, key, {})

    async def _judge(self, slug: str, held: RoomLesson) -> None:
        """Take the sound up if it can be told from others."""
        try:
            sound, quality = await asyncio.to_thread(made_of, self._taught, slug, held)
            if quality.refusal is None:
                await asyncio.to_thread(self._taught.keep, sound, held.sounds)
                count, words = len(sound.takes), quality_in_words(quality)
                self._on_learnt(slug, f"{sound.name} was learnt: {words}")
                # Last: whoever waits for it may ask for a change at once, and would take the above for the answer.
                self._tell(LearningReport(slug, "accepted", sound.name, count, count, words, held.begun_at))
                self._links.say(slug, "learnt", {"name": sound.name})
            else:
                self._refuse(slug, held, quality.refusal)
        except ListenerError as error:
            self._refuse(slug, held, str(error))
        except Exception:  # a lesson must not hang for ever because of a fault of ours
            logger.exception("%s: %r could not be learnt; please report this", slug, held.name)
            self._refuse(slug, held, "a fault of ours, which the log describes")
        finally:
            self._judging.pop(slug, None)

    def _time_is_up(self, slug: str) -> None:
        if (held := self._end(slug)) is not None:
            takes, minutes = len(held.lesson.takes), self._limit_seconds / 60
            why = "" if held.heard_anything else "; the room hears nothing: is it muted, or its microphone away?"
            self._refuse(slug, held, f"only {takes} examples were heard in {minutes:.2g} minutes{why}")

    def _tell(self, report: LearningReport) -> None:
        self._told[report.room] = report
        self._links.tell(report)

    def _end(self, slug: str) -> RoomLesson | None:
        held = self._held.pop(slug, None)
        if held is not None:
            self._limits.pop(slug).cancel()
            self._links.apply(slug, Attend(False))
        return held

    def _refuse(self, slug: str, held: RoomLesson, why: str) -> None:
        logger.warning("%s: %r was not learnt: %s", slug, held.name, why, extra={"room": slug})
        self._tell(LearningReport(slug, "refused", held.name, detail=why, begun_at=held.begun_at))
        if held.name:
            self._links.say(slug, "learnt_not", {"name": held.name})
