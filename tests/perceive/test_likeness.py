"""How alike the pulses of two groups are: all of an alarm's, whatever the room; none of what is quieter or moves."""

import numpy as np
import pytest

from listener.perceive.sounds.likeness import Likeness, likeness
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE, Code, Group
from listener.perceive.sounds.tracks import HIGH_TRACKS, HISTORY_SLOTS, SLOT_SECONDS, ToneTracks

TRACK = HIGH_TRACKS + 1
PULSE_DB, FLOOR_DB = -20.0, -70.0

codes = pytest.mark.parametrize("code", [TEMPORAL_THREE, TEMPORAL_FOUR], ids=["three", "four"])


class Scene:
    """Two groups of `code` a cycle apart in one track: `put` changes the level in the place of a pulse."""

    def __init__(self, code: Code, speed: float = 1.0) -> None:
        self.code = code
        self.pulse = code.pulse_seconds * speed / SLOT_SECONDS
        cycle = code.cycle_seconds * speed / SLOT_SECONDS
        length = (2 * code.pulses - 1) * self.pulse
        last = HISTORY_SLOTS - 2 * self.pulse - 2
        self.ends = (last - cycle, last)
        self.tracks = ToneTracks()
        self.tracks.slots_heard = HISTORY_SLOTS
        self.tracks.level[:, TRACK] = FLOOR_DB
        self.groups = [
            Group(round(end - length), round(end), TRACK, 1.0, speed, PULSE_DB, (1.0,) * code.pulses, (0.0, 0.0), ())
            for end in self.ends
        ]
        for group in range(2):
            for pulse in range(code.pulses):
                self.put(group, pulse, PULSE_DB)

    def put(self, group: int, pulse: int, level_db: float) -> None:
        """Pulse -1 is the place before the first, `pulses` the one after the last."""
        start = self.ends[group] - (2 * (self.code.pulses - pulse) - 1) * self.pulse
        self.tracks.level[round(start) : round(start + self.pulse), TRACK] = level_db

    def hear(self) -> Likeness:
        like = likeness(self.code, *self.groups, self.tracks)
        assert like is not None
        return like


@codes
@pytest.mark.parametrize("speed", [0.92, 1.0, 1.08])
def test_the_pulses_of_an_alarm_are_alike_and_nothing_else_is(code: Code, speed: float) -> None:
    like = Scene(code, speed).hear()
    assert like.steady == 1.0
    assert like.before == like.after == (0.0, 0.0)
    assert like.pause == like.missing == 0.0


@codes
def test_a_bark_over_a_pulse_makes_that_one_unlike_but_not_missing(code: Code) -> None:
    scene = Scene(code)
    scene.put(1, 0, PULSE_DB + 10.0)
    like = scene.hear()
    assert like.pulses == ((1.0,) * code.pulses, (0.0,) + (1.0,) * (code.pulses - 1))
    assert like.missing == 0.0


@codes
def test_a_quieter_pulse_is_missing(code: Code) -> None:
    scene = Scene(code)
    scene.put(0, code.pulses - 1, PULSE_DB - 10.0)
    assert scene.hear().missing == 1.0


@codes
def test_a_pulse_too_many_is_alike_where_it_is_as_loud(code: Code) -> None:
    scene = Scene(code)
    scene.put(1, code.pulses, PULSE_DB + 1.0)
    scene.put(0, -1, PULSE_DB - 4.0)
    like = scene.hear()
    assert like.after == (0.0, 1.0)
    assert like.before == (0.0, 0.0)


@codes
def test_what_is_as_loud_as_the_pulses_in_the_pause_is_counted(code: Code) -> None:
    scene = Scene(code)
    first, second = scene.groups
    scene.tracks.level[first.end : second.start, TRACK] = PULSE_DB + 2.0
    assert scene.hear().pause == 1.0
    scene.tracks.level[first.end : second.start, TRACK] = PULSE_DB + 4.0
    assert scene.hear().pause == 0.0


def test_pulses_that_fade_are_alike_but_spread() -> None:
    """As the notes of a melody do, which are struck again and again."""
    scene = Scene(TEMPORAL_THREE)
    for end in scene.ends:
        for pulse in range(3):
            start = round(end - (5 - 2 * pulse) * scene.pulse)
            scene.tracks.level[start : start + 25, TRACK] = PULSE_DB - np.arange(25)
    like = scene.hear()
    assert like.steady == 1.0
    assert like.spread_db > 10.0


def test_what_is_no_longer_remembered_is_not_judged() -> None:
    scene = Scene(TEMPORAL_THREE)
    scene.tracks.slots_heard += HISTORY_SLOTS // 2
    assert likeness(TEMPORAL_THREE, *scene.groups, scene.tracks) is None
