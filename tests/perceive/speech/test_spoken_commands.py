"""A short form of benchmarks/commands.py: a dozen commands as a room hears them, and talk that is none."""

import os
import shutil

import pytest
from perceive.speech.voices import chunks, pause, said

from listener.config import HomeConfig, SpeechConfig
from listener.perceive.level import level_dbfs
from listener.perceive.speech.models import SpeechModels, plan_speech
from listener.perceive.speech.perceiver import SpeechPerceiver
from listener.respond.commands import Commands
from listener.sentences.loading import load_sentences
from listener.types import Intent, Samples

pytestmark = pytest.mark.skipif(
    shutil.which("flite") is None and "CI" not in os.environ, reason="flite is not installed (apt-get install flite)"
)

HOME = HomeConfig.model_validate(
    {
        "areas": [{"name": "Kitchen"}, {"name": "Bedroom"}],
        "entities": [{"name": "Coffee machine", "domain": "switch"}, {"name": "Reading lamp", "domain": "light"}],
    }
)
SPOKEN = (
    ("turn on the coffee machine", "HassTurnOn", {"name": "Coffee machine"}),
    ("switch off the reading lamp", "HassTurnOff", {"name": "Reading lamp"}),
    ("turn off the bedroom lights", "HassTurnOff", {"area": "Bedroom", "domain": "light"}),
    ("set a timer for ten minutes", "HassStartTimer", {"minutes": 10}),
    ("what time is it", "HassGetCurrentTime", {}),
    ("be quiet for an hour", "ListenerQuiet", {"hours": 1}),
)


@pytest.fixture(scope="module")
def models() -> SpeechModels:
    return SpeechModels(plan_speech(SpeechConfig(), HOME, ["en"], wake_word=False))


def accepted(models: SpeechModels, samples: Samples) -> list[Intent]:
    """What an open room in the kitchen does."""
    commands = Commands(load_sentences("en", HOME))
    perceiver = SpeechPerceiver("kitchen", models, addressing="open")
    heard = [perceiver.step(c, level_dbfs(c.samples)) for c in chunks(pause(0.8), samples, pause(1.6))]
    least = models.plan.config.needed_confidence("open")
    sure = [s for percept in heard for s in percept.spoken if s.final and s.confidence >= least]
    return [intent for s in sure if (intent := commands.understand(s.text, s.confidence, "Kitchen"))]


def test_a_dozen_commands_are_understood(models: SpeechModels) -> None:
    """The benchmark asks for 95 of 100: of a dozen, one may be missed."""
    results = {
        f"{voice}: {text}": [(i.name, dict(i.slots)) for i in accepted(models, said(text, voice))] == [(name, slots)]
        for voice in ("slt", "rms")
        for text, name, slots in SPOKEN
    }
    missed = [spoken for spoken, right in results.items() if not right]
    assert len(missed) <= 1, missed


@pytest.mark.parametrize(
    "text",
    [
        "it took two hours for the walls to grow warm and in the meantime my aunt set the table",
        "the doctor said that i should take two of these every day before breakfast",
    ],
)
def test_talk_is_no_command(models: SpeechModels, text: str) -> None:
    assert accepted(models, said(text, "awb")) == []
