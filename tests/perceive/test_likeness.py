"""How alike the pulses of two groups are: all of an alarm's, whatever the room; none of what is quieter or moves."""

import numpy as np
import pytest

from listener.perceive.sounds.likeness import Likeness, likenesses
from listener.perceive.sounds.pulses import TEMPORAL_FOUR, TEMPORAL_THREE, Code, Group
from listener.perceive.sounds.tracks import HIGH_TRACKS, HISTORY_SLOTS, SLOT_SECONDS, ToneTracks

TRACK = HIGH_TRACKS + 1
PULSE_DB, FLOOR_DB, CLEAR_DB = -20.0, -70.0, 30.0

codes = pytest.mark.parametrize("code", [TEMPORAL_THREE, TEMPORAL_FOUR], ids=["three", "four"])


class Scene:
    """Two groups of `code` a cycle apart in one track: `put` changes the level in the place of a pulse."""

    def __init__(self, code: Code, speed: float = 1.0) -> None:
        self.code = code
        self.pulse = code.pulse_seconds * speed / SLOT_SECONDS
        cycle = code.cycle_seconds * speed / SLOT_SECONDS
        self.length = (2 * code.pulses - 1) * self.pulse
        last = HISTORY_SLOTS - 3 * self.pulse - 2
        self.ends = (last - cycle, last)
        self.speed = speed
        self.tracks = ToneTracks()
        self.tracks.slots_heard = HISTORY_SLOTS
        self.tracks.level[:, TRACK] = FLOOR_DB
        for group in range(2):
            for pulse in range(code.pulses):
                self.put(group, pulse, PULSE_DB)

    def groups(self, late: float = 0.0) -> tuple[Group, Group]:
        """What a finder would say, the first group `late` slots too late."""
        first, second = (
            Group(
                start=round(end - self.length + off),
                end=round(end + off),
                track=TRACK,
                score=1.0,
                speed=self.speed,
                level_db=PULSE_DB,
                pulses=(1.0,) * self.code.pulses,
                beside=(0.0, 0.0),
                dips_db=(),
            )
            for end, off in zip(self.ends, (late, 0.0), strict=True)
        )
        return first, second

    def put(self, group: int, pulse: int, level_db: float) -> None:
        """Pulse -1 is the place before the first, `pulses` the one after the last."""
        start = self.ends[group] - (2 * (self.code.pulses - pulse) - 1) * self.pulse
        span = slice(round(start), round(start + self.pulse))
        self.tracks.level[span, TRACK], self.tracks.contrast[span, TRACK] = level_db, CLEAR_DB

    def hear(self, late: float = 0.0) -> Likeness:
        (like,) = likenesses(self.code, [self.groups(late)], self.tracks)
        assert like is not None
        return like


@codes
@pytest.mark.parametrize("speed", [0.92, 1.0, 1.08])
def test_the_pulses_of_an_alarm_are_alike_and_nothing_else_is(code: Code, speed: float) -> None:
    like = Scene(code, speed).hear()
    assert like.steady > 0.9
    assert like.beside == [[0.0, 0.0], [0.0, 0.0]]
    assert like.missing <= 0.3
    assert min(like.clear) > 0.7
    assert like.count == pytest.approx(code.pulses, abs=0.3)
    assert abs(like.shift_slots) <= 0


@codes
def test_a_bark_over_a_pulse_makes_that_one_unlike_but_not_missing(code: Code) -> None:
    scene = Scene(code)
    scene.put(1, 0, PULSE_DB + 10.0)
    like = scene.hear()
    alike = np.array(like.pulses)
    assert alike[1, 0] < alike[0, 0] == 1.0
    assert alike[:, 1:].min() == 1.0
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
    scene.put(0, -1, PULSE_DB - 8.0)
    like = scene.hear()
    assert np.array(like.beside) == pytest.approx(np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert like.count == pytest.approx(code.pulses, abs=0.1), "in the group that has less"


@pytest.mark.parametrize("late", [-4, -2, 2, 4])
def test_short_pulses_are_told_together_with_their_gaps_wherever_the_groups_are_thought_to_be(late: float) -> None:
    """As in a room that fills the gaps, where neither the start nor the end of a group is to be seen."""
    scene = Scene(TEMPORAL_FOUR)
    for end in scene.ends:
        start, tail = round(end - scene.length), round(end + scene.pulse)
        scene.tracks.level[start:tail, TRACK] = np.tile(PULSE_DB - np.array([0, 2, 1, 0, 3, 2, 4, 3, 5, 6.0]), 4)
    like = scene.hear(late)
    assert like.steady > 0.9
    assert like.beside == [[0.0, 0.0], [0.0, 0.0]]


def test_a_group_that_is_off_by_a_pulse_is_put_right() -> None:
    scene = Scene(TEMPORAL_FOUR)
    first, second = scene.groups()
    scene.ends = (scene.ends[0] + 10, scene.ends[1] + 10)
    (like,) = likenesses(TEMPORAL_FOUR, [scene.groups()], scene.tracks)
    assert like is not None
    assert like.steady == 1.0
    assert scene.groups()[0].start + like.shift_slots == first.start
    assert second.end - first.end == scene.groups()[1].end - scene.groups()[0].end


@pytest.mark.parametrize("fade_db", [0.0, 1.0])
def test_pulses_that_fade_are_alike_but_spread(fade_db: float) -> None:
    """As the notes of a melody do, which are struck again and again."""
    scene = Scene(TEMPORAL_THREE)
    for end in scene.ends:
        for pulse in range(3):
            start = round(end - (5 - 2 * pulse) * scene.pulse)
            scene.tracks.level[start : start + 25, TRACK] = PULSE_DB - fade_db * np.arange(25)
    like = scene.hear()
    assert like.steady > 0.9
    assert like.spread_db == pytest.approx(17 * fade_db, abs=1.0)


@codes
def test_pairs_are_judged_together_as_alone(code: Code) -> None:
    rng = np.random.default_rng(1)
    scene = Scene(code)
    scene.tracks.level[:] = rng.normal(PULSE_DB, 4.0, scene.tracks.level.shape)
    scene.tracks.contrast[:] = rng.normal(10.0, 4.0, scene.tracks.level.shape)
    pairs = [scene.groups(late) for late in (-20.0, -3.0, 0.0, 7.0)]
    assert likenesses(code, pairs, scene.tracks) == [likenesses(code, [pair], scene.tracks)[0] for pair in pairs]
    assert likenesses(code, [], scene.tracks) == []


@codes
def test_what_is_no_longer_remembered_is_not_judged(code: Code) -> None:
    scene = Scene(code)
    scene.tracks.slots_heard += HISTORY_SLOTS // 2
    assert likenesses(code, [scene.groups()], scene.tracks) == [None]
