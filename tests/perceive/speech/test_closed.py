"""The closed recognizer on real speech: what is a command, what is prose, and who gets a decoder."""

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
from home_assistant_intents import get_speech_to_phrase_intents
from perceive.speech.voices import needs_flite, pause, said

from listener.config import PHONES, HomeConfig, SpeechConfig
from listener.config.speech import CLOSED_INTENTS
from listener.errors import ConfigError, ModelError
from listener.perceive.speech.closed import Calibration, ClosedRecognizer, Decoded, Grammar
from listener.perceive.speech.lexicon import guess, pronounce
from listener.perceive.speech.models import SpeechPlan, plan_speech
from listener.types import Recognition, Samples

HOME = HomeConfig.model_validate(
    {
        "areas": [{"name": "Kitchen"}],
        "entities": [{"name": "Coffee machine", "domain": "switch"}, {"name": "Küchenlampe 2", "domain": "light"}],
    }
)


@pytest.fixture(scope="module")
def plan() -> SpeechPlan:
    return plan_speech(SpeechConfig(), HOME, ["en"], wake_word=True)


@pytest.fixture(scope="module")
def recognizer(plan: SpeechPlan) -> ClosedRecognizer:
    assert plan.grammar is not None
    return ClosedRecognizer(plan.grammar, max_open=2)


def heard(recognizer: ClosedRecognizer, samples: Samples, step: int = 6_400) -> Recognition:
    hearing = recognizer.open()
    assert hearing is not None
    samples = np.concatenate((pause(0.3), samples, pause(0.5)))
    samples = samples + np.random.default_rng(2).normal(0, 3e-4, len(samples)).astype(np.float32)
    for start in range(0, len(samples), step):
        hearing.feed(samples[start : start + step])
    return hearing.finish()


@needs_flite
@pytest.mark.parametrize("voice", ["rms", "awb"])
@pytest.mark.parametrize(
    "text", ["turn on the coffee machine", "what time is it", "set a pasta timer for nine minutes"]
)
def test_commands_are_recognized(recognizer: ClosedRecognizer, voice: str, text: str) -> None:
    recognition = heard(recognizer, said(text, voice))
    assert recognition.text.replace("set the", "set a") == text
    assert recognition.confidence > 0.5


@needs_flite
def test_a_pause_begins_the_work_of_a_short_command(recognizer: ClosedRecognizer) -> None:
    """So that not all of it is left for the chunk in which it ends; what is understood is the same."""
    sound = np.concatenate((pause(0.1), said("what time is it", "slt"), pause(0.2)))
    sound = sound + np.random.default_rng(2).normal(0, 3e-4, len(sound)).astype(np.float32)
    hearing = recognizer.open()
    assert hearing is not None
    hearing.feed(sound[:8_000])
    hearing.pause()
    assert hearing.partial() == "", "too little for a mean"
    hearing.feed(sound[8_000:])
    assert hearing.partial() == ""
    hearing.pause()
    assert hearing.partial().startswith("what")
    assert hearing.finish().text == "what time is it"


@needs_flite
def test_prose_is_not_believed(recognizer: ClosedRecognizer) -> None:
    for text in (
        "it was the best of times and the worst of times",
        "the committee will meet again next thursday morning",
    ):
        assert heard(recognizer, said(text)).confidence < 0.3


@needs_flite
def test_the_wake_word_is_left_out_and_alone_it_is_nothing(recognizer: ClosedRecognizer) -> None:
    assert heard(recognizer, said("okay nabu what time is it")).text == "what time is it"
    assert heard(recognizer, said("okay nabu")).text == ""


def test_nothing_fed_is_nothing(recognizer: ClosedRecognizer) -> None:
    hearing = recognizer.open()
    assert hearing is not None
    assert hearing.finish().text == ""


@needs_flite
def test_an_utterance_does_not_change_the_next(recognizer: ClosedRecognizer) -> None:
    first = heard(recognizer, said("what time is it"))
    heard(recognizer, 10 * said("it was the best of times"))
    again = heard(recognizer, said("what time is it"))
    assert again.text == first.text
    assert again.confidence == pytest.approx(first.confidence, abs=0.02)


def test_no_more_decoders_than_allowed_and_each_comes_back(recognizer: ClosedRecognizer) -> None:
    one, two = recognizer.open(), recognizer.open()
    assert one is not None
    assert two is not None
    assert recognizer.open() is None
    assert recognizer.refused == 1
    one.close()
    two.feed(pause(1.0))
    two.close()
    again = recognizer.open()
    assert again is not None
    again.close()


def test_a_plan_travels_to_another_process(plan: SpeechPlan) -> None:
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_words_without_a_dictionary_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        plan = plan_speech(SpeechConfig(), HOME, ["en", "de"], wake_word=False)
    assert "'kuchenlampe' is in no dictionary; taken to be pronounced K UW CH EH N L AE M P" in caplog.text
    assert "rooms in 'de' are not understood" in caplog.text
    assert plan.wake is None
    assert "stop" in plan.stops


def test_no_word_of_ours_needs_a_guess(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever intents are chosen, a warning is about a name of the home."""
    every = list(get_speech_to_phrase_intents("en")["intents"])
    with caplog.at_level(logging.WARNING):
        plan_speech(SpeechConfig(intents=[*CLOSED_INTENTS, *every]), HomeConfig(), ["en"], wake_word=True)
    assert not caplog.records


def test_the_user_knows_better(tmp_path: Path) -> None:
    dictionary = tmp_path / "cmudict"
    dictionary.write_text("live L AY V\nlive(2) L IH V\nroom R UW M\n", encoding="utf-8")
    assert pronounce(["live", "room"], {"live": "L EH V"}, dictionary) == ("live L EH V", "room R UW M")
    assert pronounce(["live"], {}, dictionary) == ("live L AY V", "live(2) L IH V")
    with pytest.raises(ModelError, match="cannot be read"):
        pronounce(["live"], {}, tmp_path / "none")


@pytest.mark.parametrize("word", ["jarvis", "kuchenlampe", "xylophon", "schwartz", "o'neill", "bbb", "aaa", "y"])
def test_guesses_are_phones(word: str) -> None:
    phones = guess(word).split()
    assert phones
    assert set(phones) <= set(PHONES)


def test_a_phone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no phone 'XX'"):
        SpeechConfig(pronunciations={"nabu": "N XX"})


def test_an_intent_without_sentences_is_refused() -> None:
    with pytest.raises(ConfigError, match="no sentence for 'HassDance'; there are HassCancel"):
        plan_speech(SpeechConfig(intents=["HassDance"]), HOME, ["en"], wake_word=False)


def test_ten_thousand_entities_are_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    many = HomeConfig.model_validate({"entities": [{"name": f"Lamp {i}", "domain": "light"} for i in range(10_000)]})
    with caplog.at_level(logging.WARNING):
        plan = plan_speech(SpeechConfig(max_names=20, intents=["HassTurnOn"]), many, ["en"], wake_word=False)
    assert "listens for the first 20 of 10000 entities" in caplog.text
    assert plan.grammar is not None
    assert plan.grammar.graph.accepts("turn on lamp nineteen")
    assert not plan.grammar.graph.accepts("turn on lamp twenty")


def test_confidence_falls_with_every_sign_of_prose() -> None:
    confidence = Calibration().confidence
    good = Decoded("x", ratio=1.5, worst=-2.0, gaps=0.0)
    assert confidence(good) > 0.9
    for worse in (
        Decoded("x", ratio=-3.0, worst=-8.0, gaps=0.0),
        Decoded("x", ratio=-1.0, worst=-12.0, gaps=0.0),
        Decoded("x", ratio=1.5, worst=-2.0, gaps=0.5),
        Decoded("x", ratio=1.5, worst=-2.0, gaps=0.0, margin=5.0),
    ):
        assert confidence(worse) < 0.5
    assert confidence(Decoded("x", worst=-1e9)) == confidence(Decoded("x", worst=-12.0))


def test_a_rival_takes_confidence() -> None:
    confidence = Calibration().confidence
    by_margin = [confidence(Decoded("x", ratio=2.0, worst=-1.0, margin=margin)) for margin in (-40.0, 0.0, 12.0, 14.0)]
    assert by_margin == sorted(by_margin)
    assert by_margin[1] < 0.05
    assert by_margin[2:] == pytest.approx([0.5, 0.7], abs=0.01)


@needs_flite
def test_what_sounds_like_another_command_is_not_believed(recognizer: ClosedRecognizer) -> None:
    """This voice says "fifty" halfway to "fifteen": surely a command, but not surely that one."""
    assert heard(recognizer, said("set a timer for fifty minutes", "kal16")).confidence < 0.5
    assert heard(recognizer, said("set a timer for fifty minutes", "slt")).confidence > 0.7


def test_a_grammar_of_one_word_works() -> None:
    from listener.sentences.graph import WordGraph

    recognizer = ClosedRecognizer(Grammar(WordGraph(2, 1, ((0, 1, "yes"),)), ("yes Y EH S",)))
    assert heard(recognizer, pause(0.5)).text in ("", "yes")
