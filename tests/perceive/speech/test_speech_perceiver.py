"""One room's speech from end to end, with real models and real (synthetic) voices."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from perceive.speech.voices import chunks, needs_flite, pause, said

from listener.config import HomeConfig, SpeechConfig, WakeWordConfig
from listener.perceive.level import level_dbfs
from listener.perceive.speech.models import SpeechModels, plan_speech
from listener.perceive.speech.perceiver import SpeechPerceiver
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Chunk, OwnVoice, Samples, SetMute, SpeechPercept, Spoken

pytestmark = needs_flite

HOME = HomeConfig.model_validate({"areas": [{"name": "Kitchen"}], "entities": [{"name": "Radio", "domain": "switch"}]})
CONFIG = SpeechConfig(wake_word=WakeWordConfig(model="okay_nabu"))


@pytest.fixture(scope="module")
def models() -> SpeechModels:
    return SpeechModels(plan_speech(CONFIG, HOME, ["en"], wake_word=True))


def hear(perceiver: SpeechPerceiver, heard: Iterable[Chunk]) -> list[SpeechPercept]:
    return [perceiver.step(chunk, level_dbfs(chunk.samples)) for chunk in heard]


def finals(percepts: Sequence[SpeechPercept]) -> list[Spoken]:
    return [spoken for percept in percepts for spoken in percept.spoken if spoken.final]


def test_a_command_in_an_open_room(models: SpeechModels) -> None:
    percepts = hear(
        SpeechPerceiver("room", models, addressing="open"), chunks(pause(1), said("turn on the radio"), pause(1.2))
    )
    (spoken,) = finals(percepts)
    assert (spoken.text, spoken.addressed) == ("turn on the radio", "open")
    assert spoken.confidence > 0.5
    assert spoken.start == pytest.approx(0.8, abs=0.3)
    assert spoken.end == pytest.approx(1 + len(said("turn on the radio")) / 16_000, abs=0.3)
    assert -35 < spoken.level_dbfs < -20
    assert max(p.probability for p in percepts) > 0.9
    assert any(p.speaking for p in percepts)
    assert not percepts[-1].speaking


def test_without_the_wake_word_nobody_is_recognized(models: SpeechModels) -> None:
    percepts = hear(SpeechPerceiver("room", models), chunks(pause(1), said("turn on the radio"), pause(1.2)))
    assert finals(percepts) == []
    assert any(p.speaking for p in percepts)


def test_the_wake_word_and_then_a_command(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models)
    sound = chunks(
        pause(1), said("okay nabu"), pause(1.5), said("turn on the radio"), pause(1.2), said("stop"), pause(1)
    )
    percepts = hear(perceiver, sound)
    assert [p.woken for p in percepts if p.woken] == ["okay_nabu"]
    assert [(s.text, s.addressed) for s in finals(percepts)] == [("turn on the radio", "wake_word")]


def test_both_in_one_breath(models: SpeechModels) -> None:
    percepts = hear(SpeechPerceiver("room", models), chunks(pause(1), said("okay nabu turn on the radio"), pause(1.2)))
    assert [(s.text, s.addressed) for s in finals(percepts)] == [("turn on the radio", "wake_word")]


def test_after_a_reply_no_wake_word_is_needed(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models)
    perceiver.apply(OwnVoice("It is ten to five."))
    hear(perceiver, chunks(pause(0.8)))
    perceiver.apply(OwnVoice(None))
    percepts = hear(perceiver, chunks(pause(1.2), said("turn on the radio"), pause(1.2), first=2))
    assert [(s.text, s.addressed) for s in finals(percepts)] == [("turn on the radio", "follow_up")]


def test_our_own_words_are_not_said_to_us(models: SpeechModels) -> None:
    """What we say comes back through the microphone, here as loud as a person; even where no wake word is needed."""
    perceiver = SpeechPerceiver("room", models, addressing="open")
    perceiver.apply(OwnVoice("Turn on the radio"))
    assert finals(hear(perceiver, chunks(pause(0.8), said("turn on the radio"), pause(0.4)))) == []
    perceiver.apply(OwnVoice(None))
    assert finals(hear(perceiver, chunks(pause(1.6), first=20))) == []
    assert perceiver.echoes == 1


def test_stop_gets_through_while_we_speak_and_other_commands_do_not(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models)
    perceiver.apply(OwnVoice("Once upon a time there was a king who had three daughters"))
    percepts = hear(
        perceiver, chunks(pause(1), said("stop talking"), pause(1.2), said("turn on the radio"), pause(1.2))
    )
    assert [(s.text, s.addressed) for s in finals(percepts)] == [("stop talking", "follow_up")]
    assert perceiver.echoes == 1


def in_our_own_words(perceiver: SpeechPerceiver, person: Samples, *, told: bool) -> list[SpeechPercept]:
    """Three of our replies by another voice at -10 dB and 0.2 s later; into the last one somebody speaks.

    `told`: what we sound like is told as well.
    """
    story = "once upon a time there was a king who had three daughters and the youngest was afraid of the dark"
    ours = np.concatenate((said(story, "slt"), pause(1.6)))
    ours = 4 * ours[: len(ours) // CHUNK_SAMPLES * CHUNK_SAMPLES]
    count = len(ours) // CHUNK_SAMPLES
    heard = 0.3 * np.roll(np.tile(ours, 3), 3_200)
    first = 2 * len(ours) + 2 * SAMPLE_RATE_HZ
    heard[first : first + len(person)] += person
    percepts = []
    for reply in range(3):
        perceiver.apply(OwnVoice(story, sound=ours if told else None))
        part = heard[reply * len(ours) : (reply + 1) * len(ours)]
        percepts += hear(perceiver, chunks(part, first=reply * count))
        perceiver.apply(OwnVoice(None))
    return percepts


def test_stop_and_the_wake_word_are_understood_over_our_own_words(models: SpeechModels) -> None:
    """As loud as we are in the microphone: where we are not taken out, neither is."""
    told = in_our_own_words(SpeechPerceiver("room", models), said("stop talking"), told=True)
    assert [s.text for s in finals(told)] == ["stop talking"]
    told = in_our_own_words(SpeechPerceiver("room", models), said("okay nabu"), told=True)
    assert [p.woken for p in told if p.woken] == ["okay_nabu"]
    assert finals(told) == []
    untold = in_our_own_words(SpeechPerceiver("room", models), said("stop talking"), told=False)
    assert finals(untold) == []


def test_what_we_say_alone_is_nobodys_even_where_all_are_heard(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models, addressing="open")
    percepts = in_our_own_words(perceiver, pause(0.1), told=True)
    assert finals(percepts) == []
    learnt = percepts[len(percepts) // 3 :]
    assert not any(p.speaking for p in learnt), "nobody speaks but us, once it is known how the room answers"


def test_the_wake_word_gets_through_while_we_speak(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models)
    perceiver.apply(OwnVoice("Once upon a time there was a king who had three daughters"))
    percepts = hear(perceiver, chunks(pause(1), said("okay nabu turn on the radio"), pause(1.2)))
    assert [s.text for s in finals(percepts)] == ["turn on the radio"]


def test_finish_ends_what_is_being_said(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models, addressing="open")
    heard = chunks(pause(1), said("turn on the radio"))
    assert finals(hear(perceiver, heard)) == []
    assert [s.text for s in perceiver.finish(heard[-1].t)] == ["turn on the radio"]
    assert perceiver.finish(heard[-1].t) == ()


def test_an_endless_utterance_is_cut_and_holds_no_decoder(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models, addressing="open")
    prose = said("it was the best of times and the worst of times and so on and on without a pause")
    percepts = hear(perceiver, chunks(pause(1), np.tile(prose[3_000:-3_000], 8)))
    assert sum(p.speaking for p in percepts) > 40
    assert all(s.end - s.start < 13 for s in finals(percepts))
    assert all(s.confidence < CONFIG.open_confidence for s in finals(percepts))


def test_silence_costs_no_model(models: SpeechModels) -> None:
    percepts = hear(SpeechPerceiver("room", models), chunks(pause(4)))
    assert percepts == [SpeechPercept()] * 10


def test_partial_transcripts_appear_while_somebody_speaks(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models, addressing="open", mode="transcribe")
    sound = chunks(pause(1), said("set the kitchen temperature to twenty one degrees"), pause(1.2))
    pieces = [spoken for percept in hear(perceiver, sound) for spoken in percept.spoken]
    assert [s.final for s in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces) >= 3


def test_a_language_that_nobody_recognizes_is_heard_and_not_understood(models: SpeechModels) -> None:
    percepts = hear(
        SpeechPerceiver("room", models, addressing="open", language="de"), chunks(pause(1), said("stop"), pause(1.2))
    )
    assert any(p.speaking for p in percepts)
    assert finals(percepts) == []


def test_other_controls_are_not_its_business(models: SpeechModels) -> None:
    perceiver = SpeechPerceiver("room", models)
    perceiver.apply(SetMute(True))
    assert hear(perceiver, chunks(pause(0.4))) == [SpeechPercept()]
