"""How alike the pulses of two groups are, and how unlike them what sounds beside them.

One alarm in one room makes all its pulses alike: the same level in every slot of each, whatever the room does to them.
A bark over one, a cry beside one or music that passes for pulses is as loud by chance only. So level alone, to within a
decibel or two, says what belongs to the alarm where something else in the band hides that a tone stands out.

The short pulses of temporal-four are looked at together with the gaps behind them. A room may fill these until they are
as loud, so that a template cannot tell where a pulse begins, nor the tail from a pulse: but what the room makes of one
pulse and its gap it makes of all four. So the places half a period and a whole one earlier and later are tried as well,
and the second group is put where it is most like the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.pulses import Code, Group
from listener.perceive.sounds.tracks import HISTORY_SLOTS, Slots, ToneTracks

ALIKE_DB: Final = 1.5
"""So far a slot of a pulse may be from the median of the same slot in all pulses of both groups."""

QUIET_DB: Final = 10.0
"""So far below the loudest slot of a pulse it does not matter how quiet it is: there is noise, or nothing."""

LOUD_DB: Final = 5.0
"""Slots no further below the loudest are loud: what is beside the pulses is compared with these."""

QUIETER_DB: Final = 5.0
"""So much under the others a pulse is missing: what drowns one, as a bark does, is louder."""

LONGEST_SLOTS: Final = 45
SLOTS_BEFORE: Final = 5
MOST_APART_DB: Final = 6.0
"""A group of short pulses, at its slowest, and what is just before it are compared with the next: each slot counts no
more than this, so that one bark does not decide."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Parts of slots, 0..1. `pulses`: alike, in each group's pulses; `beside`: alike in the places of a pulse too many,
    before and after each group. `missing`: quieter than the others, in the pulse where most is. `clear`: how far each
    pulse stands out, on average over both groups. `count`: as loud as the pulses, summed over these and both places
    beside them, in the group that has less.

    `level_db`: what the loud slots have in common; `spread_db`: how far that moves over all that was looked at.
    `shift_slots`: how much later than the groups say the pulses begin.
    """

    pulses: list[list[float]]
    beside: list[list[float]]
    missing: float
    clear: list[float]
    count: float
    level_db: float
    spread_db: float
    shift_slots: int

    @property
    def steady(self) -> float:
        """Alike in all pulses."""
        return sum(map(sum, self.pulses)) / sum(map(len, self.pulses))


@dataclass(frozen=True, slots=True)
class _Places:
    """Where to look: `starts` `[place]` are half a period from each other, in pulses from the middle of a group.

    `offsets` `[slot]` in pulses and `edges` `[slot]` in slots are added to these. `windows` `[shift, 1 + pulses + 1]`:
    the places of the pulses and of one before and after, for each of `shifts`, in periods. The last slots of a place
    may hold the start of the next pulse: before the first only `beside` are looked at. `lags`: so many slots further
    the second group may be.
    """

    starts: NDArray[np.float64]
    offsets: NDArray[np.float64]
    edges: NDArray[np.float64]
    shifts: tuple[float, ...]
    windows: NDArray[np.intp]
    beside: int
    lags: tuple[int, ...]


@cache
def _places(code: Code) -> _Places:
    """A slot at each end may hold part of a pulse only, more where slots are means of several."""
    shifts: tuple[float, ...] = (0.0,)
    lags: tuple[int, ...] = (0,)
    slots, beside, length, before, after = 18, 18, 1.0, 4.0, 3.0
    if code.with_gaps:
        shifts, lags = (0.0, -0.5, 0.5, -1.0, 1.0), (0, 1, -1, 2, -2, 3, -3, 4, -4)
        slots, beside, length, before, after = 9, 7, 2.0, 1.0, 0.0
    first = min(shifts) - 1
    part = np.arange(slots) / slots
    return _Places(
        starts=2 * np.arange(first, code.pulses + max(shifts) + 1, 0.5) - code.pulses + 0.5,
        offsets=length * part,
        edges=before - (before + after) * part,
        shifts=shifts,
        windows=np.rint(2 * (np.array(shifts)[:, None] - first - 1 + np.arange(code.pulses + 2))).astype(np.intp),
        beside=beside,
        lags=lags,
    )


def likenesses(code: Code, pairs: Sequence[tuple[Group, Group]], tracks: ToneTracks) -> list[Likeness | None]:
    """Of each pair, None when its beginning is no longer remembered. The clock is that of the groups' distance."""
    if not pairs:
        return []
    places, track = _places(code), np.array([second.track for _, second in pairs])
    starts, pulse = _starts(code, places, pairs, track, tracks)
    at = np.rint(starts[..., None] + places.offsets * pulse[:, None, None, None] + places.edges).astype(np.intp)
    level = tracks.level[np.clip(at, 0, HISTORY_SLOTS - 1), track[:, None, None, None]][:, :, places.windows]
    common = _median(level[:, :, :, 1:-1].swapaxes(1, 2).reshape(len(pairs), len(places.shifts), -1, level.shape[-1]))
    loudest = common.max(axis=2, keepdims=True)
    near, loud = _near(level, common, loudest), common > loudest - LOUD_DB
    as_loud = level >= (common - np.float32(QUIETER_DB))[:, None, :, None]
    chosen = _shift(places, near, as_loud, loud)
    rows = np.arange(len(pairs))
    at = at[rows[:, None, None], np.arange(2)[:, None], places.windows[chosen][:, None]]
    contrast = tracks.contrast[np.clip(at[:, :, 1:-1], 0, HISTORY_SLOTS - 1), track[:, None, None, None]]
    near, as_loud, common, loud = (
        near[rows, :, chosen],
        as_loud[rows, :, chosen],
        common[rows, chosen],
        loud[rows, chosen],
    )
    parts = _parts(code, places, near, as_loud, common, loud, contrast)
    shifts = np.rint(2 * pulse * np.array(places.shifts)[chosen]).astype(np.intp).tolist()
    remembered = (at[:, 0, 1, 0] >= 0).tolist()
    return [
        Likeness(pulses, beside, missing, clear, count, level_db, spread_db, shift) if known else None
        for known, shift, pulses, beside, missing, clear, count, level_db, spread_db in zip(
            remembered, shifts, *parts, strict=True
        )
    ]


def _starts(
    code: Code, places: _Places, pairs: Sequence[tuple[Group, Group]], track: NDArray[np.intp], tracks: ToneTracks
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in the history each place begins, `[pair, 2, place]`, and how many slots a pulse is, `[pair]`."""
    bounds = np.array([(first.start, first.end, second.start, second.end) for first, second in pairs], np.float64)
    bounds -= tracks.slots_heard - HISTORY_SLOTS
    middles = (bounds[:, ::2] + bounds[:, 1::2]) / 2
    distance = bounds[:, 3] - bounds[:, 1]
    if len(places.lags) > 1:
        distance = _most_alike_at(bounds[:, 0], middles[:, 1] - middles[:, 0], places.lags, track, tracks)
        middles[:, 1] = middles[:, 0] + distance
    pulse = code.pulse_seconds / code.cycle_seconds * distance
    return np.rint(middles[:, :, None] + places.starts * pulse[:, None, None]), pulse


def _most_alike_at(
    start: NDArray[np.float64],
    distance: NDArray[np.float64],
    lags: tuple[int, ...],
    track: NDArray[np.intp],
    tracks: ToneTracks,
) -> NDArray[np.float64]:
    """How many slots later, `[pair]`, the second groups are most like the first."""
    at = start.astype(np.intp)[:, None, None] + np.arange(-SLOTS_BEFORE, LONGEST_SLOTS)
    later = np.rint(distance).astype(np.intp)[:, None] + np.array(lags)
    first, second = (
        tracks.level[np.clip(slots, 0, HISTORY_SLOTS - 1), track[:, None, None]]
        for slots in (at, at + later[:, :, None])
    )
    apart = np.minimum(np.abs(first - second), np.float32(MOST_APART_DB)).sum(axis=2)
    out: NDArray[np.float64] = later[np.arange(len(later)), apart.argmin(axis=1)].astype(np.float64)
    return out


def _near(level: Slots, common: Slots, loudest: Slots) -> NDArray[np.bool_]:
    """Which slots are alike, `[pair, 2, shift, place, slot]`. One pulse may begin half a slot later than another."""
    quiet = loudest - np.float32(QUIET_DB)
    expected = np.maximum(common, quiet)
    between = (expected[..., 1:] + expected[..., :-1]) / 2
    least, most = expected.copy(), expected.copy()
    for part in (slice(1, None), slice(None, -1)):
        np.minimum(least[..., part], between, out=least[..., part])
        np.maximum(most[..., part], between, out=most[..., part])
    heard = np.maximum(level, quiet[:, None, :, None])
    near: NDArray[np.bool_] = heard >= (least - np.float32(ALIKE_DB))[:, None, :, None]
    near &= heard <= (most + np.float32(ALIKE_DB))[:, None, :, None]
    return near


def _shift(
    places: _Places, near: NDArray[np.bool_], as_loud: NDArray[np.bool_], loud: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Which shift, `[pair]`, has the most that is alike and as loud in the pulses, and the least beside them."""
    if len(places.shifts) == 1:
        return np.zeros(len(near), np.intp)
    there = ((near.astype(np.int8) + as_loud) * loud[:, None, :, None]).sum(axis=1)
    beside = there[:, :, 0, : places.beside].sum(axis=2) + there[:, :, -1].sum(axis=2)
    inside = there[:, :, 1:-1].sum(axis=(2, 3))
    out: NDArray[np.intp] = ((inside - beside) / loud.sum(axis=2)).argmax(axis=1)
    return out


def _parts(
    code: Code,
    places: _Places,
    near: NDArray[np.bool_],
    as_loud: NDArray[np.bool_],
    common: Slots,
    loud: NDArray[np.bool_],
    contrast: Slots,
) -> tuple[list[Any], ...]:
    """What `Likeness` says, in its order, of each pair: `near`, `as_loud` `[pair, 2, 1 + pulses + 1, slot]`, `common`,
    `loud` `[pair, slot]`, `contrast` `[pair, 2, pulses, slot]`.
    """
    weight: NDArray[Any] = loud / loud.sum(axis=1, keepdims=True)
    few = loud[:, : places.beside]
    few_weight: NDArray[Any] = few / np.maximum(1, few.sum(axis=1, keepdims=True))
    before, after = _weighted(near[:, :, :1, : places.beside], few_weight), _weighted(near[:, :, -1:], weight)
    count = _weighted(as_loud, weight)
    standing_out: NDArray[Any] = np.clip((contrast - code.floor_db) / code.range_db, 0.0, 1.0)
    return (
        near[:, :, 1:-1].mean(axis=3).tolist(),
        np.concatenate([before, after], axis=2).tolist(),
        (1.0 - count[:, :, 1:-1].min(axis=(1, 2))).tolist(),
        (_weighted(standing_out, weight).sum(axis=1) / 2).tolist(),
        count.sum(axis=2).min(axis=1).tolist(),
        (common * weight).sum(axis=1).tolist(),
        (common.max(axis=1) - common.min(axis=1)).tolist(),
    )


def _weighted(values: NDArray[Any], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the slots: `values` `[pair, 2, place, slot]`, `weight` `[pair, slot]`."""
    out: NDArray[np.float64] = np.matmul(values, weight[:, None, :, None])[..., 0]
    return out


def _median(rows: Slots) -> Slots:
    """Along the last axis but one, of an even number of rows; numpy's own takes five times as long for so few."""
    ranked = np.sort(rows, axis=-2)
    half = rows.shape[-2] // 2
    out: Slots = np.float32(0.5) * (ranked[..., half - 1, :] + ranked[..., half, :])
    return out
