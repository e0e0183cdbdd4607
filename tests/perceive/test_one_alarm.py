"""When two groups are one alarm: each thing that is wrong with them is enough."""

from dataclasses import replace

import numpy as np
import pytest

from listener.perceive.sounds.likeness import Likeness
from listener.perceive.sounds.one_alarm import may_be_one, score
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE, Code, Group
from listener.perceive.sounds.tracks import HISTORY_SLOTS, SLOT_SECONDS, ToneTracks

TRACK = 12
PULSE_DB, FLOOR_DB = -20.0, -60.0

codes = pytest.mark.parametrize("code", [TEMPORAL_THREE, TEMPORAL_FOUR], ids=["three", "four"])


def groups(code: Code) -> tuple[Group, Group]:
    """Two as clear as can be, the second one just heard."""
    length, cycle = round(code.group_seconds / SLOT_SECONDS), round(code.cycle_seconds / SLOT_SECONDS)
    first, second = (
        Group(
            start=end - length,
            end=end,
            track=TRACK,
            score=1.0,
            speed=1.0,
            level_db=PULSE_DB,
            pulses=(1.0,) * code.pulses,
            beside=(0.0, 0.0),
            dips_db=(20.0,) * (code.pulses - 1),
        )
        for end in (HISTORY_SLOTS - cycle, HISTORY_SLOTS)
    )
    return first, second


def likeness(code: Code) -> Likeness:
    return Likeness(
        pulses=[[1.0] * code.pulses] * 2,
        beside=[[0.0, 0.0], [0.0, 0.0]],
        missing=0.0,
        clear=[1.0] * code.pulses,
        count=float(code.pulses),
        level_db=PULSE_DB,
        spread_db=5.0,
        shift_slots=0,
    )


def quiet() -> ToneTracks:
    tracks = ToneTracks()
    tracks.slots_heard = HISTORY_SLOTS
    tracks.level[:] = FLOOR_DB
    return tracks


@codes
def test_pulses_that_are_alike_with_nothing_beside_are_one_alarm(code: Code) -> None:
    assert may_be_one(code, *groups(code))
    surely = score(code, *groups(code), likeness(code), quiet())
    assert surely is not None
    assert surely >= 1.0


@codes
@pytest.mark.parametrize(
    "wrong",
    [
        {"missing": 0.6},
        {"beside": [[0.0, 0.3], [0.0, 0.3]]},
        {"beside": [[0.5, 0.0], [0.0, 0.5]]},
        {"beside": [[1.0, 0.0], [0.0, 0.0]]},
        {"clear": [0.2] * 4},
    ],
    ids=["one missing", "after both", "two of four", "clean, but one too many", "faint"],
)
def test_what_is_wrong_with_them_is_enough(code: Code, wrong: dict[str, object]) -> None:
    assert score(code, *groups(code), replace(likeness(code), **wrong), quiet()) is None


def test_pulses_that_fade_are_struck_notes() -> None:
    first, second = (replace(group, pulses=(0.5,) * 3) for group in groups(TEMPORAL_THREE))
    assert score(TEMPORAL_THREE, first, second, replace(likeness(TEMPORAL_THREE), spread_db=12.0), quiet()) is None


def test_a_fifth_short_pulse_that_is_not_quite_alike_is_counted() -> None:
    assert score(TEMPORAL_FOUR, *groups(TEMPORAL_FOUR), replace(likeness(TEMPORAL_FOUR), count=4.7), quiet()) is None


def test_one_beep_as_long_as_four_pulses_has_no_gaps() -> None:
    assert (
        score(TEMPORAL_FOUR, *groups(TEMPORAL_FOUR), replace(likeness(TEMPORAL_FOUR), spread_db=1.0), quiet()) is None
    )


def test_a_bark_as_loud_beside_one_short_group_is_none_of_it_where_it_is_noisy_but_two_are() -> None:
    noisy = replace(likeness(TEMPORAL_FOUR), pulses=[[0.8] * 4] * 2)
    both = groups(TEMPORAL_FOUR)
    assert score(TEMPORAL_FOUR, *both, replace(noisy, beside=[[1.0, 0.0], [0.0, 0.0]]), quiet()) is not None
    assert score(TEMPORAL_FOUR, *both, replace(noisy, beside=[[1.0, 0.0], [0.0, 0.5]]), quiet()) is None


def test_one_beep_as_long_as_three_pulses_has_no_gaps() -> None:
    first, second = (replace(group, dips_db=(0.0, 2.0)) for group in groups(TEMPORAL_THREE))
    assert score(TEMPORAL_THREE, first, second, likeness(TEMPORAL_THREE), quiet()) is None


@codes
def test_what_sounds_as_loud_in_the_pause_counts_against_them(code: Code) -> None:
    first, second = groups(code)
    scores = []
    for part in (0.0, 0.2, 0.6):
        tracks = quiet()
        slots = round(part * (second.start - first.end))
        tracks.level[first.end + 20 : first.end + 20 + slots, TRACK] = PULSE_DB
        scores.append(score(code, first, second, likeness(code), tracks))
    assert scores == sorted(scores, reverse=True)
    assert np.ptp(scores) > 0.4
