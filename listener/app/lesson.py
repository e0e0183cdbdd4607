"""A lesson in a room: what has been heard of it, and how it went, in words."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from listener.perceive.sounds.offsets import near
from listener.perceive.sounds.taught import Lesson
from listener.types import CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, LearningReport, Percept, Samples
from listener.types.taught import LessonProgress, Quality, Take
from listener.types.teaching import LearningState

PAUSE_CHUNKS = 3
"""After we have spoken: the last second, which is what an embedding is about, must be without us."""

MARGIN_SECONDS = 0.4
KEPT_CHUNKS = 100
"""40 s of sound are at hand, so that a take can be cut out when it is over."""


@dataclass(slots=True)
class RoomLesson:
    """The lesson that is being held in one room. What we say ourselves in the room is kept from it."""

    name: str
    begun_at: str = ""
    lesson: Lesson = field(default_factory=Lesson)
    heard_anything: bool = False
    speaking: bool = False
    sounds: list[Samples] = field(default_factory=list)
    """Of each take, for who keeps them."""
    around: list[tuple[Chunk, ...]] = field(default_factory=list)
    """Of each take: the chunks that it and the seconds before and after it are in."""
    _listens: bool = False
    _pause: int = 0
    _chunks: deque[Chunk] = field(default_factory=lambda: deque(maxlen=KEPT_CHUNKS))

    def hear(self, chunk: Chunk, percept: Percept) -> LessonProgress | None:
        """The next chunk; None: nothing new to say."""
        self._chunks.append(chunk)
        if percept.sense is None:
            return None
        self.heard_anything = True
        self._pause = PAUSE_CHUNKS if self.speaking else max(0, self._pause - 1)
        progress = None if self._pause else self.lesson.hear(percept.sense, percept.hearing)
        if progress is not None and progress.take is not None:
            self.sounds.append(sound_of(progress.take, self._chunks))
            self.around.append(near(progress.take, self._chunks))
        return progress

    def begins_to_listen(self, progress: LessonProgress) -> bool:
        """True once: the room was quiet for long enough, and waits for the sound."""
        began, self._listens = self._listens, self._listens or progress.state == "listening"
        return self._listens and not began

    def report(self, room: str, progress: LessonProgress) -> LearningReport:
        state: LearningState = "be_quiet" if progress.state == "quiet" else "listening"
        heard, wanted = progress.takes, progress.wanted
        return LearningReport(room, state, self.name, heard, wanted, progress.message, self.begun_at)


def sound_of(take: Take, chunks: Sequence[Chunk]) -> Samples:
    """The sound of a take, 0.4 s before and after it, as far as it is in these chunks of one stream."""
    if not chunks:
        return np.zeros(0, np.float32)
    begin = chunks[0].t - CHUNK_SECONDS
    samples = np.concatenate([chunk.samples for chunk in chunks])
    first, last = (
        max(0, round((t - begin) * SAMPLE_RATE_HZ)) for t in (take.start - MARGIN_SECONDS, take.end + MARGIN_SECONDS)
    )
    cut: Samples = samples[first:last]
    return cut


def quality_in_words(quality: Quality) -> str:
    """How surely it will be known again, in one sentence and the warnings behind it."""
    words = [f"known again {quality.found} of {quality.takes} times, each example tried with the others"]
    if quality.background_seconds:
        words.append(f"mistaken for {quality.false_seconds:.1f} s of {quality.background_seconds:.0f} s of other sound")
    if quality.nearest:
        words.append(f"most like {quality.nearest}")
    return "; ".join((*words, *quality.warnings))
