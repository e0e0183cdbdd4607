"""A grammar of nothing but "stop", and who says it into our own words."""

import numpy as np
import pytest
from perceive.speech.voices import chunks, needs_flite, pause, said

from listener.config import HomeConfig, SpeechConfig
from listener.perceive.level import level_dbfs
from listener.perceive.speech.models import SpeechModels, plan_speech
from listener.perceive.speech.perceiver import SpeechPerceiver
from listener.perceive.speech.stop_words import stop_grammar
from listener.types import OwnVoice, Samples, Spoken

STORY = "once upon a time there was a king who had three daughters and the youngest was afraid of the dark"


@pytest.fixture(scope="module")
def models() -> SpeechModels:
    home = HomeConfig.model_validate({"entities": [{"name": "Radio", "domain": "switch"}]})
    return SpeechModels(plan_speech(SpeechConfig(), home, ["en"], wake_word=False))


def test_it_has_every_way_to_ask_for_silence_and_no_command(models: SpeechModels) -> None:
    grammar = stop_grammar(models.plan.grammar, models.plan.stops)  # type: ignore[arg-type]
    assert grammar is not None
    assert all(grammar.graph.accepts(text) for text in models.plan.stops)
    assert {"stop", "be quiet"} <= models.plan.stops
    assert not grammar.graph.accepts("turn on the radio")
    pronounced = {line.split()[0].partition("(")[0] for line in grammar.dictionary}
    assert pronounced == grammar.graph.words


def test_where_nothing_asks_for_silence_there_is_none(models: SpeechModels) -> None:
    assert stop_grammar(models.plan.grammar, ()) is None  # type: ignore[arg-type]


def test_a_language_without_a_recognizer_has_none_for_stop_either(models: SpeechModels) -> None:
    assert models.stop_recognizer("de") is None
    assert models.stop_recognizer("en") is models.stop_recognizer("en")


def over(ours: Samples, theirs: Samples, at_seconds: float, louder_db: float) -> Samples:
    mixed, first = ours.copy(), round(at_seconds * 16_000)
    mixed[first : first + len(theirs)] += theirs * np.float32(10 ** (louder_db / 20))
    return mixed


def interrupting(models: SpeechModels, mixed: Samples) -> list[Spoken]:
    perceiver = SpeechPerceiver("room", models, addressing="open")
    perceiver.apply(OwnVoice(STORY))
    heard = chunks(pause(0.4), mixed, pause(0.4))
    return [s for chunk in heard for s in perceiver.step(chunk, level_dbfs(chunk.samples)).spoken]


@needs_flite
def test_be_quiet_gets_through_in_the_middle_of_our_words(models: SpeechModels) -> None:
    """Two voices at once: not every voice is understood, and whatever is understood is what they said."""
    voices = ("rms", "slt", "awb", "kal16")
    mixed = [over(said(STORY), said("be quiet", voice), 2.6, louder_db=14) for voice in voices]
    heard = [spoken for of_voice in mixed for spoken in interrupting(models, of_voice)]
    assert len(heard) >= 2
    for spoken in heard:
        assert spoken.text in models.plan.stops
        assert spoken.addressed == "follow_up"
        assert spoken.confidence >= SpeechConfig().confidence
        assert 2.6 < spoken.start < 3.6


@needs_flite
def test_other_commands_do_not_and_neither_do_our_own_words(models: SpeechModels) -> None:
    assert interrupting(models, said(STORY)) == []
    assert interrupting(models, over(said(STORY), said("turn on the radio", "slt"), 2.6, louder_db=14)) == []
