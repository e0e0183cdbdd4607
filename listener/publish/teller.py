"""Makes events of what one room heard and decided, and hands each to every publisher."""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from listener.times import rfc3339
from listener.types import (
    Chunk,
    Decision,
    Episode,
    Event,
    HearingReport,
    LevelReport,
    Outcome,
    Percept,
    Publisher,
    Report,
    SoundEnded,
    SoundStarted,
    Spoken,
    Status,
    Transcript,
)
from listener.vocabulary import Flag, State

logger = logging.getLogger(__name__)

LEVEL_EVERY_CHUNKS = 25
"""10 s, as design.md has it."""
CLIPPING_HOLD_CHUNKS = 25
"""One loud bang shows `clipping` for 10 s, so that the flag does not flicker."""

GroupOf = Callable[[str, float | None], str]
"""The group of a sound: (label, Unix time of its onset in s, None for a recording) -> id."""


class RoomTeller:
    """Teller of one room: stamps events, tells the status only when it changes, averages the level over 10 s."""

    def __init__(self, room: str, engine: str, publishers: Sequence[Publisher], group_of: GroupOf) -> None:
        self._room = room
        self._engine = engine
        self._publishers = publishers
        self._group_of = group_of
        self._stamp: dict[str, Any] = {"room": room, "t": 0.0, "time": None}
        self._captured_at_ns: int | None = None
        self._flags: frozenset[Flag] = frozenset()
        self._speaking = False
        self._voice_missing = False
        self._clipping_chunks_left = 0
        self._power = 0.0
        self._powers = 0
        self.status: Status | None = None

    def at(self, chunk: Chunk) -> None:
        self._captured_at_ns = chunk.captured_at_ns
        heard_at = None if chunk.captured_at_ns is None else rfc3339(chunk.captured_at_ns / 1e9)
        self._stamp = {"room": self._room, "t": chunk.t, "time": heard_at}

    def heard(self, percept: Percept, outcome: Outcome) -> None:
        self._follow_flags(percept, outcome.flags)
        self.show("speaking" if self._speaking else "listening")
        for episode in percept.started:
            self._started(episode)
        self.ended(percept.ended)
        for spoken in outcome.transcripts:
            self.transcribed(spoken)
        self.tell(
            Decision,
            decision=outcome.decision,
            probability=round(outcome.probability, 4),
            engine=outcome.engine or self._engine,
            trigger=outcome.trigger,
        )
        self.report(HearingReport(self._room, percept.t, percept.hearing))
        self._follow_level(percept.level_dbfs)

    def _started(self, episode: Episode) -> None:
        heard_at = self._captured_at_ns
        onset_at = None if heard_at is None else heard_at / 1e9 - (self._stamp["t"] - episode.onset)
        self.tell(
            SoundStarted,
            id=episode.id,
            label=episode.label,
            score=round(episode.score, 4),
            onset=episode.onset,
            group=self._group_of(episode.label, onset_at),
            test=episode.test or None,
        )

    def ended(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            self.tell(
                SoundEnded,
                id=episode.id,
                label=episode.label,
                score=round(episode.score, 4),
                onset=episode.onset,
                duration=episode.duration or 0.0,
                test=episode.test or None,
            )

    def transcribed(self, spoken: Spoken) -> None:
        self.tell(
            Transcript,
            text=spoken.text,
            final=spoken.final,
            confidence=round(spoken.confidence, 4),
            start=spoken.start,
            end=spoken.end,
        )

    def _follow_flags(self, percept: Percept, deciding: frozenset[Flag]) -> None:
        held = max(0, self._clipping_chunks_left - 1)
        self._clipping_chunks_left = CLIPPING_HOLD_CHUNKS if percept.clipping else held
        clipping: frozenset[Flag] = frozenset({"clipping"}) if self._clipping_chunks_left else frozenset()
        self._flags = percept.flags | deciding | clipping

    def _follow_level(self, level_dbfs: float) -> None:
        self._power += 10 ** (level_dbfs / 10)
        self._powers += 1
        if self._powers == LEVEL_EVERY_CHUNKS:
            mean_dbfs = 10 * math.log10(max(self._power / self._powers, 1e-12))
            self.report(LevelReport(self._room, round(mean_dbfs, 1)))
            self._power, self._powers = 0.0, 0

    def show(self, state: State, detail: str = "") -> None:
        missing: frozenset[Flag] = frozenset({"no_voice"} if self._voice_missing else ())
        flags = tuple(sorted(self._flags | missing))
        before = self.status
        if before is not None and (before.state, before.flags, before.detail) == (state, flags, detail):
            return
        self.status = Status(state=state, flags=flags, detail=detail, **self._stamp)
        level = logging.WARNING if state == "no_audio" else logging.INFO
        logger.log(level, "%s: %s%s", self._room, ", ".join((state, *flags)), f": {detail}" if detail else "")
        self._publish(self.status)

    def voice(self, *, speaking: bool, missing: bool) -> None:
        self._speaking, self._voice_missing = speaking, missing
        if self.status is None:
            return
        if self.status.state in ("listening", "speaking"):
            self.show("speaking" if speaking else "listening")
        else:  # muted and deaf rooms can speak, too, but what they are goes before
            self.show(self.status.state, self.status.detail)

    def tell(self, kind: type[Event], **fields: Any) -> None:
        self._publish(kind(**self._stamp, **fields))

    def report(self, report: Report) -> None:
        for publisher in self._publishers:
            publisher.report(report)

    def _publish(self, event: Event) -> None:
        for publisher in self._publishers:
            publisher.publish(event)
