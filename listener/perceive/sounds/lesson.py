"""A lesson: how a sound's examples are found in what is heard. Pure: it knows seconds of audio and no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from listener.types import CHUNK_SECONDS, Hearing
from listener.types.taught import DEFAULT_TAKES, LEVEL_SECONDS, Embedding, LessonProgress, LessonState, Sense, Take

QUIET_SECONDS: Final = 3.2
CALM_DB: Final = 15.0
"""What stands out so far of the quiet time was no quiet."""
STARTS_DB: Final = 4.0
"""Above the level that nine tenths of the quiet time stay below: something sounds."""
ACCEPTED_DB: Final = 6.0
FLOOR_DBFS: Final = -65.0
"""Below it nothing sounds, however quiet the room: a microphone's own noise."""
SHORTEST_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 0.8
LONGEST_SECONDS: Final = 6.0
WINDOW_SECONDS: Final = 1.0
"""What an embedding is about."""
COVERED: Final = 0.7
EMBEDDINGS: Final = 3
SURROUNDINGS: Final = 24
"""Embeddings of the background that are kept at most."""


@dataclass(slots=True)
class _Sounding:
    """A take in the making: senses since it began, and its levels of 50 ms."""

    start: float
    senses: list[Sense] = field(default_factory=list)
    loud: list[bool] = field(default_factory=list)
    heard_as: dict[str, float] = field(default_factory=dict)


class Lesson:
    """Takes the examples of one sound: first quiet, to know the background, then `wanted` takes with pauses between.

    Give it every sense, in order. What is too soft, too short or overloads the microphone is no take, and the
    progress says so.
    """

    def __init__(self, wanted: int = DEFAULT_TAKES) -> None:
        self.takes: list[Take] = []
        self.background: list[Embedding] = []
        self.background_dbfs: float | None = None
        """What nine tenths of the quiet time are below; None before that is over."""
        self.heard_as: list[Mapping[str, float]] = []
        """For each take: the labels that hearing gave it, with their best scores."""
        self._wanted = wanted
        self._quiet: list[Sense] = []
        self._sounding: _Sounding | None = None
        self._before: Sense | None = None

    @property
    def complete(self) -> bool:
        """There are as many takes as were wanted."""
        return len(self.takes) >= self._wanted

    def begin(self) -> LessonProgress:
        """What to do first."""
        return self._progress(f"be quiet for {QUIET_SECONDS:.0f} s: the room itself is listened to")

    def hear(self, sense: Sense, hearing: Sequence[Hearing] = ()) -> LessonProgress | None:
        """The next chunk, and what the room took it for (`Percept.hearing`). None: nothing new to say."""
        if self.complete:
            return None
        if self.background_dbfs is None:
            return self._listen_to_the_room(sense)
        found = self._follow(sense, hearing)
        self._before = sense
        return found

    def assume_background(self, background_dbfs: float, embeddings: Sequence[Embedding]) -> None:
        """Instead of the quiet time, where the background is known from elsewhere."""
        self.background_dbfs = background_dbfs
        self.background = list(embeddings[:SURROUNDINGS])

    def _listen_to_the_room(self, sense: Sense) -> LessonProgress | None:
        self._quiet.append(sense)
        if len(self._quiet) * CHUNK_SECONDS < QUIET_SECONDS - 1e-6:
            return None
        levels = [level for one in self._quiet for level in one.levels_dbfs]
        median = max(float(np.median(levels)), FLOOR_DBFS)
        if max(levels) > median + CALM_DB:
            self._quiet.clear()
            return self._progress(f"that was not quiet ({max(levels):.0f} dBFS): once more, for {QUIET_SECONDS:.0f} s")
        settled = self._quiet[2:]  # the first embeddings still have what came before in them
        self.assume_background(float(np.percentile(levels, 90)), [one.embedding for one in settled])
        return self._progress(
            f"the room is at {self.background_dbfs:.0f} dBFS; now make the sound {self._wanted} times, "
            "with a second of quiet between"
        )

    def _follow(self, sense: Sense, hearing: Sequence[Hearing]) -> LessonProgress | None:
        assert self.background_dbfs is not None
        threshold = max(self.background_dbfs + STARTS_DB, FLOOR_DBFS)
        loud = [level > threshold for level in sense.levels_dbfs]
        if self._sounding is None:
            if not any(loud):
                return None
            start = sense.t - CHUNK_SECONDS + loud.index(True) * LEVEL_SECONDS
            self._sounding = _Sounding(round(start, 3))
        take = self._sounding
        take.senses.append(sense)
        take.loud += loud
        for one in hearing:
            take.heard_as[one.label] = max(one.score, take.heard_as.get(one.label, 0.0))
        pause = len(take.loud) - (_last(take.loud) + 1)
        if pause * LEVEL_SECONDS < PAUSE_SECONDS and len(take.loud) * LEVEL_SECONDS < LONGEST_SECONDS + PAUSE_SECONDS:
            return None
        self._sounding = None
        return self._judge(take)

    def _judge(self, take: _Sounding) -> LessonProgress:
        assert self.background_dbfs is not None
        first, last = take.loud.index(True), _last(take.loud)
        seconds = (last - first + 1) * LEVEL_SECONDS
        levels = [level for sense in take.senses for level in sense.levels_dbfs]
        loudest = max(levels)
        said = f"{seconds:.1f} s, {loudest:.0f} dBFS"
        if any(sense.clipping for sense in take.senses):
            return self._progress(f"too loud ({said}): the microphone overloads; from further away, please")
        if loudest < max(self.background_dbfs + ACCEPTED_DB, FLOOR_DBFS):
            return self._progress(
                f"too soft ({said}; the room is at {self.background_dbfs:.0f} dBFS): nearer to the microphone, please"
            )
        if seconds < SHORTEST_SECONDS - 1e-6:
            return self._progress(f"too short ({said}): at least {SHORTEST_SECONDS:g} s are needed")
        end = take.start + seconds
        made = Take(clearest(take.senses, take.loud), round(seconds, 2), loudest, take.start, round(end, 3))
        self.takes.append(made)
        self.heard_as.append(take.heard_as)
        return self._progress(f"heard {len(self.takes)} of {self._wanted}: {said}", made)

    def _progress(self, message: str, take: Take | None = None) -> LessonProgress:
        state: LessonState = "complete" if self.complete else "quiet" if self.background_dbfs is None else "listening"
        return LessonProgress(state, len(self.takes), self._wanted, message, take)


def clearest(senses: Sequence[Sense], loud: Sequence[bool]) -> tuple[Embedding, ...]:
    """The embeddings of up to three chunks whose last second has most of the sound in it, spread over its length."""
    window, slots = round(WINDOW_SECONDS / LEVEL_SECONDS), round(CHUNK_SECONDS / LEVEL_SECONDS)
    covered = np.array([sum(loud[max(0, (i + 1) * slots - window) : (i + 1) * slots]) for i in range(len(senses))])
    good = np.flatnonzero(covered >= max(1.0, COVERED * covered.max()))
    chosen = good[np.unique(np.linspace(0, len(good) - 1, EMBEDDINGS).round().astype(int))]
    return tuple(senses[i].embedding for i in chosen)


def takes_in(senses: Sequence[Sense]) -> tuple[list[Take], list[Embedding], list[str]]:
    """The takes in a recording, its background, and messages about what in it is no take.

    A recording without quiet in it (a steady sound from end to end) is one take.
    """
    levels = np.array([level for sense in senses for level in sense.levels_dbfs])
    if not len(levels):
        return [], [], ["it is empty"]
    quiet_dbfs = max(float(np.percentile(levels, 10)) + 1.0, -120.0)
    calm = [one for one in senses if max(one.levels_dbfs) < quiet_dbfs + STARTS_DB]
    if float(levels.max()) < quiet_dbfs + CALM_DB / 2 or not calm:
        quiet_dbfs, calm = -120.0, []
    lesson = Lesson(wanted=1_000)
    lesson.assume_background(quiet_dbfs, [one.embedding for one in calm])
    messages = []
    for sense in (*senses, *_silence_after(senses)):
        progress = lesson.hear(sense)
        if progress is not None and progress.take is None:
            messages.append(f"at {sense.t:.1f} s: {progress.message}")
    if not lesson.takes and not messages:
        messages.append(f"nothing in it is louder than {FLOOR_DBFS:g} dBFS")
    return lesson.takes, lesson.background, messages


def _silence_after(senses: Sequence[Sense]) -> list[Sense]:
    """So that a sound which lasts to the end of a recording ends: no embedding of these chunks is ever used."""
    last = senses[-1]
    levels = (-120.0,) * len(last.levels_dbfs)
    return [Sense(round(last.t + CHUNK_SECONDS * n, 3), levels, False, last.embedding) for n in (1, 2, 3)]


def _last(loud: Sequence[bool]) -> int:
    """Index of the last True, -1 without one."""
    return max((i for i, one in enumerate(loud) if one), default=-1)
