"""Alarms by their temporal pattern: smoke (temporal-three), carbon monoxide (temporal-four), low battery (a chirp).

Two groups of the same code and the same tone, one cycle apart and with silence in between: hardly anything else in a
house sounds like that, so these need no model, and no threshold of the user's applies to them. How often they are found
in noise and reverberation, and what they were not mistaken for: docs/reports/alarm-patterns.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from listener.perceive.sounds.chirps import CHIRP_LABEL, LONGEST_PERIOD_SECONDS, Chirps
from listener.perceive.sounds.pairs import GroupPairs
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE
from listener.perceive.sounds.tracks import SLOT_SECONDS, ToneTracks
from listener.types import Magnitudes

PATTERN_HOLD_SECONDS: Final[Mapping[str, float]] = {
    TEMPORAL_THREE.label: 2.25 * TEMPORAL_THREE.cycle_seconds,
    TEMPORAL_FOUR.label: 2.25 * TEMPORAL_FOUR.cycle_seconds,
    CHIRP_LABEL: 1.1 * LONGEST_PERIOD_SECONDS,
}
"""So long after its last match a label is surely over. While an alarm goes on it matches once a cycle."""


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """An alarm was recognised. `onset_seconds_ago`: from the start of its first pulse to the end of this chunk."""

    label: str
    score: float
    onset_seconds_ago: float


class AlarmPatterns:
    """The patterns of one room; about 70 kB of state."""

    def __init__(self) -> None:
        self._tracks = ToneTracks()
        self._pairs = (GroupPairs(TEMPORAL_THREE), GroupPairs(TEMPORAL_FOUR))
        self._chirps = Chirps()

    def step(self, magnitudes: Magnitudes) -> tuple[PatternMatch, ...]:
        """Hear the next chunk, `magnitudes` float32 `[40, 257]`; returns what was recognised with it."""
        self._tracks.step(magnitudes)
        return tuple(self._matches())

    def _matches(self) -> Iterator[PatternMatch]:
        heard = self._tracks.slots_heard
        for pairs in self._pairs:
            best = pairs.step(self._tracks)
            if best is not None and best.score >= pairs.least_score(best.second):
                pairs.tell(best)
                score = min(1.0, best.score)
                yield PatternMatch(pairs.code.label, score, (heard - best.onset) * SLOT_SECONDS)
        chirp = self._chirps.step(self._tracks)
        if chirp is not None:
            yield PatternMatch(CHIRP_LABEL, 1.0, (heard - chirp.start) * SLOT_SECONDS)
