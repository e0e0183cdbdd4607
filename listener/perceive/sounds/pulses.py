"""Groups of pulses: where in a track a few seconds look like one group of an alarm's temporal code.

A template says where the tone must sound (+) and where it must not (-); a track is scored by the mean presence on its
pulses less the mean presence off them, at a few speeds, for every moment of the newest chunk at which the group may
have ended. Presence is 0 at the noise and 1 at a clear tone that is as loud as the other pulses.

How loud the pulses are is a guess, made from how long they sound: if nothing in the window is louder, the loudest fifth
of it is pulses. In a room that is silent otherwise a tone stands out of its own reverberation, and its edges out of all
tracks at once, so that standing out alone says neither when nor where it sounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.tracks import BANDS, HISTORY_SLOTS, SLOT_SECONDS, SLOTS_PER_CHUNK, Slots, ToneTracks

SPEEDS: Final = (0.91, 0.955, 1.0, 1.045, 1.09)
"""Slower and faster alarms: ±10 %, and none further than 2.5 % from one of these."""

MOST_SPEED_MARGIN: Final = 0.1
"""However much the best group lacks, one of another speed may score no more than this below it."""

TRACKS_AT_ONCE: Final = 3
"""In each band the tracks that were most often the loudest are looked at, but not two neighbours: they see one tone."""

LOUDEST_PART: Final = 0.4
"""A band is looked at only if one of its tracks, with those beside it, was the loudest for so much of the time that a
group's pulses sound. Under noise at 0 dB SNR the worst of 260 alarms of 520 Hz was it for 0.8 of that time; two
minutes of pink noise never for more than 0.3."""

MIN_LOUDEST_SLOTS: Final = 4
"""Of such a band a track that was the loudest this often may be the clearer one: another sound is beside it."""

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
    `speed_doubt`: how much less than the best a group of another speed may score, as part of what the best lacks to 1.
    `with_gaps`: a room may fill the gaps, so that pulses are told by what they and the gaps behind them have in common.
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
    speed_doubt: float
    with_gaps: bool

    @property
    def least_loudest_slots(self) -> int:
        """How often a tone must have been the loudest in the time of a group."""
        return round(LOUDEST_PART * self.pulses * self.pulse_seconds / SLOT_SECONDS)

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
    least_score=0.36,
    speed_doubt=0.6,
    with_gaps=False,
)
"""Evacuation, smoke: 0.5 s on, 0.5 s off, three times, then 1.5 s off (ISO 8201:2017, 4; NFPA 72 (2022), 18.4.2).

What sounds beside a group, or its reverberation, makes a wrong speed look better: hence the doubt, until the distance
to the next group shows which one it was."""

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
    least_score=0.36,
    speed_doubt=0.0,
    with_gaps=True,
)
"""Carbon monoxide: four pulses of 0.1 s, 0.1 s apart, then 5 s off (NFPA 72 (2022), 29.5.1.1; UL 2034).

Its pulses are too short to tell the speed by, so the best must do; the distance to the next group tells it."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group that was found. `start` and `end` count slots since the stream began; `level_db` is its pulses'.

    `speed`: how long it lasts, as part of what the code prescribes, one of `SPEEDS`.
    `pulses`: mean presence in each pulse; `beside`: in the places of a pulse before the first and after the last.
    `dips_db`: how far the level falls in the second half of each gap; reverberation fills gaps, but not to the brim.
    """

    start: int
    end: int
    track: int
    score: float
    speed: float
    level_db: float
    pulses: tuple[float, ...]
    beside: tuple[float, float]
    dips_db: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Template:
    """Weights over `slots` that end `after` slots behind the last pulse.

    `means` `[slots, column]`: a row times this is its mean in each pulse, in the second half of each gap between two,
    and in the places of a pulse before the first and after the last.
    """

    weights: NDArray[np.float32]
    slots: int
    first: int
    after: int
    means: NDArray[np.float32]


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

    gaps = [span(start + 1.5 * pulse, start + 2 * pulse) for start in starts[:-1]]
    places = [*map(span, starts), *gaps, span(first - 2 * pulse), span(end + pulse)]
    return _Template(
        weights=weights.astype(np.float32),
        slots=slots,
        first=round(first / SLOT_SECONDS),
        after=round(code.after_seconds / SLOT_SECONDS),
        means=_means(slots, places),
    )


def _means(slots: int, places: Sequence[slice]) -> NDArray[np.float32]:
    out = np.zeros((slots, len(places)), np.float32)
    for column, place in enumerate(places):
        out[place, column] = 1.0
    out /= out.sum(axis=0)
    return out


@dataclass(frozen=True, slots=True)
class _Bank:
    """A code's templates at all speeds, and at every moment of a chunk: `weights` `[slots + 19, moment * speed]`.

    One matrix, so that a chunk is searched by one product; it is the same for all rooms. `means`, the templates', are
    `[speed, slots, column]` and end together.
    """

    templates: tuple[_Template, ...]
    slots: int
    weights: NDArray[np.float32]
    means: NDArray[np.float32]


@cache
def _bank(code: Code) -> _Bank:
    templates = tuple(_template(code, speed) for speed in SPEEDS)
    slots = max(template.slots for template in templates)
    weights = np.zeros((slots + SLOTS_PER_CHUNK - 1, SLOTS_PER_CHUNK, len(SPEEDS)), np.float32)
    means = np.zeros((len(SPEEDS), slots, templates[0].means.shape[1]), np.float32)
    for speed, template in enumerate(templates):
        means[speed, slots - template.slots :] = template.means
        for moment in range(SLOTS_PER_CHUNK):
            weights[moment + slots - template.slots : moment + slots, moment, speed] = template.weights
    means.flags.writeable = weights.flags.writeable = False
    return _Bank(templates, slots, weights.reshape(len(weights), -1), means)


class GroupFinder:
    """Finds the groups of one code that ended in the newest chunk, after the pause that proves their end."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def find(self, tracks: ToneTracks) -> list[Group]:
        """Of each track the best group, and those of other speeds that may be the right one."""
        chosen = self._worth_a_look(tracks)
        if not chosen:
            return []
        bank = _bank(self.code)
        level, heard = self._presence(tracks, chosen, bank.slots)
        scores = (heard.reshape(-1, heard.shape[2]) @ bank.weights).reshape(len(chosen), -1, len(SPEEDS))
        by_speed = scores.max(axis=1)
        rows, speeds = (by_speed >= self._least_scores(by_speed)).nonzero()
        if not len(rows):
            return []
        guesses, moments = np.divmod(scores[rows, :, speeds].argmax(axis=1), SLOTS_PER_CHUNK)
        window, means = moments[:, None] + np.arange(bank.slots), bank.means[speeds]
        present = np.matmul(heard[rows[:, None], guesses[:, None], window][:, None], means)[:, 0]
        loud = np.matmul(level[rows[:, None], window][:, None], means)[:, 0]
        until = tracks.slots_heard - SLOTS_PER_CHUNK + 1 - self.code.smooth // 2 + moments
        found = zip(rows.tolist(), speeds.tolist(), until.tolist(), present.tolist(), loud.tolist(), strict=True)
        return [self._group(chosen[row], speed, float(by_speed[row, speed]), *rest) for row, speed, *rest in found]

    def _least_scores(self, by_speed: Slots) -> Slots:
        """What a group of each row must score, `[row, 1]`."""
        margins = [[speed_margin(self.code, most)] for most in by_speed.max(axis=1).tolist()]
        out: Slots = np.maximum(
            by_speed.max(axis=1, keepdims=True) - np.array(margins, np.float32), self.code.least_score
        )
        return out

    def _group(
        self, track: int, speed: int, score: float, until: int, present: list[float], level: list[float]
    ) -> Group:
        """`until`: the slot behind the template's last; `present` and `level`: the means over the template's places."""
        pulses, template = self.code.pulses, _bank(self.code).templates[speed]
        levels, gaps = level[:pulses], level[pulses:-2]
        around = ((one + other) / 2 for one, other in pairwise(levels))
        level_db = sum(levels) / pulses
        before, after = (
            heard if loud <= level_db + TOO_LOUD_DB else 0.0
            for heard, loud in zip(present[-2:], level[-2:], strict=True)
        )
        return Group(
            start=until - template.slots + template.first,
            end=until - template.after,
            track=track,
            score=score,
            speed=SPEEDS[speed],
            level_db=level_db,
            pulses=tuple(present[:pulses]),
            beside=(before, after),
            dips_db=tuple(beside - gap for beside, gap in zip(around, gaps, strict=True)),
        )

    def _worth_a_look(self, tracks: ToneTracks) -> list[int]:
        """The tracks that were the loudest of their band, and clear, in most slots of about a group's length."""
        slots = round((self.code.group_seconds + 0.8) / SLOT_SECONDS)
        least, chosen = self.code.least_loudest_slots, list[int]()
        for column, band in enumerate(BANDS):
            loudest = tracks.loudest[-slots:, column]
            times = np.bincount(loudest + 1, minlength=band.stop - band.start + 1)[1:].tolist()
            if sum(times) >= least:
                chosen += [band.start + track for track in _most_frequent(times, least)]
        return chosen

    def _presence(self, tracks: ToneTracks, chosen: list[int], slots: int) -> tuple[Slots, Slots]:
        """Level in dB `[chosen, slots]`, and presence in 0..1 for each guess of the loudness `[chosen, 2, slots]`."""
        code = self.code
        slots += SLOTS_PER_CHUNK - 1 + code.smooth - 1
        level = _smoothed(tracks.level[-slots:, chosen].T, code.smooth)
        contrast = _smoothed(tracks.contrast[-slots:, chosen].T, code.smooth)
        places = [int(quantile * level.shape[1]) for quantile in code.loud_quantiles]
        loud = np.partition(level, places, axis=1)[:, places]
        return level, presence(code, level[:, None], contrast[:, None], loud[:, :, None])


def _most_frequent(times: list[int], least: int) -> list[int]:
    """Up to three tracks, by how often they and their neighbours were the loudest; `times` counts each alone."""
    either_side = zip([0, *times], times, [*times[1:], 0], strict=False)
    both = [256 * (before + own + after) + own for before, own, after in either_side]
    chosen: list[int] = []
    for _ in range(TRACKS_AT_ONCE):
        best = both.index(max(both))
        if both[best] < (MIN_LOUDEST_SLOTS if chosen else least) * 256:
            break
        chosen.append(best)
        for near in range(max(0, best - 1), min(len(both), best + 2)):
            both[near] = 0
    return chosen


def speed_margin(code: Code, score: float) -> float:
    """How much less than a group's score one of another speed may have and still be the right one."""
    return min(code.speed_doubt * max(0.0, 1.0 - score), MOST_SPEED_MARGIN)


def presence(code: Code, level: Slots, contrast: Slots, loud_db: Slots | float) -> Slots:
    """0..1: how clearly a tone stands out, and whether it is about as loud as the pulses."""
    out: Slots = level - loud_db
    out += np.float32(code.below_db + code.fade_db)
    out *= np.float32(1 / code.fade_db)
    np.minimum(out, (contrast - np.float32(code.floor_db)) * np.float32(1 / code.range_db), out=out)
    np.maximum(out, np.float32(0.0), out=out)
    return np.minimum(out, np.float32(1.0), out=out)


def _smoothed(rows: Slots, slots: int) -> Slots:
    """Moving average along the last axis, shorter by `slots` - 1."""
    if slots == 1:
        return rows
    sums = np.zeros((rows.shape[0], rows.shape[1] + 1))
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    out: Slots = ((sums[:, slots:] - sums[:, :-slots]) / slots).astype(np.float32)
    return out


assert TEMPORAL_FOUR.cycle_seconds * 1.1 + 2.4 < HISTORY_SLOTS * SLOT_SECONDS
