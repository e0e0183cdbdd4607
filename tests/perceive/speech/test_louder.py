"""Who is louder than ourselves, and who is not."""

import numpy as np
import pytest

from listener.perceive.speech.louder import LONGEST_SAMPLES, LouderVoice, Stretch
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples


def noise(seconds: float, level_dbfs: float, seed: int = 1) -> Samples:
    count = round(seconds * SAMPLE_RATE_HZ)
    return np.random.default_rng(seed).normal(0, 10 ** (level_dbfs / 20), count).astype(np.float32)


def heard(*pieces: Samples, chunk: int = CHUNK_SAMPLES, louder: LouderVoice | None = None) -> list[Stretch]:
    sound = np.concatenate(pieces)
    louder = louder or LouderVoice()
    ends = range(chunk, len(sound) + 1, chunk)
    return [stretch for end in ends for stretch in louder.step(sound[end - chunk : end], end)]


def test_somebody_louder_is_found_where_they_are() -> None:
    (stretch,) = heard(noise(2.4, -27), noise(0.5, -17), noise(2.0, -27))
    assert stretch.start / SAMPLE_RATE_HZ == pytest.approx(2.4 - 0.16, abs=0.1)
    assert stretch.end / SAMPLE_RATE_HZ == pytest.approx(2.9 + 0.12, abs=0.1)


def test_chunks_make_no_difference() -> None:
    sound = (noise(2.4, -30), noise(0.4, -18), noise(1.2, -30), noise(0.6, -16), noise(1.8, -30))
    assert len(heard(*sound)) == 2
    assert heard(*sound, chunk=CHUNK_SAMPLES // 2) == heard(*sound)


def test_a_word_with_a_gap_in_it_is_one_stretch() -> None:
    assert len(heard(noise(2.4, -27), noise(0.2, -15), noise(0.2, -27), noise(0.2, -15), noise(1.0, -27))) == 1


@pytest.mark.parametrize(
    "pieces",
    [
        (noise(4.0, -27),),
        (noise(2.4, -27), noise(0.5, -24), noise(2.0, -27)),
        (noise(2.4, -27), noise(0.04, -10), noise(2.0, -27)),
        (noise(1.2, -27), noise(0.4, -17), noise(0.4, -27)),
    ],
    ids=["we alone", "hardly louder", "a click", "we have hardly begun"],
)
def test_nobody_is_louder(pieces: tuple[Samples, ...]) -> None:
    assert heard(*pieces) == []


def test_what_stays_louder_is_what_we_sound_like_now() -> None:
    louder = LouderVoice()
    long = 2 * LONGEST_SAMPLES / SAMPLE_RATE_HZ
    assert heard(noise(2.4, -40), noise(long, -20), noise(2.4, -20), louder=louder) == []
    assert len(heard(noise(0.4, -20), noise(0.4, -8), noise(0.8, -20), louder=louder)) == 1


def test_how_loud_we_are_is_remembered_and_who_was_speaking_is_not() -> None:
    louder = LouderVoice()
    assert heard(noise(2.4, -27), noise(0.4, -17), louder=louder) == []
    louder.pause()
    assert heard(noise(1.2, -27), louder=louder) == []
    assert len(heard(noise(0.4, -27), noise(0.4, -17), noise(0.4, -27), louder=louder)) == 1
