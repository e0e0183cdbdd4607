"""Pairs of groups: when two groups of pulses, a cycle apart, are one alarm.

One clock makes the pulses and the pauses, one piezo disc or loudspeaker in one room makes all pulses alike, and nothing
as loud sounds at their pitch before, between and after them. Where the pulses are alike, that nothing else sounds is
asked of what is as loud as they are only: barks, a crying child, a chainsaw may fill the pauses. Where they are not, as
in speech, in music and behind a louder noise, the pauses must be the quieter.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from listener.perceive.sounds.likeness import Likeness, likenesses
from listener.perceive.sounds.pulses import (
    TEMPORAL_FOUR,
    TEMPORAL_THREE,
    Code,
    Group,
    GroupFinder,
    presence,
    speed_margin,
)
from listener.perceive.sounds.tracks import HIGH_TRACKS, HISTORY_SLOTS, SLOT_SECONDS, ToneTracks

CYCLE_TOLERANCE: Final = 0.105
"""±10 % timing, and a slot."""

LEVEL_TOLERANCE_DB: Final = 9.0
SAME_GROUP_SLOTS: Final = 15
SAME_GROUP_PART: Final = 0.2
"""Two finds of one track this close (0.3 s, or this part of a group) are one group, seen in two chunks or at two
speeds; the better one is kept, or both where it may be either."""

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

LENGTHS_APART: Final = {TEMPORAL_THREE.label: 0.05, TEMPORAL_FOUR.label: 0.19}
CYCLE_APART: Final = {TEMPORAL_THREE.label: 0.035, TEMPORAL_FOUR.label: 0.2}
"""One clock makes pulses and pauses, so both groups are as much too long as each other and as the cycle is, as parts of
what the code prescribes. A slot is a greater part of the short groups of temporal-four."""

STEADY: Final = 0.6
SPREAD_DB: Final = {TEMPORAL_THREE.label: 9.0, TEMPORAL_FOUR.label: math.inf}
"""Two groups are steady when so much of their pulses is alike, and none moves further. In noise at 0 dB SNR nineteen of
twenty alarms are; speech and songs are not, and struck notes, whose pulses may be alike, fade."""

STEADY_PULSE: Final = {TEMPORAL_THREE.label: 0.4, TEMPORAL_FOUR.label: 0.3}
CLEAR_STEADY_PULSE: Final = 0.3
"""What each pulse of steady groups must reach on average over both: likeness, and presence."""

LEAST_SWING_DB: Final = 2.5
LEAST_GAP_DB: Final = 3.0

MOST_MISSING: Final = 0.5
ODD_PULSE: Final = 0.15
ALIKE_OTHERS: Final = 0.7
"""A pulse that is this unlike the others, in both groups, where the others are this much alike, is none of them: noise
falls on one pulse in one group, a melody has another note there in each."""

MOST_TOO_MANY: Final = 0.4
MOST_ALIKE: Final = 0.2
MOST_ALIKE_BUT_ONE: Final = 0.4
MOST_ALIKE_AT_ALL: Final = {TEMPORAL_THREE.label: 0.4, TEMPORAL_FOUR.label: 1.0}
"""Likeness in the place of a pulse too many: in the better of both groups, in all four places but one, and in any. A bark
as loud as the alarm may last as long as one of its short pulses."""

AS_LOUD_DB: Final = 2.5
"""So far what sounds between groups may be from the pulses to be taken for one of them."""

PAUSE_WEIGHT: Final = 1.0
STEADY_DISTURBANCE: Final = 0.3
"""What in the pause is as loud as steady pulses counts against them, and what is not counts less than it does against
others."""

UNSTEADY_WEIGHT: Final = 0.4

LOUDER_DB: Final = 6.0
"""What sounds in the pause and is louder than the pulses by more than this is something else: a bark, not an alarm."""

SAME_LEVEL_DB: Final = 2.0
BETWEEN_MARGIN: Final = 0.03
BETWEEN_MARGIN_SAME_LEVEL: Final = 0.2
"""How much worse a group in the pause may be than the pair and still be part of the rhythm."""

NOISE_SLOTS: Final = 20
NOISE_ALLOWED: Final = 0.3
NOISE_WEIGHT: Final = 0.2
"""The loudest 0.4 s of the pause, when its presence is above this, counts against the pair."""

REVERBERATION_SECONDS: Final = 0.2

ALL_CLEAR: Final = 0.87
ALL_CLEAR_BONUS: Final = {TEMPORAL_THREE.label: 0.0, TEMPORAL_FOUR.label: 0.15}
"""When even the least of the pulses is this clear on average over both groups, as much more noise is allowed around
them: speech and music that pass for eight short pulses have some that are hardly there."""

LEAST_SCORE: Final = {TEMPORAL_THREE.label: (0.54, 0.44), TEMPORAL_FOUR.label: (0.62, 0.62)}
"""For a tone of 3.1 kHz and one of 520 Hz: above the best that scales, arpeggios, alarm clocks, recordings and an hour
of speech reached when they were chosen, by 0.07 and more."""

MOST_LOOKED_AT: Final = 4
"""Pairs a chunk, the best by their groups' scores: music has dozens."""

HOPELESS_SCORE: Final = 0.4
"""Groups that score less on average are not looked at: a pair scores no more than they do, but for the bonus."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups that may be two cycles of one alarm; `score` is at most 1."""

    score: float
    onset: int
    first: Group
    second: Group


class GroupPairs:
    """Remembers the groups of one code for a cycle, and looks for two that belong together."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._finder = GroupFinder(code)
        self._groups: deque[Group] = deque()
        self._told_end = -HISTORY_SLOTS
        self._same_slots = max(SAME_GROUP_SLOTS, round(SAME_GROUP_PART * code.group_seconds / SLOT_SECONDS))
        self._shortest = math.ceil(code.cycle_seconds * (1 - CYCLE_TOLERANCE) / SLOT_SECONDS)
        self._longest = math.floor(code.cycle_seconds * (1 + CYCLE_TOLERANCE) / SLOT_SECONDS)

    def step(self, tracks: ToneTracks) -> Pair | None:
        """The best pair whose second group is new and of a cycle that was not told yet."""
        new = [group for group in self._finder.find(tracks) if self._keep(group)]
        self._forget(tracks.slots_heard)
        untold = self._told_end + round(0.6 * self.code.cycle_seconds / SLOT_SECONDS)
        candidates = [
            (first.score + second.score, first, second)
            for second in new
            if second.end >= untold
            for first in self._groups
            if self._shortest <= second.end - first.end <= self._longest and self._may_be_pair(first, second)
        ]
        candidates.sort(key=lambda candidate: candidate[0], reverse=True)
        return self._best([(first, second) for _, first, second in candidates[:MOST_LOOKED_AT]], tracks)

    def least_score(self, group: Group) -> float:
        """What a pair must reach whose tone is this group's."""
        high, low = LEAST_SCORE[self.code.label]
        return high if group.track < HIGH_TRACKS else low

    def tell(self, pair: Pair) -> None:
        """This pair was told: its second group's cycle is not told again."""
        self._told_end = pair.second.end

    def _keep(self, group: Group) -> bool:
        """Remembers the group, and forgets worse ones of the same pulses, unless it is such a one itself."""
        near = [o for o in self._groups if o.track == group.track and abs(o.end - group.end) < self._same_slots]
        if any(_is_better(self.code, other, group) for other in near):
            return False
        for other in near:
            if _is_better(self.code, group, other):
                self._groups.remove(other)
        self._groups.append(group)
        return True

    def _forget(self, slots_heard: int) -> None:
        """Drops the groups that are too old for a pair with one that may still be found."""
        oldest = slots_heard - self._longest - round((self.code.after_seconds + 0.9) / SLOT_SECONDS)
        while self._groups and self._groups[0].end < oldest:
            self._groups.popleft()

    def _best(self, candidates: list[tuple[Group, Group]], tracks: ToneTracks) -> Pair | None:
        best: Pair | None = None
        for (first, second), like in zip(candidates, likenesses(self.code, candidates, tracks), strict=True):
            if like is None or not _is_all_there(self.code, like) or not _has_gaps(self.code, first, second, like):
                continue
            if like.shift_slots == 0 and min(first.beside[0], second.beside[0]) > MOST_BEFORE[0]:
                continue
            score = self._score(first, second, like, tracks)
            if best is not None and score <= best.score:
                continue
            if not any(_is_between(group, first, second) for group in self._groups):
                onset = first.start + like.shift_slots
                best = Pair(score, onset, first, second)
        return best

    def _score(self, first: Group, second: Group, like: Likeness, tracks: ToneTracks) -> float:
        steady = _is_steady(self.code, like)
        right = (
            _are_steady_pulses(self.code, first, second, like)
            if steady
            else _are_clear_pulses(self.code, first, second)
        )
        if not right:
            return 0.0
        score = (first.score + second.score) / 2
        if min(_means(first.pulses, second.pulses)) >= ALL_CLEAR:
            score += ALL_CLEAR_BONUS[self.code.label]
        disturbance, as_loud = self._disturbance(first, second, like, tracks)
        if steady:
            return score - PAUSE_WEIGHT * as_loud - STEADY_DISTURBANCE * disturbance
        return score - disturbance - UNSTEADY_WEIGHT * _unsteadiness(self.code, like)

    def _may_be_pair(self, first: Group, second: Group) -> bool:
        """What costs little to see."""
        return (
            (first.score + second.score) / 2 >= HOPELESS_SCORE
            and abs(first.track - second.track) <= 1
            and self._is_one_clock(first, second)
            and (self.code is TEMPORAL_FOUR or _is_one_sound(first, second))
        )

    def _is_one_clock(self, first: Group, second: Group) -> bool:
        cycle = (second.end - first.end) * SLOT_SECONDS / self.code.cycle_seconds
        apart = abs(cycle - (first.speed + second.speed) / 2)
        lengths_apart = abs(first.speed - second.speed)
        return lengths_apart <= LENGTHS_APART[self.code.label] and apart <= CYCLE_APART[self.code.label]

    def _disturbance(self, first: Group, second: Group, like: Likeness, tracks: ToneTracks) -> tuple[float, float]:
        """What sounds in the pause between the groups: its mean presence, and more for what sounds on for 0.4 s; and
        the part of the pause that is as loud as the pulses.
        """
        now = tracks.slots_heard - HISTORY_SLOTS
        pause = slice(first.end - now + round(REVERBERATION_SECONDS / SLOT_SECONDS), second.start - now - 3)
        if pause.start < 0 or pause.stop - pause.start < NOISE_SLOTS:
            return 1.0, 1.0
        track, loud_db = second.track, (first.level_db + second.level_db) / 2
        level = tracks.level[pause, track]
        heard = presence(self.code, level, tracks.contrast[pause, track], loud_db)
        heard[level > loud_db + LOUDER_DB] = 0.0
        sums = np.cumsum(np.concatenate([[0.0], heard]))
        loudest = float((sums[NOISE_SLOTS:] - sums[:-NOISE_SLOTS]).max()) / NOISE_SLOTS
        as_loud = np.count_nonzero(np.abs(level - like.level_db) <= AS_LOUD_DB) / len(level)
        return float(heard.mean()) + NOISE_WEIGHT * max(0.0, loudest - NOISE_ALLOWED), as_loud


def _is_better(code: Code, group: Group, other: Group) -> bool:
    """At the same speed by its score; at another only if that leaves no doubt."""
    margin = 0.0 if group.speed == other.speed else speed_margin(code, group.score)
    return group.score - margin >= other.score


def _is_between(group: Group, first: Group, second: Group) -> bool:
    """Another group of the same tone, as clear and as loud, in the pause: then the cycle is a shorter one."""
    if not (first.end < group.start and group.end < second.start and abs(group.track - second.track) <= 1):
        return False
    same_level = abs(group.level_db - (first.level_db + second.level_db) / 2) <= SAME_LEVEL_DB
    margin = BETWEEN_MARGIN_SAME_LEVEL if same_level else BETWEEN_MARGIN
    return abs(group.level_db - second.level_db) <= LOUDER_DB and group.score >= min(first.score, second.score) - margin


def _has_gaps(code: Code, first: Group, second: Group, like: Likeness) -> bool:
    """A beep as long as all pulses has none."""
    if code is TEMPORAL_FOUR:
        return like.spread_db >= LEAST_SWING_DB
    return sorted(first.dips_db + second.dips_db)[-2] >= LEAST_GAP_DB


def _is_one_sound(first: Group, second: Group) -> bool:
    """As loud as each other, and no pulse too many stands out in both, before the first or after the last."""
    before, after = zip(first.beside, second.beside, strict=True)
    return (
        abs(first.level_db - second.level_db) <= LEVEL_TOLERANCE_DB
        and min(before) <= MOST_BEFORE[0]
        and min(after) <= MOST_AFTER[0]
    )


def _is_steady(code: Code, like: Likeness) -> bool:
    return _unsteadiness(code, like) <= 0.0


def _unsteadiness(code: Code, like: Likeness) -> float:
    """How much of the pulses would have to be alike in addition, at most `STEADY`."""
    return STEADY - (like.steady if like.spread_db <= SPREAD_DB[code.label] else 0.0)


def _is_all_there(code: Code, like: Likeness) -> bool:
    """No pulse is missing or another tone in both groups, and none too many."""
    odd, *others = sorted(_means(*like.pulses))
    before, after = zip(*like.beside, strict=True)
    return (
        like.count <= code.pulses + MOST_TOO_MANY
        and like.missing <= MOST_MISSING
        and (odd > ODD_PULSE or sum(others) / len(others) < ALIKE_OTHERS)
        and max(min(before), min(after)) <= MOST_ALIKE
        and sorted(before + after)[-2] <= MOST_ALIKE_BUT_ONE
        and max(before + after) <= MOST_ALIKE_AT_ALL[code.label]
    )


def _is_at_most(both: tuple[float, float], most: tuple[float, float]) -> bool:
    """The better of both groups is under the first bound, the worse under the second."""
    return min(both) <= most[0] and max(both) <= most[1]


def _are_steady_pulses(code: Code, first: Group, second: Group, like: Likeness) -> bool:
    """As many as the code has and apart from each other, each of which stands out or is alike, but for one of all."""
    return (
        min(_means(*like.pulses)) >= STEADY_PULSE[code.label]
        and min(like.clear) >= CLEAR_STEADY_PULSE
        and (code is TEMPORAL_FOUR or _have_even_gaps(code, first, second))
    )


def _are_clear_pulses(code: Code, first: Group, second: Group) -> bool:
    """As many as the code has, none before and none after, and apart from each other."""
    absent = sum(heard < ABSENT_PULSE for heard in (*first.pulses, *second.pulses))
    before, after = zip(first.beside, second.beside, strict=True)
    return (
        absent <= 1
        and all(sum(heard < WEAK_PULSE for heard in group.pulses) <= 1 for group in (first, second))
        and min(_means(first.pulses, second.pulses)) >= CLEAR_PULSE[code.label]
        and abs(first.level_db - second.level_db) <= LEVEL_TOLERANCE_DB
        and _is_at_most(before, MOST_BEFORE)
        and _is_at_most(after, MOST_AFTER)
        and _have_even_gaps(code, first, second)
    )


def _have_even_gaps(code: Code, first: Group, second: Group) -> bool:
    dips_db = [min(dip_db, DEEP_DIP_DB) for dip_db in _means(first.dips_db, second.dips_db)]
    return min(dips_db) >= LEAST_DIP_DB[code.label] and max(dips_db) - min(dips_db) <= DIPS_APART_DB


def _means(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [(one + other) / 2 for one, other in zip(first, second, strict=True)]
