"""Alarms by their temporal pattern: smoke (temporal-three), carbon monoxide (temporal-four), low battery (a chirp).

Two groups of the same code and the same tone, one cycle apart and with silence in between: hardly anything else in a
house sounds like that, so these need no model, and no threshold of the user's applies to them. How often they are found
in noise and reverberation, and what they were not mistaken for: docs/reports/alarm-patterns.md.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from listener.perceive.sounds.chirps import CHIRP_LABEL, LONGEST_PERIOD_SECONDS, Chirps
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE, Code, Group, GroupFinder, presence
from listener.perceive.sounds.tracks import HIGH_TRACKS, HISTORY_SLOTS, SLOT_SECONDS, ToneTracks
from listener.types import Magnitudes

PATTERN_HOLD_SECONDS: Final[Mapping[str, float]] = {
    TEMPORAL_THREE.label: 2.25 * TEMPORAL_THREE.cycle_seconds,
    TEMPORAL_FOUR.label: 2.25 * TEMPORAL_FOUR.cycle_seconds,
    CHIRP_LABEL: 1.1 * LONGEST_PERIOD_SECONDS,
}
"""So long after its last match a label is surely over. While an alarm goes on it matches once a cycle."""

CYCLE_TOLERANCE: Final = 0.105
"""±10 % timing, and a slot."""

LEVEL_TOLERANCE_DB: Final = 9.0
SAME_GROUP_SLOTS: Final = 15
"""Two finds of one track this close (0.3 s) are one group, seen in two chunks; the better one is kept."""

CLEAR_PULSE: Final = {TEMPORAL_THREE.label: 0.55, TEMPORAL_FOUR.label: 0.5}
WEAK_PULSE: Final = 0.45
ABSENT_PULSE: Final = 0.25
"""Presence that each pulse must reach on average over both groups, that one pulse of each group may miss, and that one
of all may miss: a bark may drown a pulse, but three pulses are not four."""

MOST_BEFORE: Final = (0.3, 0.65)
MOST_AFTER: Final = (0.5, 0.85)
"""Presence in the place of a pulse too many, in the better of both groups and in the worse: a bark may fall there once,
a fourth pulse is always there; behind the last there may be reverberation."""

LEAST_DIP_DB: Final = {TEMPORAL_THREE.label: -3.0, TEMPORAL_FOUR.label: -6.0}
DEEP_DIP_DB: Final = 20.0
DIPS_APART_DB: Final = 13.0
"""Between pulses, on average over both groups: reverberation may fill a gap, or even add to it, but all gaps alike.
Deeper than deep says nothing: where the noise is digital silence, a gap has no bottom."""

LENGTHS_APART: Final = {TEMPORAL_THREE.label: 0.1, TEMPORAL_FOUR.label: 0.15}
CYCLE_APART: Final = {TEMPORAL_THREE.label: 0.06, TEMPORAL_FOUR.label: 0.3}
"""One clock makes pulses and pauses, so both groups are as much too long as each other and as the cycle is, as parts of
what the code prescribes. Reverberation lengthens the short groups of temporal-four, but not their cycle."""

LOUDER_DB: Final = 6.0
"""What sounds in the pause and is louder than the pulses by more than this is something else: a bark, not an alarm."""

BETWEEN_MARGIN: Final = 0.03

NOISE_SLOTS: Final = 20
NOISE_ALLOWED: Final = 0.3
NOISE_WEIGHT: Final = 0.2
"""The loudest 0.4 s of the pause, when its presence is above this, counts against the pair."""

REVERBERATION_SECONDS: Final = 0.2

ALL_CLEAR: Final = 0.87
ALL_CLEAR_BONUS: Final = {TEMPORAL_THREE.label: 0.0, TEMPORAL_FOUR.label: 0.15}
"""When even the least of the pulses is this clear on average over both groups, as much more noise is allowed around
them: speech and music that pass for eight short pulses have some that are hardly there."""

LEAST_SCORE: Final = {TEMPORAL_THREE.label: (0.6, 0.58), TEMPORAL_FOUR.label: (0.62, 0.62)}
"""For a tone of 3.1 kHz and one of 520 Hz: above the best that scales, arpeggios, alarm clocks, recordings and an hour
of speech reached when they were chosen. Those that are still missed mostly have no pair at all, whatever the score."""


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
                yield PatternMatch(pairs.code.label, score, (heard - best.first.start) * SLOT_SECONDS)
        chirp = self._chirps.step(self._tracks)
        if chirp is not None:
            yield PatternMatch(CHIRP_LABEL, 1.0, (heard - chirp.start) * SLOT_SECONDS)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups that may be two cycles of one alarm; `score` is at most 1."""

    score: float
    first: Group
    second: Group


class GroupPairs:
    """Remembers the groups of one code for a cycle, and looks for two that belong together."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._finder = GroupFinder(code)
        self._groups: deque[Group] = deque()
        self._told_end = -HISTORY_SLOTS
        self._shortest = math.ceil(code.cycle_seconds * (1 - CYCLE_TOLERANCE) / SLOT_SECONDS)
        self._longest = math.floor(code.cycle_seconds * (1 + CYCLE_TOLERANCE) / SLOT_SECONDS)

    def step(self, tracks: ToneTracks) -> Pair | None:
        """The best pair whose second group is new and of a cycle that was not told yet."""
        for group in self._finder.find(tracks):
            self._keep(group)
        self._forget(tracks.slots_heard)
        since = tracks.slots_heard - round((self.code.after_seconds + 0.9) / SLOT_SECONDS)
        untold = self._told_end + round(0.6 * self.code.cycle_seconds / SLOT_SECONDS)
        seconds = [group for group in self._groups if group.end >= max(since, untold)]
        candidates = ((a, b) for b in seconds for a in self._groups if self._shortest <= b.end - a.end <= self._longest)
        pairs = [pair for first, second in candidates if (pair := self._pair(first, second, tracks))]
        return max(pairs, key=lambda pair: pair.score, default=None)

    def least_score(self, group: Group) -> float:
        """What a pair must reach whose tone is this group's."""
        high, low = LEAST_SCORE[self.code.label]
        return high if group.track < HIGH_TRACKS else low

    def tell(self, pair: Pair) -> None:
        """This pair was told: its second group's cycle is not told again."""
        self._told_end = pair.second.end

    def _keep(self, group: Group) -> None:
        for other in reversed(self._groups):
            if other.track == group.track and abs(other.end - group.end) < SAME_GROUP_SLOTS:
                if other.score >= group.score:
                    return
                self._groups.remove(other)
                break
        self._groups.append(group)

    def _forget(self, slots_heard: int) -> None:
        """Drops the groups that are too old for a pair with one that may still be found."""
        oldest = slots_heard - self._longest - round((self.code.after_seconds + 0.9) / SLOT_SECONDS)
        while self._groups and self._groups[0].end < oldest:
            self._groups.popleft()

    def _pair(self, first: Group, second: Group, tracks: ToneTracks) -> Pair | None:
        if abs(first.track - second.track) > 1 or abs(first.level_db - second.level_db) > LEVEL_TOLERANCE_DB:
            return None
        if not (self._is_one_clock(first, second) and _has_the_right_pulses(self.code, first, second)):
            return None
        if any(self._is_between(group, first, second) for group in self._groups):
            return None
        disturbance = self._disturbance(first, second, tracks)
        score = (first.score + second.score) / 2 - disturbance
        if min(_means(first.pulses, second.pulses)) >= ALL_CLEAR:
            score += ALL_CLEAR_BONUS[self.code.label]
        return Pair(score, first, second)

    def _is_one_clock(self, first: Group, second: Group) -> bool:
        nominal = self.code.group_seconds / SLOT_SECONDS
        one, other = (first.end - first.start) / nominal, (second.end - second.start) / nominal
        cycle = (second.end - first.end) * SLOT_SECONDS / self.code.cycle_seconds
        apart = abs(cycle - (one + other) / 2)
        return abs(one - other) <= LENGTHS_APART[self.code.label] and apart <= CYCLE_APART[self.code.label]

    def _is_between(self, group: Group, first: Group, second: Group) -> bool:
        """Another group of the same tone, as clear and as loud, in the pause: then the cycle is a shorter one."""
        apart = first.end < group.start and group.end < second.start
        return (
            apart
            and abs(group.track - second.track) <= 1
            and abs(group.level_db - second.level_db) <= LOUDER_DB
            and group.score >= min(first.score, second.score) - BETWEEN_MARGIN
        )

    def _disturbance(self, first: Group, second: Group, tracks: ToneTracks) -> float:
        """What sounds in the pause between the groups: its mean presence, and more for what sounds on for 0.4 s."""
        now = tracks.slots_heard - HISTORY_SLOTS
        pause = slice(first.end - now + round(REVERBERATION_SECONDS / SLOT_SECONDS), second.start - now - 3)
        if pause.start < 0 or pause.stop - pause.start < NOISE_SLOTS:
            return 1.0
        track, loud_db = second.track, (first.level_db + second.level_db) / 2
        level = tracks.level[pause, track]
        heard = presence(self.code, level, tracks.contrast[pause, track], loud_db)
        heard[level > loud_db + LOUDER_DB] = 0.0
        sums = np.cumsum(np.concatenate([[0.0], heard]))
        loudest = float((sums[NOISE_SLOTS:] - sums[:-NOISE_SLOTS]).max()) / NOISE_SLOTS
        return float(heard.mean()) + NOISE_WEIGHT * max(0.0, loudest - NOISE_ALLOWED)


def _has_the_right_pulses(code: Code, first: Group, second: Group) -> bool:
    """As many as the code has, none before and none after, and apart from each other."""
    absent = sum(heard < ABSENT_PULSE for heard in (*first.pulses, *second.pulses))
    dips_db = [min(dip_db, DEEP_DIP_DB) for dip_db in _means(first.dips_db, second.dips_db)]
    before, after = (sorted(places) for places in zip(first.beside, second.beside, strict=True))
    return (
        absent <= 1
        and all(sum(heard < WEAK_PULSE for heard in group.pulses) <= 1 for group in (first, second))
        and min(_means(first.pulses, second.pulses)) >= CLEAR_PULSE[code.label]
        and all(heard <= most for heard, most in zip(before, MOST_BEFORE, strict=True))
        and all(heard <= most for heard, most in zip(after, MOST_AFTER, strict=True))
        and min(dips_db) >= LEAST_DIP_DB[code.label]
        and max(dips_db) - min(dips_db) <= DIPS_APART_DB
    )


def _means(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [(one + other) / 2 for one, other in zip(first, second, strict=True)]
