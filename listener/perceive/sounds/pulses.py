"""Groups of pulses: where in a track a few seconds look like one group of an alarm's temporal code.

A template says where the tone must sound (+) and where it must not (-); a track is scored by the mean presence on its
pulses less the mean presence off them, at a few speeds, for every moment of the newest chunk at which the group may
have ended. Presence is 0 at the noise and 1 at a clear tone that is as loud as the other pulses.

How loud the pulses are is a guess, made from how long they sound: if nothing in the window is louder, the loudest fifth
of it is pulses. In a room that is silent otherwise a tone stands out of its own reverberation, and its edges out of all
tracks at once, so that standing out alone says neither when nor where it sounds.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.tracks import BANDS, HISTORY_SLOTS, SLOT_SECONDS, SLOTS_PER_CHUNK, Slots, ToneTracks

SPEEDS: Final = (0.91, 0.955, 1.0, 1.045, 1.09)
"""Slower and faster alarms: ±10 %, and none further than 2.5 % from one of these."""

TRACKS_AT_ONCE: Final = 3
"""In each band the tracks that were most often the loudest are looked at, but not two neighbours: they see one tone."""

MIN_LOUDEST_SLOTS: Final = 4

BESIDE_WEIGHT: Final = 0.35
"""What the places of a pulse too many weigh among all that must be silent."""

TOO_LOUD_DB: Final = 3.0
"""What is louder than the pulses by more, on average, is no pulse too many but something else: a bark."""


@dataclass(frozen=True, slots=True)
class Code:
    """One temporal code. `smooth` slots are averaged first; contrast counts from `floor_db` over `range_db`.

    A pulse's level may be `below_db` under that of the others before it counts less, and is nothing another `fade_db`
    below. `skip_seconds` after each pulse belong to the room's reverberation and are not looked at. `loud_quantiles`
    guess the pulses' level among all of the window's: the first where nothing is louder, the second where something is.
    """

    label: str
    pulse_seconds: float
    pulses: int
    cycle_seconds: float
    before_seconds: float
    after_seconds: float
    skip_seconds: float
    smooth: int
    floor_db: float
    range_db: float
    below_db: float
    fade_db: float
    loud_quantiles: tuple[float, float]
    least_score: float

    @property
    def group_seconds(self) -> float:
        """From the start of the first pulse to the end of the last; pulses and gaps are as long as each other."""
        return self.pulse_seconds * (2 * self.pulses - 1)


TEMPORAL_THREE: Final = Code(
    label="smoke_alarm",
    pulse_seconds=0.5,
    pulses=3,
    cycle_seconds=4.0,
    before_seconds=1.0,
    after_seconds=0.8,
    skip_seconds=0.24,
    smooth=5,
    floor_db=7.0,
    range_db=5.0,
    below_db=4.0,
    fade_db=7.0,
    loud_quantiles=(0.8, 0.7),
    least_score=0.3,
)
"""Evacuation, smoke: 0.5 s on, 0.5 s off, three times, then 1.5 s off (ISO 8201:2017, 4; NFPA 72 (2022), 18.4.2)."""

TEMPORAL_FOUR: Final = Code(
    label="co_alarm",
    pulse_seconds=0.1,
    pulses=4,
    cycle_seconds=5.7,
    before_seconds=0.3,
    after_seconds=0.5,
    skip_seconds=0.04,
    smooth=1,
    floor_db=7.0,
    range_db=7.0,
    below_db=3.0,
    fade_db=7.0,
    loud_quantiles=(0.88, 0.78),
    least_score=0.3,
)
"""Carbon monoxide: four pulses of 0.1 s, 0.1 s apart, then 5 s off (NFPA 72 (2022), 29.5.1.1; UL 2034)."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group that was found. `start` and `end` count slots since the stream began; `level_db` is its pulses'.

    `pulses`: mean presence in each pulse; `beside`: in the places of a pulse before the first and after the last.
    `dips_db`: how far the level falls in the second half of each gap; reverberation fills gaps, but not to the brim.
    """

    start: int
    end: int
    track: int
    score: float
    level_db: float
    pulses: tuple[float, ...]
    beside: tuple[float, float]
    dips_db: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Template:
    """Weights over `slots` that end `after` slots behind the last pulse; `spans` are the pulses'."""

    weights: NDArray[np.float32]
    slots: int
    first: int
    after: int
    spans: tuple[slice, ...]
    gaps: tuple[slice, ...]
    beside: tuple[slice, slice]


def _template(code: Code, speed: float) -> _Template:
    pulse, first = code.pulse_seconds * speed, code.before_seconds
    starts = [first + 2 * pulse * k for k in range(code.pulses)]
    end = starts[-1] + pulse
    slots = round((end + code.after_seconds) / SLOT_SECONDS)

    def span(start: float, end: float | None = None) -> slice:
        return slice(max(0, round(start / SLOT_SECONDS)), round((end or start + pulse) / SLOT_SECONDS))

    centre = (np.arange(slots) + 0.5) * SLOT_SECONDS
    on, off = np.zeros(slots, np.bool_), np.ones(slots, np.bool_)
    for start in starts:
        on |= (centre > start + 0.015) & (centre < start + pulse - 0.015)
        off &= ~((centre > start - 0.03) & (centre < start + pulse + code.skip_seconds))
    beside = np.zeros(slots, np.bool_)
    for place in (span(first - 2 * pulse), span(end + pulse)):
        beside[place] = True
    elsewhere = off & ~beside
    weights = on / on.sum() - BESIDE_WEIGHT * beside / beside.sum() - (1 - BESIDE_WEIGHT) * elsewhere / elsewhere.sum()

    return _Template(
        weights=weights.astype(np.float32),
        slots=slots,
        first=round(first / SLOT_SECONDS),
        after=round(code.after_seconds / SLOT_SECONDS),
        spans=tuple(span(start) for start in starts),
        gaps=tuple(span(start + 1.5 * pulse, start + 2 * pulse) for start in starts[:-1]),
        beside=(span(first - 2 * pulse), span(end + pulse)),
    )


@dataclass(frozen=True, slots=True)
class _Bank:
    """A code's templates at all speeds, and at every moment of a chunk: `weights` `[slots + 19, moment * speed]`.

    One matrix, so that a chunk is searched by one product; it is the same for all rooms.
    """

    templates: tuple[_Template, ...]
    slots: int
    weights: NDArray[np.float32]


@cache
def _bank(code: Code) -> _Bank:
    templates = tuple(_template(code, speed) for speed in SPEEDS)
    slots = max(template.slots for template in templates)
    weights = np.zeros((slots + SLOTS_PER_CHUNK - 1, SLOTS_PER_CHUNK, len(SPEEDS)), np.float32)
    for speed, template in enumerate(templates):
        for moment in range(SLOTS_PER_CHUNK):
            weights[moment + slots - template.slots : moment + slots, moment, speed] = template.weights
    weights.flags.writeable = False
    return _Bank(templates, slots, weights.reshape(len(weights), -1))


class GroupFinder:
    """Finds the groups of one code that ended in the newest chunk, after the pause that proves their end."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def find(self, tracks: ToneTracks) -> list[Group]:
        """At most one group a track."""
        chosen = self._worth_a_look(tracks)
        if not chosen:
            return []
        bank = _bank(self.code)
        level, heard = self._presence(tracks, chosen, bank.slots)
        scores = (heard.reshape(-1, heard.shape[2]) @ bank.weights).reshape(len(chosen), -1)
        found = []
        for row, flat in enumerate(scores.argmax(axis=1).tolist()):
            score = float(scores[row, flat])
            if score >= self.code.least_score:
                guess, place = divmod(flat, bank.weights.shape[1])
                moment, speed = divmod(place, len(SPEEDS))
                template = bank.templates[speed]
                window = slice(moment + bank.slots - template.slots, moment + bank.slots)
                until = tracks.slots_heard - SLOTS_PER_CHUNK + 1 + moment - self.code.smooth // 2
                start, end = until - template.slots + template.first, until - template.after
                detail = _detail(template, level[row, window], heard[row, guess, window])
                found.append(Group(start, end, chosen[row], score, *detail))
        return found

    def _worth_a_look(self, tracks: ToneTracks) -> list[int]:
        """The tracks that were the loudest of their band, and clear, in most slots of about a group's length."""
        slots = round((self.code.group_seconds + 0.8) / SLOT_SECONDS)
        chosen: list[int] = []
        for column, band in enumerate(BANDS):
            loudest = tracks.loudest[-slots:, column]
            times = np.bincount(loudest + 1, minlength=band.stop - band.start + 1)[1:].tolist()
            if sum(times) >= MIN_LOUDEST_SLOTS:
                chosen += [band.start + track for track in _most_frequent(times)]
        return chosen

    def _presence(self, tracks: ToneTracks, chosen: list[int], slots: int) -> tuple[Slots, Slots]:
        """Level in dB `[chosen, slots]`, and presence in 0..1 for each guess of the loudness `[chosen, 2, slots]`."""
        code = self.code
        slots += SLOTS_PER_CHUNK - 1 + code.smooth - 1
        level = _smoothed(tracks.level[-slots:, chosen].T, code.smooth)
        contrast = _smoothed(tracks.contrast[-slots:, chosen].T, code.smooth)
        ranked = np.sort(level, axis=1)
        loud = ranked[:, [int(quantile * level.shape[1]) for quantile in code.loud_quantiles]]
        return level, presence(code, level[:, None], contrast[:, None], loud[:, :, None])


def _most_frequent(times: list[int]) -> list[int]:
    """Up to three tracks, by how often they and their neighbours were the loudest; `times` counts each alone."""
    either_side = zip([0, *times], times, [*times[1:], 0], strict=False)
    both = [256 * (before + own + after) + own for before, own, after in either_side]
    chosen = []
    for _ in range(TRACKS_AT_ONCE):
        best = both.index(max(both))
        if both[best] < MIN_LOUDEST_SLOTS * 256:
            break
        chosen.append(best)
        for near in range(max(0, best - 1), min(len(both), best + 2)):
            both[near] = 0
    return chosen


def _detail(
    template: _Template, level: Slots, heard: Slots
) -> tuple[float, tuple[float, ...], tuple[float, float], tuple[float, ...]]:
    """`level_db`, `pulses`, `beside` and `dips_db` of the group in this window."""
    present, loud = _Means(heard), _Means(level)
    levels = [loud.over(span) for span in template.spans]
    around = [(one + other) / 2 for one, other in pairwise(levels)]
    dips = tuple(beside - loud.over(gap) for beside, gap in zip(around, template.gaps, strict=True))
    level_db = sum(levels) / len(levels)
    before, after = (
        present.over(place) if loud.over(place) <= level_db + TOO_LOUD_DB else 0.0 for place in template.beside
    )
    pulses = tuple(present.over(span) for span in template.spans)
    return level_db, pulses, (before, after), dips


class _Means:
    """Means over parts of a row, from its running sum: a dozen of numpy's means would take longer than all the rest."""

    def __init__(self, row: Slots) -> None:
        self._sums = [0.0, *np.cumsum(row, dtype=np.float64).tolist()]

    def over(self, span: slice) -> float:
        start, stop = span.start, min(span.stop, len(self._sums) - 1)
        mean: float = (self._sums[stop] - self._sums[start]) / (stop - start)
        return mean


def presence(code: Code, level: Slots, contrast: Slots, loud_db: Slots | float) -> Slots:
    """0..1: how clearly a tone stands out, and whether it is about as loud as the pulses."""
    clear = (contrast - code.floor_db) / code.range_db
    as_loud = (level - loud_db + (code.below_db + code.fade_db)) / code.fade_db
    out: Slots = np.clip(np.minimum(clear, as_loud), 0.0, 1.0).astype(np.float32)
    return out


def _smoothed(rows: Slots, slots: int) -> Slots:
    """Moving average along the last axis, shorter by `slots` - 1."""
    if slots == 1:
        return rows
    sums = np.zeros((rows.shape[0], rows.shape[1] + 1))
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    out: Slots = ((sums[:, slots:] - sums[:, :-slots]) / slots).astype(np.float32)
    return out


assert TEMPORAL_FOUR.cycle_seconds * 1.1 + 2.4 < HISTORY_SLOTS * SLOT_SECONDS
