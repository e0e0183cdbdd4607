"""Where in the newest 20 s somebody spoke."""

import numpy as np
import pytest

from listener.decide.audio_interaction.utterances import RecentSpeech, resumes
from listener.types import CHUNK_SAMPLES, Chunk, Episode, Percept, SpeechPercept, Spoken

SPEECH = Episode("s", "speech", 0.9, 1.0)


def chunk(index: int, monotonic_ns: int | None = None) -> Chunk:
    return Chunk(np.full(CHUNK_SAMPLES, index, np.float32), index, monotonic_ns=monotonic_ns)


def follow(speech: RecentSpeech, chunks: int, script: dict[int, Percept], voiced: set[int] | None = None) -> float:
    t = 0.0
    for index in range(chunks):
        t = chunk(index).t
        percept = script.get(index, Percept(t, -40.0))
        if voiced is not None:
            percept = Percept(t, -40.0, speech=SpeechPercept(speaking=index in voiced))
        speech.follow(chunk(index), percept)
    return t


def bounds(speech: RecentSpeech, t: float) -> tuple[float, float] | None:
    utterance = speech.at(t)
    if utterance is None:
        return None
    assert utterance.samples.size == round((utterance.end - utterance.start) * 16_000)
    return utterance.start, utterance.end


def test_the_voice_activity_gives_the_bounds_where_there_is_one() -> None:
    speech = RecentSpeech()
    t = follow(speech, 10, {}, voiced={3, 4, 5})
    assert bounds(speech, t) == (pytest.approx(0.8), pytest.approx(2.8))
    utterance = speech.at(t)
    assert utterance is not None
    assert set(utterance.samples) == {2.0, 3.0, 4.0, 5.0, 6.0}


def test_an_episode_of_speech_gives_them_otherwise() -> None:
    speech = RecentSpeech()
    ended = Episode("s", "speech", 0.9, 1.0, 2.0)
    t = follow(speech, 10, {4: Percept(2.0, -40.0, started=(SPEECH,)), 8: Percept(3.6, -40.0, ended=(ended,))})
    assert bounds(speech, 2.4) is not None
    assert bounds(speech, t) == (pytest.approx(0.6), pytest.approx(3.0))


def test_speech_that_goes_on_ends_now_and_of_a_long_one_the_last_20_s_are_kept() -> None:
    speech = RecentSpeech()
    t = follow(speech, 100, {4: Percept(2.0, -40.0, started=(SPEECH,))})
    assert bounds(speech, t) == (pytest.approx(20.0), pytest.approx(40.0))


def test_what_was_said_long_ago_or_never_is_no_utterance() -> None:
    speech = RecentSpeech()
    assert speech.at(0.4) is None
    t = follow(speech, 20, {4: Percept(2.0, -40.0, started=(Episode("d", "dog_bark", 0.9, 1.0),))})
    assert speech.at(t) is None
    speech = RecentSpeech()
    t = follow(speech, 20, {}, voiced={3})
    assert speech.at(t) is None


def test_what_a_recognizer_has_understood_is_known() -> None:
    speech, said = RecentSpeech(), Spoken("lights on", True, 0.9, 0.5, 1.5)
    percept = Percept(1.6, -40.0, speech=SpeechPercept(spoken=(said,)))
    follow(speech, 4, {3: percept})
    utterance = speech.at(1.6)
    assert utterance is not None
    assert (utterance.start, utterance.end) == (pytest.approx(0.1), pytest.approx(1.5))
    assert speech.recognised(utterance) == said


def test_a_gap_in_live_sound_is_a_new_beginning() -> None:
    assert resumes(chunk(0, 1_000_000_000), chunk(1, 9_000_000_000))
    assert not resumes(chunk(0, 1_000_000_000), chunk(1, 1_400_000_000))
    assert not resumes(chunk(0), chunk(1))
    assert not resumes(None, chunk(1, 1))
