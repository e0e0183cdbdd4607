"""The senses of one room: level, spectrum, tagger, alarm patterns and episodes, one chunk after the other."""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from listener.errors import PerceiveError
from listener.perceive.level import is_clipping, level_dbfs
from listener.perceive.sounds.episodes import Episodes, Match
from listener.perceive.sounds.hearing import evidence, hearing_now
from listener.perceive.sounds.labels import LabelTable
from listener.perceive.spectrum import Spectrum
from listener.types import (
    Chunk,
    Control,
    Episode,
    Magnitudes,
    Percept,
    Scores,
    SetStrictness,
    Tagger,
    TaggerStream,
    Test,
)
from listener.vocabulary import TEST_LABEL, Flag

log = logging.getLogger(__name__)


class Patterns(Protocol):
    """Recognises temporal patterns in one room; see `AlarmPatterns`."""

    def step(self, magnitudes: Magnitudes) -> Sequence[Match]: ...


class RoomPerceiver:
    """Perceives one room. Its chunks come strictly one after the other, from whichever thread; `apply` from any.

    A tagger that fails does not take the alarm patterns with it: the chunk is perceived without it, and the percept
    says `degraded`. Failures are counted, and logged when they begin and when they are over.
    """

    def __init__(
        self,
        room: str,
        table: LabelTable,
        strictness: str,
        *,
        patterns: Callable[[], Patterns],
        pattern_hold_seconds: Mapping[str, float],
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """`patterns` makes a fresh recogniser; `pattern_hold_seconds` says how long after a match each label is over.

        Raises PerceiveError when no strictness has that name.
        """
        self._room = room
        self._table = table
        self._limits = table.steps[_known(strictness, table)]
        self._new_patterns = patterns
        self._episodes = Episodes(table, pattern_hold_seconds, new_id)
        self._controls: deque[SetStrictness | Test] = deque()  # append and popleft are atomic
        self._failing = 0
        self.tagger_failures = 0
        """Chunks that the tagger failed on, since the start."""
        self._forget()

    def perceive(self, chunk: Chunk, tagger: Tagger | None) -> Percept:
        """Hear the next chunk; `tagger` is the calling thread's own. Without one only the patterns are heard."""
        self._obey()
        magnitudes = self._spectrum.step(chunk.samples)
        matches = self._patterns.step(magnitudes)
        heard, flags = self._tag(magnitudes, tagger)
        scores = np.zeros(len(self._table.labels), np.float32) if heard is None else self._table.scores(heard)
        changes = self._episodes.step(chunk.t, scores, matches, self._limits)
        clipping = is_clipping(chunk.samples)
        return Percept(
            t=chunk.t,
            level_dbfs=round(level_dbfs(chunk.samples), 1),
            clipping=clipping,
            started=changes.started,
            ended=changes.ended,
            hearing=hearing_now(self._table, self._limits, scores, self._episodes),
            evidence=evidence(self._table, self._limits, self._episodes, chunk.t),
            flags=frozenset((*flags, "clipping") if clipping else flags),
        )

    def finish(self, t: float) -> tuple[Episode, ...]:
        """End whatever still sounds, and begin anew with the next chunk. Not while `perceive` is under way."""
        self._forget()
        return self._episodes.finish(t)

    def apply(self, control: Control) -> None:
        """Takes effect at the next chunk. Raises PerceiveError for a strictness or label that does not exist."""
        if isinstance(control, SetStrictness):
            _known(control.strictness, self._table)
            self._controls.append(control)
        elif isinstance(control, Test):
            if control.label not in (None, TEST_LABEL, *self._table.labels):
                raise PerceiveError(f"room {self._room}: no sound is called {control.label!r}, so none can be tested")
            self._controls.append(control)

    def _forget(self) -> None:
        self._spectrum = Spectrum()
        self._patterns = self._new_patterns()
        self._stream: TaggerStream | None = None

    def _obey(self) -> None:
        while self._controls:
            control = self._controls.popleft()
            if isinstance(control, SetStrictness):
                self._limits = self._table.steps[control.strictness]
            elif not self._episodes.test(control.label):
                log.info("room %s: a test of %s is going on already", self._room, control.label or TEST_LABEL)

    def _tag(self, magnitudes: Magnitudes, tagger: Tagger | None) -> tuple[Scores | None, tuple[Flag, ...]]:
        if tagger is None:
            self._stream = None
            return None, ("no_tagger",)
        try:
            if self._stream is None:
                self._stream = tagger.open()
            scores = tagger.step(self._stream, magnitudes)
        except PerceiveError as error:
            return None, self._tagger_failed(error)
        if self._failing:
            log.warning("room %s: the tagger works again after %d chunks", self._room, self._failing)
            self._failing = 0
        return scores, ()

    def _tagger_failed(self, error: PerceiveError) -> tuple[Flag, ...]:
        if not self._failing:
            log.error("room %s: %s; going on with the alarm patterns only", self._room, error)
        self._failing += 1
        self.tagger_failures += 1
        self._stream = None
        return ("degraded", "no_tagger")


def _known(strictness: str, table: LabelTable) -> str:
    if strictness not in table.steps:
        raise PerceiveError(f"no strictness is called {strictness!r}; there are {', '.join(table.steps)}")
    return strictness
