"""Our own voice is taken out, somebody else's is not, whatever lies between the loudspeaker and the microphone."""

from collections.abc import Mapping

import numpy as np
import pytest
from perceive.speech.echo.speakers import babble, faint_noise, in_the_room, power_db

from listener.perceive.speech.echo.canceller import EchoCanceller
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples

SENTENCE_SECONDS = 3.2
REPLY_EVERY = 12
"""Chunks from the beginning of one reply to that of the next."""
ONE = SENTENCE_SECONDS * SAMPLE_RATE_HZ


def replies(count: int) -> Mapping[int, Samples]:
    """By the chunk before which they are handed over."""
    return {1 + REPLY_EVERY * n: babble(SENTENCE_SECONDS, seed=n) for n in range(count)}


def played(script: Mapping[int, Samples], chunks: int) -> Samples:
    """What the loudspeaker plays if it does so at once."""
    track = np.zeros(chunks * CHUNK_SAMPLES, np.float32)
    for chunk, sound in script.items():
        track[chunk * CHUNK_SAMPLES : chunk * CHUNK_SAMPLES + len(sound)] += sound
    return track


def heard_by(canceller: EchoCanceller, microphone: Samples, script: Mapping[int, Samples]) -> Samples:
    """What is left of it; each reply is handed over before its chunk, and told to be over when it is."""
    left = []
    for index in range(len(microphone) // CHUNK_SAMPLES):
        start = index * CHUNK_SAMPLES
        if index in script:
            canceller.play(script[index], start)
        if index % REPLY_EVERY == 10:
            canceller.end(start)
        left.append(canceller.step(microphone[start : start + CHUNK_SAMPLES], start + CHUNK_SAMPLES))
    return np.concatenate(left)


def taken_out_db(echo: Samples, left: Samples, others: Samples, reply: int) -> float:
    """Of a reply: by how much fainter the echo is, whoever else is heard meanwhile."""
    first = (1 + REPLY_EVERY * reply) * CHUNK_SAMPLES
    part = slice(first, first + 9 * CHUNK_SAMPLES)
    return power_db(echo[part]) - power_db(left[part] - others[part])


@pytest.mark.parametrize(("delay_seconds", "rt60_seconds"), [(0.0, 0.2), (0.12, 0.6), (0.5, 0.4), (1.1, 0.4)])
def test_our_own_voice_is_taken_out_however_late_it_comes(delay_seconds: float, rt60_seconds: float) -> None:
    script = replies(4)
    echo = in_the_room(played(script, 50), delay_seconds, rt60_seconds=rt60_seconds)
    noise = faint_noise(len(echo))
    left = heard_by(EchoCanceller(), echo + noise, script)
    assert taken_out_db(echo, left, noise, 0) > 2, "the first reply teaches"
    assert taken_out_db(echo, left, noise, 3) > 12


def test_who_speaks_into_our_words_is_left_as_they_are() -> None:
    script = replies(4)
    echo = in_the_room(played(script, 50))
    person = faint_noise(len(echo))
    first = (1 + REPLY_EVERY * 3 + 3) * CHUNK_SAMPLES
    person[first : first + SAMPLE_RATE_HZ] += babble(1.0, seed=99, level_dbfs=-20.0)
    left = heard_by(EchoCanceller(), echo + person, script)
    part = slice(first, first + SAMPLE_RATE_HZ)
    assert np.corrcoef(left[part], person[part])[0, 1] > 0.98 > np.corrcoef((echo + person)[part], person[part])[0, 1]


def test_who_speaks_before_we_were_ever_heard_is_left_as_they_are() -> None:
    """A canceller that has learned nothing yet must not learn them."""
    script = replies(1)
    echo = in_the_room(played(script, 12))
    person = faint_noise(len(echo)) + babble(len(echo) / SAMPLE_RATE_HZ, seed=99, level_dbfs=-18.0)
    left = heard_by(EchoCanceller(), echo + person, script)
    assert np.corrcoef(left, person)[0, 1] > 0.95


def test_a_reply_that_is_ended_is_not_put_into_the_silence() -> None:
    """What was handed over and never played is not there to be taken out."""
    script = replies(3)
    full = played(script, 38)
    killed = (1 + REPLY_EVERY * 2 + 3) * CHUNK_SAMPLES
    full[killed:] = 0.0
    echo = in_the_room(full) + faint_noise(len(full))
    canceller = EchoCanceller()
    left = []
    for index in range(38):
        start = index * CHUNK_SAMPLES
        if index in script:
            canceller.play(script[index], start)
        if index % REPLY_EVERY == 10 or start == killed:
            canceller.end(start)
        left.append(canceller.step(echo[start : start + CHUNK_SAMPLES], start + CHUNK_SAMPLES))
    after = np.concatenate(left)[killed + SAMPLE_RATE_HZ // 2 :]
    assert power_db(after) < -55


def test_a_sentence_that_is_handed_over_in_time_follows_the_one_before() -> None:
    one, other = babble(2.0, seed=1), babble(2.0, seed=2)
    script = replies(3)
    track = played(script, 60)
    first = 40 * CHUNK_SAMPLES
    track[first : first + len(one)] += one
    track[first + len(one) : first + len(one) + len(other)] += other
    echo = in_the_room(track)
    noise = faint_noise(len(echo))
    canceller, left = EchoCanceller(), []
    for index in range(60):
        start = index * CHUNK_SAMPLES
        if index in script:
            canceller.play(script[index], start)
        if index == 40:
            canceller.play(one, start)
        if index == 43:  # a second before it is heard
            canceller.play(other, start)
        if index % REPLY_EVERY == 10 and index < 40:
            canceller.end(start)
        left.append(canceller.step((echo + noise)[start : start + CHUNK_SAMPLES], start + CHUNK_SAMPLES))
    rest = np.concatenate(left) - noise
    second = slice(first + len(one) + 4_000, first + len(one) + len(other))
    assert power_db(echo[second]) - power_db(rest[second]) > 12


def test_a_sentence_that_is_said_again_is_another_one() -> None:
    """ "The kitchen: smoke" is said until somebody comes: the one before must not be found in the one after."""
    sentence = np.concatenate((babble(SENTENCE_SECONDS), faint_noise(3 * SAMPLE_RATE_HZ // 2, -100.0)))
    script = dict.fromkeys((1, 1 + REPLY_EVERY, 1 + 2 * REPLY_EVERY, 1 + 3 * REPLY_EVERY), sentence)
    echo = in_the_room(played(script, 50))
    noise = faint_noise(len(echo))
    canceller = EchoCanceller()
    left = []
    for index in range(50):  # the end of each is told as late as can be: with the next
        start = index * CHUNK_SAMPLES
        if index in script:
            canceller.end(start)
            canceller.play(script[index], start)
        left.append(canceller.step((echo + noise)[start : start + CHUNK_SAMPLES], start + CHUNK_SAMPLES))
    assert taken_out_db(echo, np.concatenate(left), noise, 3) > 12


def test_a_loudspeaker_that_this_microphone_does_not_hear_changes_nothing() -> None:
    script = replies(2)
    sound = faint_noise(30 * CHUNK_SAMPLES, -50.0)
    canceller = EchoCanceller()
    assert np.array_equal(heard_by(canceller, sound, script), sound)
    assert not canceller.clean


def test_silence_costs_nothing_and_leaves_the_samples_alone() -> None:
    chunk = faint_noise(CHUNK_SAMPLES)
    canceller = EchoCanceller()
    assert canceller.step(chunk, CHUNK_SAMPLES) is chunk
    assert not canceller.active


def test_clocks_that_drift_are_learned() -> None:
    """A hundred parts in a million: eight samples in a reply of five seconds."""
    drift = 100e-6
    script = {1 + 15 * n: babble(5.2, seed=n) for n in range(12)}
    stretched = {chunk: _stretched(sound, 1 + drift) for chunk, sound in script.items()}
    echo = in_the_room(played(stretched, 182))
    noise = faint_noise(len(echo))
    canceller, left = EchoCanceller(), []
    for index in range(182):
        start = index * CHUNK_SAMPLES
        if index in script:
            canceller.play(script[index], start)
        if index % 15 == 0:
            canceller.end(start)
        left.append(canceller.step((echo + noise)[start : start + CHUNK_SAMPLES], start + CHUNK_SAMPLES))
    rest = np.concatenate(left) - noise

    def reply_db(number: int) -> float:
        part = slice((1 + 15 * number) * CHUNK_SAMPLES, (14 + 15 * number) * CHUNK_SAMPLES)
        return power_db(echo[part]) - power_db(rest[part])

    assert reply_db(11) > 10
    assert reply_db(11) > reply_db(2) + 3


def _stretched(sound: Samples, by: float) -> Samples:
    """As a clock plays it that runs slower by that factor; the whole spectrum by a phase that grows."""
    fine = np.fft.irfft(np.fft.rfft(sound), 8 * len(sound)) * 8
    return np.interp(np.arange(round(len(sound) * by)) / by * 8, np.arange(len(fine)), fine).astype(np.float32)
