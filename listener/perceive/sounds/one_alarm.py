"""When two groups of pulses, a cycle apart, are one alarm, and how surely.

One clock makes the pulses and the pauses, one piezo disc or loudspeaker in one room makes all pulses alike, and nothing
as loud sounds at their pitch before, between and after them. Where the pulses are alike, that nothing else sounds is
asked of what is as loud as they are only: barks, a crying child, a chainsaw may fill the pauses. Where they are not, as
in speech, in music and behind a louder noise, the pauses must be the quieter.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from listener.perceive.sounds.likeness import Likeness
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE, Code, Group, presence
from listener.perceive.sounds.tracks import HISTORY_SLOTS, SLOT_SECONDS, ToneTracks

LEVEL_TOLERANCE_DB: Final = 9.0
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
what the code prescribes. Of the short groups of temporal-four the length says little: their likeness is asked for at
the cycle's speed."""

STEADY: Final = 0.6
SPREAD_DB: Final = {TEMPORAL_THREE.label: 9.0, TEMPORAL_FOUR.label: math.inf}
"""Two groups are steady when so much of their pulses is alike, and none moves further. In noise at 0 dB SNR nineteen of
twenty alarms are; speech and songs are not, and struck notes, whose pulses may be alike, fade. With the gaps all of
them move."""

STEADY_PULSE: Final = {TEMPORAL_THREE.label: 0.4, TEMPORAL_FOUR.label: 0.3}
CLEAR_STEADY_PULSE: Final = 0.3
"""What each pulse of steady groups must reach on average over both: likeness, and presence."""

LEAST_SPREAD_DB: Final = 2.5
LEAST_GAP_DB: Final = 3.0
"""What a pulse and its gap have in common moves by so much, or the level falls by so much in two gaps of all: not so in
one beep that is as long as all pulses. Alarms under noise at 0 dB SNR have 6 dB and more in two gaps."""

MOST_MISSING: Final = 0.5
ODD_PULSE: Final = 0.15
ALIKE_OTHERS: Final = 0.7
"""A pulse that is this unlike the others, in both groups, where the others are this much alike, is none of them: noise
falls on one pulse in one group, a melody has another note there in each."""

MOST_TOO_MANY: Final = 0.6
"""How much as loud as short pulses there may be beside them in the better group, as part of one."""

MOST_ALIKE: Final = 0.2
MOST_ALIKE_BUT_ONE: Final = 0.4
MOST_NOISY: Final = 0.9
"""Likeness in the place of a pulse too many: in the better of both groups, and in all four places but one. That one
too, but a bark as loud as the alarm may last as long as a short pulse; not where all that is heard is so much alike."""

AS_LOUD_DB: Final = 2.5
"""So far what sounds between groups may be from the pulses to be taken for one of them."""

PAUSE_WEIGHT: Final = 1.0
STEADY_DISTURBANCE: Final = 0.3
"""What in the pause is as loud as steady pulses counts against them, and what is not counts less than it does against
others."""

UNSTEADY_WEIGHT: Final = 0.4

LOUDER_DB: Final = 6.0
"""What sounds in the pause and is louder than the pulses by more than this is something else: a bark, not an alarm."""

NOISE_SLOTS: Final = 20
NOISE_ALLOWED: Final = 0.3
NOISE_WEIGHT: Final = 0.2
"""The loudest 0.4 s of the pause, when its presence is above this, counts against the pair."""

REVERBERATION_SECONDS: Final = 0.2

ALL_CLEAR: Final = 0.87
ALL_CLEAR_BONUS: Final = {TEMPORAL_THREE.label: 0.0, TEMPORAL_FOUR.label: 0.15}
"""When even the least of the pulses is this clear on average over both groups, as much more noise is allowed around
them: speech and music that pass for eight short pulses have some that are hardly there."""


def may_be_one(code: Code, first: Group, second: Group) -> bool:
    """Whether two groups are worth a comparison: what costs little to see.

    Where the gaps say nothing, neither do the level and what is beside: a template may be off by a whole pulse.
    """
    return (
        abs(first.track - second.track) <= 1
        and _is_one_clock(code, first, second)
        and (code.with_gaps or (_are_as_loud(first, second) and _is_alone(first, second)))
    )


def score(code: Code, first: Group, second: Group, like: Likeness, tracks: ToneTracks) -> float | None:
    """How surely these are one alarm, about 1 at most; None when they are not."""
    if not (_is_all_there(code, like) and _has_gaps(code, first, second, like)):
        return None
    unsteady = _unsteadiness(code, like)
    steady = unsteady <= 0.0
    if not (_are_steady_pulses(code, first, second, like) if steady else _are_clear_pulses(code, first, second)):
        return None
    disturbance, as_loud = _pause(code, first, second, like, tracks)
    surely = (first.score + second.score) / 2
    if min(_means(first.pulses, second.pulses)) >= ALL_CLEAR:
        surely += ALL_CLEAR_BONUS[code.label]
    if steady:
        return surely - PAUSE_WEIGHT * as_loud - STEADY_DISTURBANCE * disturbance
    return surely - disturbance - UNSTEADY_WEIGHT * unsteady


def _is_one_clock(code: Code, first: Group, second: Group) -> bool:
    cycle = (second.end - first.end) * SLOT_SECONDS / code.cycle_seconds
    apart = abs(cycle - (first.speed + second.speed) / 2)
    return abs(first.speed - second.speed) <= LENGTHS_APART[code.label] and apart <= CYCLE_APART[code.label]


def _are_as_loud(first: Group, second: Group) -> bool:
    return abs(first.level_db - second.level_db) <= LEVEL_TOLERANCE_DB


def _is_alone(first: Group, second: Group) -> bool:
    """No pulse too many stands out in both groups, before the first or after the last."""
    before, after = zip(first.beside, second.beside, strict=True)
    return min(before) <= MOST_BEFORE[0] and min(after) <= MOST_AFTER[0]


def _is_all_there(code: Code, like: Likeness) -> bool:
    """No pulse is missing or another tone in both groups, and none too many."""
    odd, *others = sorted(_means(*like.pulses))
    before, after = zip(*like.beside, strict=True)
    return (
        like.missing <= MOST_MISSING
        and not (code.with_gaps and like.count > code.pulses + MOST_TOO_MANY)
        and (odd > ODD_PULSE or sum(others) / len(others) < ALIKE_OTHERS)
        and max(min(before), min(after)) <= MOST_ALIKE
        and sorted(before + after)[-2] <= MOST_ALIKE_BUT_ONE
        and (max(before + after) <= MOST_ALIKE_BUT_ONE or (code.with_gaps and like.steady <= MOST_NOISY))
    )


def _has_gaps(code: Code, first: Group, second: Group, like: Likeness) -> bool:
    """A beep as long as all pulses together has none."""
    if code.with_gaps:
        return like.spread_db >= LEAST_SPREAD_DB
    return sorted(first.dips_db + second.dips_db)[-2] >= LEAST_GAP_DB


def _unsteadiness(code: Code, like: Likeness) -> float:
    """How much of the pulses would have to be alike in addition, at most `STEADY`."""
    return STEADY - (like.steady if like.spread_db <= SPREAD_DB[code.label] else 0.0)


def _is_at_most(both: tuple[float, float], most: tuple[float, float]) -> bool:
    """The better of both groups is under the first bound, the worse under the second."""
    return min(both) <= most[0] and max(both) <= most[1]


def _are_steady_pulses(code: Code, first: Group, second: Group, like: Likeness) -> bool:
    """As many as the code has and apart from each other, each of which stands out or is alike, but for one of all."""
    return (
        min(_means(*like.pulses)) >= STEADY_PULSE[code.label]
        and min(like.clear) >= CLEAR_STEADY_PULSE
        and (code.with_gaps or _have_even_gaps(code, first, second))
    )


def _are_clear_pulses(code: Code, first: Group, second: Group) -> bool:
    """As many as the code has, none before and none after, and apart from each other."""
    absent = sum(heard < ABSENT_PULSE for heard in (*first.pulses, *second.pulses))
    before, after = zip(first.beside, second.beside, strict=True)
    return (
        absent <= 1
        and all(sum(heard < WEAK_PULSE for heard in group.pulses) <= 1 for group in (first, second))
        and min(_means(first.pulses, second.pulses)) >= CLEAR_PULSE[code.label]
        and _are_as_loud(first, second)
        and _is_at_most(before, MOST_BEFORE)
        and _is_at_most(after, MOST_AFTER)
        and _have_even_gaps(code, first, second)
    )


def _have_even_gaps(code: Code, first: Group, second: Group) -> bool:
    dips_db = [min(dip_db, DEEP_DIP_DB) for dip_db in _means(first.dips_db, second.dips_db)]
    return min(dips_db) >= LEAST_DIP_DB[code.label] and max(dips_db) - min(dips_db) <= DIPS_APART_DB


def _pause(code: Code, first: Group, second: Group, like: Likeness, tracks: ToneTracks) -> tuple[float, float]:
    """What sounds in the pause between the groups: its mean presence, and more for what sounds on for 0.4 s; and
    the part of the pause that is as loud as the pulses.
    """
    now = tracks.slots_heard - HISTORY_SLOTS
    pause = slice(first.end - now + round(REVERBERATION_SECONDS / SLOT_SECONDS), second.start - now - 3)
    if pause.start < 0 or pause.stop - pause.start < NOISE_SLOTS:
        return 1.0, 1.0
    track, loud_db = second.track, (first.level_db + second.level_db) / 2
    level = tracks.level[pause, track]
    heard = presence(code, level, tracks.contrast[pause, track], loud_db)
    heard[level > loud_db + LOUDER_DB] = 0.0
    sums = np.cumsum(np.concatenate([[0.0], heard]))
    loudest = float((sums[NOISE_SLOTS:] - sums[:-NOISE_SLOTS]).max()) / NOISE_SLOTS
    as_loud = np.count_nonzero(np.abs(level - like.level_db) <= AS_LOUD_DB) / len(level)
    return float(heard.mean()) + NOISE_WEIGHT * max(0.0, loudest - NOISE_ALLOWED), as_loud


def _means(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [(one + other) / 2 for one, other in zip(first, second, strict=True)]
