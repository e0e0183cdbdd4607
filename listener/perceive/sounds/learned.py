"""What one room has been taught: its taught sounds, what was told wrong, and what each episode sounded like.

Where nothing was taught, the tagger's features of the last 2.4 s are kept, and the network hears them only when an
episode starts; else it hears every chunk, beside the tagger or as the tagger.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np

from listener.errors import ListenerError
from listener.perceive.sounds.both_taggers import BothStream
from listener.perceive.sounds.embeddings import Embedder, pack, sense_of
from listener.perceive.sounds.episodes import Changes, Episodes, Refusal
from listener.perceive.sounds.following import Following
from listener.perceive.sounds.hearing import hearing_now
from listener.perceive.sounds.labels import LabelTable, taught_table
from listener.perceive.sounds.own_tagger import OwnStream
from listener.perceive.sounds.prototypes import Array
from listener.perceive.sounds.taught import TaughtScorer
from listener.perceive.sounds.wrong import Wrong
from listener.perceive.sounds.yamnet import YamnetStream
from listener.perceive.spectrum import FRAMES_PER_CHUNK
from listener.types import Chunk, Episode, Hearing, Magnitudes, TaggerStream
from listener.types.taught import Embedding, Knowledge, Sense

RECENT_CHUNKS: Final = 6
ORDINARY_SECONDS: Final = 60.0
"""So often a second of the room's ordinary life is handed over, to tell the taught sounds from."""
ORDINARY_SCORE: Final = 0.1
"""What is more like a taught sound may be one."""

log = logging.getLogger(__name__)


class Learned:
    """Of one room; its chunks come strictly one after the other. A failure of the network is logged once, and the
    room goes on without what it was taught."""

    def __init__(
        self, room: str, embedder: Embedder, new_id: Callable[[], str], protected: Collection[str] = ()
    ) -> None:
        """`protected`: labels whose episodes are never suppressed."""
        self._room = room
        self._embedder = embedder
        self._new_id = new_id
        self._protected = frozenset(protected)
        self._recent: deque[Array] = deque(maxlen=RECENT_CHUNKS)
        self._stream: OwnStream | None = None
        self._vector: Array | None = None
        self._attending = False
        self._broken = False
        self._spare = False
        self._following = Following()
        self._last_ordinary = 0.0
        self.ordinary: tuple[Embedding, ...] = ()
        """Of the newest chunk, once in a while: what the room is like without a taught sound."""
        self._t = 0.0
        self._know_nothing()

    def _know_nothing(self) -> None:
        self._scorer: TaughtScorer | None = None
        self._wrong: Wrong | None = None
        self._table: LabelTable = taught_table(())
        self._episodes: Episodes | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the taught sounds that can be heard."""
        return self._table.labels

    def know(self, knowledge: Knowledge) -> tuple[Episode, ...]:
        """From now on this and nothing else. Returns the taught sounds that were sounding: they end now."""
        ended = () if self._episodes is None else self._episodes.finish(self._t)
        self._know_nothing()
        if not knowledge:
            return ended
        try:
            common = self._embedder.common()
            scorer = TaughtScorer(knowledge.sounds, _told_wrong(knowledge), common)
            self._wrong = Wrong(knowledge.corrections, self._protected, common)
        except ListenerError as error:
            self._fail(error)
            return ended
        for label, reason in scorer.unusable.items():
            log.warning("room %s: %s %s", self._room, label, reason)
        if self._wrong.unusable:
            log.warning(
                "room %s: %d corrections were made with another network than this version's, and have no effect",
                *(self._room, self._wrong.unusable),
            )
        if scorer.labels:
            self._scorer, self._table = scorer, taught_table(scorer.labels)
            self._episodes = Episodes(self._table, {}, self._new_id)
            self._episodes.may_start = self.refusal
        return ended

    def attend(self, on: bool) -> None:
        """A lesson is held, or it is over."""
        self._attending = on

    def forget(self) -> None:
        """What comes next is not the continuation of this."""
        self._recent.clear()
        self._stream = self._vector = None
        self._following.clear()

    def hear(self, t: float, magnitudes: Magnitudes, stream: TaggerStream | None, *, spare: bool = False) -> None:
        """The next chunk, which ends at `t` (s): its spectrum, and the tagger's stream that has just heard it.

        `spare`: run no network only to remember what an episode sounds like; it cannot be told wrong then.
        """
        self._t = t
        self._spare = spare
        self._vector = None
        self.ordinary = ()
        if self._broken:
            return
        if isinstance(stream, BothStream):
            stream = stream.own
        if isinstance(stream, OwnStream):
            self._stream, self._vector = None, stream.embedding
        elif self._scorer is not None or self._wrong is not None or self._attending or (self._following and not spare):
            self._hear_too(magnitudes)
        else:
            self._stream = None
        if isinstance(stream, YamnetStream):
            self._recent.append(stream.log_mel[-FRAMES_PER_CHUNK:].copy())

    def _hear_too(self, magnitudes: Magnitudes) -> None:
        try:
            if self._stream is None:
                self._stream = self._listened_back()
            self._embedder.hear(self._stream, magnitudes)
            self._vector = self._stream.embedding
        except ListenerError as error:
            self._fail(error)

    def _listened_back(self) -> OwnStream:
        """A stream that has heard what is still remembered."""
        stream = self._embedder.open()
        for features in self._recent:
            self._embedder.hear_features(stream, features)
        return stream

    @property
    def vector(self) -> Array | None:
        """The embedding of the newest chunk `[width]`, made now if it must be; None where it cannot be had."""
        if self._vector is None and self._recent and not self._broken:
            try:
                self._stream = self._listened_back()
                self._vector = self._stream.embedding
            except ListenerError as error:
                self._fail(error)
        return self._vector

    @property
    def _affordable(self) -> Array | None:
        """As `vector`; where work is spared, only if it has been made for another reason."""
        return self._vector if self._spare else self.vector

    def refusal(self, label: str) -> Refusal | None:
        """Why an episode of that label must not start now; None: it may."""
        if self._wrong is None or not self._wrong.knows(label) or (vector := self.vector) is None:
            return None
        before = self._wrong.suppressed
        refusal = self._wrong.refusal(label, vector, self._t)
        if refusal is not None and self._wrong.suppressed > before:
            reason, number = refusal.reason, self._wrong.suppressed
            log.info("room %s: %s not started; %s (%d so far)", self._room, label, reason, number)
        return refusal

    def step(self, strictness: str, ourselves: bool) -> tuple[Changes, tuple[Hearing, ...]]:
        """The taught sounds that start and end with the newest chunk, and how like them it is. `ourselves`: our own
        loudspeaker may be what is heard."""
        if self._scorer is None or self._episodes is None:
            return Changes(), ()
        vector = self.vector
        if vector is None or ourselves:
            scores = np.zeros(len(self._table.labels), np.float32)
        else:
            scores = self._scorer.of(vector)
        limits = self._table.steps[strictness]
        changes = self._episodes.step(self._t, scores, (), limits)
        if vector is not None and not ourselves and float(scores.max()) < ORDINARY_SCORE:
            self._offer_ordinary(vector)
        return changes, hearing_now(self._table, limits, scores, self._episodes)

    def _offer_ordinary(self, vector: Array) -> None:
        if self._t - self._last_ordinary >= ORDINARY_SECONDS:
            self._last_ordinary = self._t
            self.ordinary = (pack(vector),)

    def noted(self, changes: Changes) -> Changes:
        """What started and ended with the newest chunk, with what it sounded like."""
        if self._following and (vector := self._affordable) is not None:
            self._following.hear(self._t, vector)
        started = self._following.begin(self._t, changes.started, self._affordable) if changes.started else ()
        return Changes(started, self._following.end(changes.ended) if changes.ended else ())

    def noted_end(self, ended: Sequence[Episode]) -> tuple[Episode, ...]:
        """What ended with the sound itself, with what it sounded like."""
        return self._following.end(ended)

    def sense(self, chunk: Chunk) -> Sense | None:
        """For a lesson; None while none is held."""
        if not self._attending or (vector := self.vector) is None:
            return None
        return sense_of(chunk, pack(vector))

    def finish(self, t: float) -> tuple[Episode, ...]:
        """End what still sounds."""
        return () if self._episodes is None else self._episodes.finish(t)

    def _fail(self, error: ListenerError) -> None:
        self._broken = True
        self._stream = self._vector = None
        log.error("room %s: what was taught is not heard: %s", self._room, error)


def _told_wrong(knowledge: Knowledge) -> dict[str, list[Embedding]]:
    """By label: what was said not to be that sound."""
    told: dict[str, list[Embedding]] = {}
    for correction in knowledge.corrections:
        told.setdefault(correction.label, []).extend(correction.embeddings)
    return told
