"""The senses of one room: level, spectrum, tagger, alarm patterns and episodes, one chunk after the other."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from listener.errors import PerceiveError
from listener.perceive.controls import WaitingControls
from listener.perceive.level import is_clipping, level_dbfs
from listener.perceive.own_sounds import OwnSounds
from listener.perceive.sounds.episodes import Changes, Episodes, Match, Refusal
from listener.perceive.sounds.hearing import evidence, hearing_now, with_taught
from listener.perceive.sounds.labels import LabelTable
from listener.perceive.spectrum import Spectrum
from listener.types import (
    Attend,
    Chunk,
    Control,
    Ending,
    Episode,
    Hearing,
    Know,
    Magnitudes,
    OwnVoice,
    Percept,
    SetStrictness,
    SpeechPercept,
    Spoken,
    Tagger,
    TaggerStream,
    Test,
)
from listener.types.taught import Embedding, Knowledge, Sense
from listener.vocabulary import TEST_LABEL, Flag

CALM: Final = 0.5
"""Part of a label's threshold below which nothing begins."""
CALM_DB: Final = 3.0

log = logging.getLogger(__name__)


class Patterns(Protocol):
    """Recognises temporal patterns in one room; see `AlarmPatterns`."""

    def step(self, magnitudes: Magnitudes) -> Sequence[Match]: ...


class Speech(Protocol):
    """Hears what is said in one room; see `SpeechPerceiver`."""

    def step(self, chunk: Chunk, level_dbfs: float, speech_score: float | None = None) -> SpeechPercept: ...

    def finish(self, t: float) -> tuple[Spoken, ...]: ...

    def apply(self, control: object) -> None: ...


class Learned(Protocol):
    """What one room has been taught; see `listener.perceive.sounds.learned`."""

    @property
    def ordinary(self) -> tuple[Embedding, ...]: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    def know(self, knowledge: Knowledge) -> tuple[Episode, ...]: ...

    def attend(self, on: bool) -> None: ...

    def forget(self) -> None: ...

    def hear(self, t: float, magnitudes: Magnitudes, stream: TaggerStream | None, *, spare: bool) -> None: ...

    def refusal(self, label: str) -> Refusal | None: ...

    def step(self, strictness: str, ourselves: bool) -> tuple[Changes, tuple[Hearing, ...]]: ...

    def noted(self, changes: Changes) -> Changes: ...

    def noted_end(self, ended: Sequence[Episode]) -> tuple[Episode, ...]: ...

    def sense(self, chunk: Chunk) -> Sense | None: ...

    def finish(self, t: float) -> tuple[Episode, ...]: ...


@dataclass(slots=True)
class Heard:
    """A chunk on its way through the three steps of perception: `hear`, `score`, `conclude`."""

    chunk: Chunk
    matches: Sequence[Match]
    level_dbfs: float
    scores: NDArray[np.float32] | None = None
    """One per label; None while, or because, the tagger has none."""
    due: bool = False
    """The tagger is to be asked."""
    flags: tuple[Flag, ...] = ()


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
        learned: Learned | None = None,
    ) -> None:
        """`patterns` makes a fresh recogniser; `pattern_hold_seconds` says how long after a match each label is over.
        `learned`: knows what the room was taught; None: nothing can be.

        Raises PerceiveError when no strictness has that name.
        """
        self._room = room
        self._table = table
        self._limits = table.steps[_known(strictness, table)]
        self._new_patterns = patterns
        self._episodes = Episodes(table, pattern_hold_seconds, new_id)
        self._learned = learned
        if learned is not None:
            self._episodes.may_start = learned.refusal
        self._forgotten: tuple[Episode, ...] = ()
        self._own = OwnSounds(table.labels)
        self._speech_row = table.labels.index("speech") if "speech" in table.labels else None
        self._controls = WaitingControls[SetStrictness | Test | OwnVoice | Know | Attend]()
        self._failing = 0
        self.tagger_failures = 0
        """Chunks that the tagger failed on, since the start."""
        self._stream: TaggerStream | None = None
        self._last: Heard | None = None
        self.speech: Speech | None = None
        """Hears what is said; None where nobody does."""
        self.speaking = False
        """Somebody was being heard at the end of the last chunk: the next one may cost a hundred times as much."""
        self._speech_failures = 0
        self._forget()

    def perceive(self, chunk: Chunk, tagger: Tagger | None) -> Percept:
        """Hear the next chunk; `tagger` is the calling thread's own. Without one only the patterns are heard."""
        heard = self.hear(chunk, tagger)
        self.score(heard, tagger)
        return self.conclude(heard)

    def hear(self, chunk: Chunk, tagger: Tagger | None, *, spare: bool = False) -> Heard:
        """First step: all but the network. Who hears many rooms takes each step for all of them, on warm caches.

        `spare`: ask the tagger only of every second chunk while nothing begins in this room. Its window is longer
        than two chunks, so that it still hears everything. What episodes sound like is not remembered either.
        """
        self._obey(chunk.t)
        magnitudes = self._spectrum.step(chunk.samples)
        matches = self._patterns.step(magnitudes)
        heard = Heard(chunk, matches, round(level_dbfs(chunk.samples), 1))
        if tagger is None:
            self._stream, heard.flags = None, ("no_tagger",)
        else:
            self._hear_by(tagger, heard, magnitudes, spare=spare)
        if self._learned is not None:
            self._learned.hear(chunk.t, magnitudes, self._stream, spare=spare)
        return heard

    def _hear_by(self, tagger: Tagger, heard: Heard, magnitudes: Magnitudes, *, spare: bool) -> None:
        try:
            if self._stream is None:
                self._stream = tagger.open()
            tagger.hear(self._stream, magnitudes)
        except PerceiveError as error:
            heard.flags = self._tagger_failed(error)
            return
        heard.due = not (spare and self._may_rest(heard))
        if not heard.due and self._last is not None:
            heard.scores = self._last.scores

    def score(self, heard: Heard, tagger: Tagger | None) -> None:
        """Second step: the network, where it is due."""
        if not heard.due or tagger is None or self._stream is None:
            return
        try:
            heard.scores = self._table.scores(tagger.score(self._stream))
        except PerceiveError as error:
            heard.flags = self._tagger_failed(error)
            return
        if self._failing:
            log.warning("room %s: the tagger works again after %d chunks", self._room, self._failing)
            self._failing = 0

    def conclude(self, heard: Heard) -> Percept:
        """Third step: from scores to episodes."""
        chunk, scores = heard.chunk, heard.scores
        self._last = heard
        if scores is None:
            scores = np.zeros(len(self._table.labels), np.float32)
        scores = self._own.without(chunk.t, scores)
        changes = self._episodes.step(chunk.t, scores, heard.matches, self._limits)
        hearing = hearing_now(self._table, self._limits, scores, self._episodes)
        changes, hearing = self._with_learned(chunk.t, changes, hearing)
        clipping = is_clipping(chunk.samples)
        speech = self._listen(heard, scores)
        return Percept(
            t=chunk.t,
            level_dbfs=heard.level_dbfs,
            clipping=clipping,
            started=changes.started,
            ended=changes.ended,
            hearing=hearing,
            evidence=evidence(self._table, self._limits, self._episodes, chunk.t),
            flags=frozenset((*heard.flags, "clipping") if clipping else heard.flags),
            speech=speech,
            sense=None if self._learned is None else self._learned.sense(chunk),
            ordinary=() if self._learned is None else self._learned.ordinary,
        )

    def _with_learned(
        self, t: float, changes: Changes, hearing: tuple[Hearing, ...]
    ) -> tuple[Changes, tuple[Hearing, ...]]:
        """With the taught sounds, and with what each episode sounded like."""
        if self._learned is None:
            return changes, hearing
        taught, like = self._learned.step(self._limits.strictness, self._own.audible(t))
        ended = (*changes.ended, *self._forgotten, *taught.ended)
        self._forgotten = ()
        all_changes = Changes((*changes.started, *taught.started), ended)
        return self._learned.noted(all_changes), with_taught(hearing, like)

    def finish(self, t: float) -> Ending:
        """End whatever still sounds, and begin anew with the next chunk. Not while `perceive` is under way."""
        ended = self._episodes.finish(t)
        if self._learned is not None:
            ended = self._learned.noted_end((*ended, *self._forgotten, *self._learned.finish(t)))
            self._forgotten = ()
        self._forget()
        return Ending(ended, self._stop_listening(t))

    def apply(self, control: Control) -> None:
        """Takes effect at the next chunk. Raises PerceiveError for a strictness or label that does not exist."""
        if isinstance(control, SetStrictness):
            _known(control.strictness, self._table)
            self._controls.put(control)
        elif isinstance(control, Test):
            taught = () if self._learned is None else self._learned.labels
            if control.label not in (None, TEST_LABEL, *self._table.labels, *taught):
                raise PerceiveError(f"room {self._room}: no sound is called {control.label!r}, so none can be tested")
            self._controls.put(control)
        elif isinstance(control, OwnVoice):
            self._controls.put(replace(control, sound=None))  # which is for `speech`
        elif isinstance(control, Know | Attend):
            self._controls.put(control)
        if self.speech is not None:
            self.speech.apply(control)

    def _forget(self) -> None:
        self._spectrum = Spectrum()
        self._patterns = self._new_patterns()
        self._stream = None
        self._last = None
        if self._learned is not None:
            self._learned.forget()

    def _obey(self, t: float) -> None:
        for control in self._controls.take():
            if isinstance(control, SetStrictness):
                self._limits = self._table.steps[control.strictness]
            elif isinstance(control, OwnVoice):
                self._own.end(t) if control.text is None else self._own.begin()
            elif isinstance(control, Know | Attend):
                self._learn(control)
            elif not self._episodes.test(control.label):
                log.info("room %s: a test of %s is going on already", self._room, control.label or TEST_LABEL)

    def _learn(self, control: Know | Attend) -> None:
        if self._learned is None:
            log.warning("room %s: without a tagger (sounds.tagger: none) nothing that was taught is heard", self._room)
        elif isinstance(control, Know):
            self._forgotten += self._learned.know(control.knowledge)
        else:
            self._learned.attend(control.on)

    def _may_rest(self, heard: Heard) -> bool:
        """The tagger was asked of the last chunk, found nothing near a threshold but what is told already, and it is
        no louder now. A sound that goes on may then be heard to end 0.4 s later."""
        last = self._last
        if last is None or not last.due or last.scores is None:
            return False
        calm = bool(((last.scores < CALM * self._limits.on) | self._episodes.sounding).all())
        return calm and not heard.matches and heard.level_dbfs - last.level_dbfs < CALM_DB

    def _listen(self, heard: Heard, scores: NDArray[np.float32]) -> SpeechPercept | None:
        if self.speech is None:
            return None
        score = float(scores[self._speech_row]) if heard.scores is not None and self._speech_row is not None else None
        try:
            percept = self.speech.step(heard.chunk, heard.level_dbfs, score)
        except Exception as error:  # whatever is wrong with speech, alarms are heard
            self._speech_failed(error)
            heard.flags = (*heard.flags, "degraded")
            return None
        self.speaking = percept.speaking
        return percept

    def _stop_listening(self, t: float) -> tuple[Spoken, ...]:
        if self.speech is None:
            return ()
        try:
            return self.speech.finish(t)
        except Exception as error:
            self._speech_failed(error)
            return ()

    def _speech_failed(self, error: Exception) -> None:
        self._speech_failures += 1
        if self._speech_failures.bit_count() == 1:  # said at 1, 2, 4, 8 …, not 9,000 times an hour
            log.error(
                "room %s: speech could not be heard %d times so far; sounds are",
                self._room,
                self._speech_failures,
                exc_info=error,
            )

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
