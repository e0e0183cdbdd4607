"""What we play, on the microphone's time; and two clocks."""

import os

import numpy as np
import pytest

from listener.perceive.process.wire import Inbox, Kind, request
from listener.perceive.speech.echo.drift import MOST, Drift
from listener.perceive.speech.echo.reference import LATEST_SAMPLES, Reference
from listener.types import OwnVoice

ONES = np.ones(1_000, np.float32)


def test_a_clip_is_where_it_was_found() -> None:
    reference = Reference()
    reference.play(ONES, 5_000)
    assert not reference.between(0, 20_000).any()
    reference.clips[0].start = 6_000
    (played,) = np.nonzero(reference.between(5_500, 6_500))
    assert (played[0], played[-1]) == (500, 999)


def test_what_was_handed_over_in_time_follows() -> None:
    reference = Reference()
    reference.play(ONES, 5_000)
    reference.play(ONES, 5_500)
    reference.clips[0].start = 6_000
    reference.follow()
    assert reference.clips[1].start == 7_000
    reference.play(ONES, 7_500)
    assert reference.clips[2].start == 8_000


def test_what_was_handed_over_late_is_to_be_looked_for() -> None:
    reference = Reference()
    reference.play(ONES, 5_000)
    reference.clips[0].start = 6_000
    reference.play(ONES, 7_001)
    assert reference.clips[1].start is None


def test_what_is_cut_is_not_played() -> None:
    reference = Reference()
    reference.play(ONES, 0)
    reference.clips[0].start = 100
    reference.cut(400)
    assert np.count_nonzero(reference.between(0, 5_000)) == 300


def test_what_is_never_found_is_forgotten() -> None:
    reference = Reference()
    reference.play(ONES, 0)
    reference.forget(LATEST_SAMPLES + 1_000)
    assert reference.clips
    reference.forget(LATEST_SAMPLES + 1_001)
    assert not reference.clips


@pytest.mark.parametrize("ppm", [-100, -20, 50])
def test_a_drift_is_learned_from_reply_to_reply(ppm: int) -> None:
    drift = Drift()
    for reply in range(8):
        left = ppm * 1e-6 - drift.share
        for chunk in range(12):
            drift.place(reply * 200_000 + chunk * 6_400, round(left * chunk * 6_400))
        drift.learn()
    assert drift.share * 1e6 == pytest.approx(ppm, abs=15)


def test_a_jump_is_no_drift() -> None:
    drift = Drift()
    for chunk in range(5):
        drift.place(chunk * 6_400, 16 * chunk)
    for _ in range(9):
        drift.learn()
    assert abs(drift.share) <= MOST
    drift = Drift()
    drift.place(0, 0)
    drift.place(6_400, 16)
    drift.learn()
    assert drift.share == 0.0, "two places say little"
    for chunk in range(5):
        drift.place(chunk * 6_400, 16 * chunk)
    drift.forget()
    drift.learn()
    assert drift.share == 0.0


def test_a_sound_is_as_long_as_the_microphone_hears_it() -> None:
    drift = Drift()
    sound = np.zeros(160_000, np.float32)
    assert drift.applied(sound) is sound
    drift.share = 100e-6
    assert len(drift.applied(sound)) == 160_016
    assert not len(drift.applied(sound[:0]))


def test_what_we_sound_like_reaches_the_process_that_hears() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as pipe, os.fdopen(writing, "wb", 0) as end:
        end.write(request(Kind.APPLY, 3, 7, OwnVoice("Dinner", sound=ONES)))
        (taken,) = Inbox(pipe).take(1)
    assert taken.payload == OwnVoice("Dinner")
    assert np.array_equal(taken.payload.sound, ONES)
