"""The second opinion, on real speech and a real decoder: clear commands are, and wrong ones are not believed."""

import numpy as np
import pytest
from perceive.speech.voices import needs_flite, pause, said

from listener.config import HomeConfig, SpeechConfig
from listener.perceive.speech.closed import ClosedRecognizer
from listener.perceive.speech.dereverberation import dereverberated
from listener.perceive.speech.models import plan_speech
from listener.perceive.speech.verification import MOST_MARGIN, margin
from listener.types import SAMPLE_RATE_HZ, Samples

HOME = HomeConfig.model_validate({"entities": [{"name": "Reading lamp", "domain": "light"}]})


@pytest.fixture(scope="module")
def recognizer() -> ClosedRecognizer:
    plan = plan_speech(SpeechConfig(), HOME, ["en"], wake_word=False)
    assert plan.grammar is not None
    return ClosedRecognizer(plan.grammar)


def margin_of(recognizer: ClosedRecognizer, words: str, samples: Samples) -> float:
    hearing = recognizer.open()
    assert hearing is not None
    hearing.close()
    decoders = recognizer._idle[0]
    noise = np.random.default_rng(3).normal(0, 3e-4, len(samples)).astype(np.float32)
    return margin(decoders._grammar, decoders._rivals, words.split(), samples + noise)


@needs_flite
@pytest.mark.parametrize(
    ("spoken", "mistaken"),
    [
        ("switch off the reading lamp", "switch on the reading lamp"),
        ("set a timer for fifteen minutes", "set a timer for fifty minutes"),
        ("set a timer for twenty minutes", "set a timer for twenty two minutes"),
    ],
)
def test_what_was_said_beats_its_rivals_and_they_do_not(
    recognizer: ClosedRecognizer, spoken: str, mistaken: str
) -> None:
    samples = np.concatenate((pause(0.3), said(spoken, "slt"), pause(0.5)))
    assert margin_of(recognizer, spoken, samples) > 0 > margin_of(recognizer, mistaken, samples)


def test_what_has_no_rival_is_not_doubted(recognizer: ClosedRecognizer) -> None:
    assert margin_of(recognizer, "no such sentence", pause(0.5)) == MOST_MARGIN


def test_the_search_is_as_it_was(recognizer: ClosedRecognizer) -> None:
    margin_of(recognizer, "switch on the reading lamp", pause(1.0))
    assert recognizer._idle[0]._grammar.current_search() == "grammar"
    assert margin_of(recognizer, "switch on the reading lamp", pause(1.0)) <= MOST_MARGIN


def test_the_echo_goes_and_the_sound_stays() -> None:
    """A burst of noise that falls by 60 dB in 0.4 s: its beginning is kept, its tail is quieter."""
    rng = np.random.default_rng(5)
    t = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    decay = np.where(t < 0.2, 0.0, np.where(t < 0.4, 1.0, 10 ** (-3 * (t - 0.4) / 0.4)))
    sound = (0.1 * decay * rng.normal(size=len(t))).astype(np.float32)
    dry = dereverberated(sound)
    assert dry.dtype == np.float32
    assert len(dry) == len(sound)

    def change_db(start: float, end: float) -> float:
        part = slice(round(start * SAMPLE_RATE_HZ), round(end * SAMPLE_RATE_HZ))
        return float(10 * np.log10(np.mean(dry[part] ** 2) / np.mean(sound[part] ** 2)))

    assert change_db(0.2, 0.24) > -1.0
    assert change_db(0.5, 0.7) < change_db(0.25, 0.39) - 1.0


@pytest.mark.parametrize("count", [0, 1, 399, 401, 6_400])
def test_any_length_stays_as_long(count: int) -> None:
    assert len(dereverberated(np.ones(count, np.float32))) == count
    assert np.isfinite(dereverberated(np.zeros(count, np.float32))).all()
