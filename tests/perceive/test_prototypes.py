"""Taught sounds as points in space: what is like them scores above a half, and what is not does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.perceive.sounds.common_sounds import CommonSounds, common_sounds
from listener.perceive.sounds.prototypes import LEAST_GAP, prototype, reached_by

WIDTH = 24


def made_common(seed: int = 0) -> CommonSounds:
    """Common sounds that vary more in half of the directions, around nought, as the network makes them."""
    rng = np.random.default_rng(seed)
    spread = np.r_[np.full(WIDTH // 2, 1.5), np.full(WIDTH // 2, 0.8)]
    return common_sounds((rng.standard_normal((400, WIDTH)) * spread).astype(np.float32), "n", 0.5)


def takes_of(rng: np.random.Generator, where: np.ndarray, number: int = 5, spread: float = 0.3) -> list[np.ndarray]:
    return [(where + spread * rng.standard_normal((3, WIDTH))).astype(np.float32) for _ in range(number)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_a_sound_is_known_again_and_common_sounds_are_not_taken_for_it(seed: int) -> None:
    rng, common = np.random.default_rng(seed), made_common()
    where = 4 * rng.standard_normal(WIDTH)
    made = prototype([common.space(take) for take in takes_of(rng, where)], common.others[:0], common)
    again = common.space(np.concatenate(takes_of(rng, where, 20)))
    assert (made.scores(again) > 0.5).mean() >= 0.9
    assert (made.scores(common.others) > 0.5).mean() <= 0.01
    assert len(made.left_out) == 5
    assert min(made.left_out) > 0.5


def test_a_left_out_take_of_another_sound_is_not_recognised() -> None:
    rng, common = np.random.default_rng(1), made_common()
    here, there = 4 * rng.standard_normal((2, WIDTH))
    takes = [*takes_of(rng, here, 4), *takes_of(rng, there, 1)]
    made = prototype([common.space(take) for take in takes], common.others[:0], common)
    assert [score > 0.5 for score in made.left_out] == [True] * 4 + [False]


def test_what_was_told_wrong_is_not_taken_for_it_any_more() -> None:
    rng, common = np.random.default_rng(2), made_common()
    where = 4 * rng.standard_normal(WIDTH)
    takes = [common.space(take) for take in takes_of(rng, where)]
    near = where.copy()
    near[WIDTH // 2 :] += 1.2
    wrong = common.space(np.concatenate(takes_of(rng, near, 2)))
    again = common.space(np.concatenate(takes_of(rng, near, 5)))
    before = prototype(takes, common.others[:0], common).scores(again).mean()
    after = prototype(takes, wrong, common).scores(again).mean()
    assert after < before - 0.1


def test_points_have_length_one() -> None:
    common = made_common()
    np.testing.assert_allclose(np.linalg.norm(common.others, axis=1), 1.0, atol=1e-5)
    assert np.isfinite(common.space(np.zeros((1, WIDTH), np.float32))).all()


@pytest.mark.parametrize("number", [1, 2])
def test_few_takes_are_judged_all_the_same(number: int) -> None:
    rng, common = np.random.default_rng(3), made_common()
    takes = [common.space(take) for take in takes_of(rng, 4 * rng.standard_normal(WIDTH), number)]
    assert np.isfinite(prototype(takes, common.others[:0], common).threshold)


def with_recordings(where: np.ndarray, label: str, number: int = 3) -> CommonSounds:
    """Common sounds, and as many recordings of that label there as of others elsewhere."""
    rng = np.random.default_rng(7)
    common = made_common()
    near, far = (centre + 0.3 * rng.standard_normal((number, WIDTH)) for centre in (where, -where))
    recorded = np.concatenate([near, far]).astype(np.float32)
    return common_sounds(common.others, "n", 0.5, recorded, [*[(label, 1)] * number, *[("door", 1)] * number])


def test_a_sound_that_recordings_of_a_label_are_as_near_to_is_too_much_like_that_label() -> None:
    rng = np.random.default_rng(5)
    where = 4 * rng.standard_normal(WIDTH)
    takes = [CommonSounds.space(take) for take in takes_of(rng, where)]
    alone = prototype(takes, takes[0][:0], made_common())
    assert (alone.gap > LEAST_GAP, alone.like) == (True, "")
    beside = prototype(takes, takes[0][:0], with_recordings(where, "power_tool"))
    assert (beside.gap < LEAST_GAP, beside.like) == (True, "power_tool")
    elsewhere = prototype(takes, takes[0][:0], with_recordings(4 * rng.standard_normal(WIDTH), "power_tool"))
    assert (elsewhere.gap > LEAST_GAP, elsewhere.like) == (True, "")


def test_the_threshold_lies_above_what_a_recording_reaches() -> None:
    rng = np.random.default_rng(6)
    where, aside = 4 * rng.standard_normal((2, WIDTH))
    takes = [CommonSounds.space(take) for take in takes_of(rng, where)]
    common = with_recordings(where + 0.7 * aside, "engine")
    made = prototype(takes, takes[0][:0], common)
    assert made.scores(common.recordings.points).max() < 0.5
    assert made.threshold > prototype(takes, takes[0][:0], made_common()).threshold


@pytest.mark.parametrize(("values", "reached"), [([3], 3), ([3, 1], 1), ([1, 3, 2], 2), ([5, 1, 4, 6, 2, 3], 4)])
def test_a_take_reaches_what_enough_of_its_chunks_do(values: list[float], reached: float) -> None:
    assert reached_by(np.array(values, np.float32)) == reached


def test_takes_that_are_not_like_each_other_are_not_too_much_like_a_label() -> None:
    rng = np.random.default_rng(8)
    centres = 4 * rng.standard_normal((5, WIDTH))
    takes = [CommonSounds.space(take) for centre in centres for take in takes_of(rng, centre, 1)]
    made = prototype(takes, takes[0][:0], with_recordings(centres[0], "power_tool"))
    assert (made.gap < LEAST_GAP, made.like) == (True, "")
