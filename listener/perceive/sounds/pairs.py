"""Pairs of groups: remembers groups of pulses for a cycle, and finds the best two that are one alarm."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from listener.perceive.sounds.likeness import likenesses
from listener.perceive.sounds.one_alarm import ALL_CLEAR_BONUS, LOUDER_DB, may_be_one, score
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE, Code, Group, GroupFinder, speed_margin
from listener.perceive.sounds.tracks import HIGH_TRACKS, HISTORY_SLOTS, SLOT_SECONDS, ToneTracks

CYCLE_TOLERANCE: Final = 0.105
"""±10 % timing, and a slot."""

SAME_GROUP_SLOTS: Final = 15
SAME_GROUP_PART: Final = 0.2
"""Two finds of one track this close (0.3 s, or this part of a group) are one group, seen in two chunks or at two
speeds; the better one is kept, or both where it may be either."""

SAME_TONE_TRACKS: Final = (1, 2)
"""So far from each other tracks may see one tone, of 3.1 kHz and of 520 Hz: these are half as far apart."""

SAME_LEVEL_DB: Final = 2.0
BETWEEN_MARGIN: Final = 0.03
BETWEEN_MARGIN_SAME_LEVEL: Final = 0.2
"""How much worse a group in the pause may be than the pair and still be part of the rhythm."""

LEAST_SCORE: Final = {TEMPORAL_THREE.label: (0.54, 0.44), TEMPORAL_FOUR.label: (0.62, 0.6)}
"""For a tone of 3.1 kHz and one of 520 Hz: above the best that scales, arpeggios, alarm clocks, recordings and an hour
of speech reached when they were chosen, by 0.07 and more."""

MOST_LOOKED_AT: Final = 4
"""Pairs a chunk, the best by their groups' scores: music has dozens."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups that may be two cycles of one alarm. `onset`: the slot in which its first pulse began."""

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
        self._most_bonus = ALL_CLEAR_BONUS[code.label]
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
            if self._shortest <= second.end - first.end <= self._longest
            and (first.score + second.score) / 2 >= self.least_score(second) - self._most_bonus
            and may_be_one(self.code, first, second)
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
            if like is None:
                continue
            surely = score(self.code, first, second, like, tracks)
            if surely is None or (best is not None and surely <= best.score):
                continue
            if not any(_is_between(group, first, second) for group in self._groups):
                best = Pair(surely, first.start + like.shift_slots, first, second)
        return best


def _is_better(code: Code, group: Group, other: Group) -> bool:
    """At the same speed by its score; at another only if that leaves no doubt."""
    margin = 0.0 if group.speed == other.speed else speed_margin(code, group.score)
    return group.score - margin >= other.score


def _is_between(group: Group, first: Group, second: Group) -> bool:
    """Another group of the same tone, as clear and as loud, in the pause: then the cycle is a shorter one."""
    high = group.track < HIGH_TRACKS
    if not (first.end < group.start and group.end < second.start):
        return False
    if abs(group.track - second.track) > SAME_TONE_TRACKS[0 if high else 1]:
        return False
    same_level = abs(group.level_db - (first.level_db + second.level_db) / 2) <= SAME_LEVEL_DB
    margin = BETWEEN_MARGIN_SAME_LEVEL if same_level else BETWEEN_MARGIN
    apart_db = min(abs(group.level_db - one.level_db) for one in (first, second))
    return apart_db <= LOUDER_DB and group.score >= min(first.score, second.score) - margin
