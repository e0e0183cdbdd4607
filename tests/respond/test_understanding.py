"""Text to intent and slots, by Home Assistant's sentences and ours."""

from typing import Any

import pytest

from listener.config import HomeConfig
from listener.errors import ConfigError
from listener.respond.commands import MAX_TEXT_CHARS, Commands
from listener.sentences.loading import load_sentences

HOME = HomeConfig.model_validate(
    {
        "areas": [{"name": "Kitchen"}, {"name": "Wohnzimmer", "aliases": ["living room"]}],
        "floors": [{"name": "First floor", "aliases": ["upstairs"]}],
        "entities": [
            {"name": "Ceiling light", "aliases": ["big light"], "area": "Kitchen", "domain": "light"},
            {"name": "Küchenlampe 2", "area": "Kitchen", "domain": "light"},
            {"name": "Garage door", "domain": "cover"},
            {"name": "Thermostat", "domain": "climate"},
        ],
    }
)
ENGLISH = Commands(load_sentences("en", HOME))


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("turn on the big light", "HassTurnOn", {"name": "Ceiling light"}),
        ("Turn on the Küchenlampe 2!", "HassTurnOn", {"name": "Küchenlampe 2"}),
        ("turn on kuchenlampe two", "HassTurnOn", {"name": "Küchenlampe 2"}),
        ("turn off the lights in the living room", "HassTurnOff", {"area": "Wohnzimmer", "domain": "light"}),
        ("turn on the lights", "HassTurnOn", {"area": "Kitchen", "domain": "light"}),
        ("please close the garage door", "HassTurnOff", {"name": "Garage door"}),
        (
            "set the thermostat to twenty two degrees",
            "HassClimateSetTemperature",
            {"name": "Thermostat", "temperature": 22},
        ),
        ("set the kitchen brightness to 40%", "HassLightSet", {"area": "Kitchen", "brightness": 40, "domain": "light"}),
        ("set a pasta timer for nine minutes", "HassStartTimer", {"name": "pasta", "minutes": 9}),
        ("set a grandma's soup timer for 2 hours", "HassStartTimer", {"name": "grandma's soup", "hours": 2}),
        ("cancel the pasta timer", "HassCancelTimer", {"name": "pasta"}),
        ("what time is it", "HassGetCurrentTime", {}),
        ("stop", "ListenerStop", {}),
        ("repeat that", "ListenerRepeat", {}),
        ("what did you hear", "ListenerWhatHeard", {}),
        ("be quiet for an hour", "ListenerQuiet", {"hours": 1}),
        ("be quiet for half an hour", "ListenerQuiet", {"minutes": 30}),
        ("speak louder", "ListenerVolume", {"step": "up"}),
        ("remind me to call mom in ten minutes", "ListenerReminder", {"text": "call mom", "minutes": 10}),
        ("yes", "ListenerYes", {}),
        ("no thanks", "ListenerNo", {}),
        ("never mind", "HassNevermind", {}),
    ],
)
def test_english(text: str, intent: str, slots: dict[str, Any]) -> None:
    found = ENGLISH.understand(text, 0.7, "Kitchen")
    assert found is not None
    assert (found.name, dict(found.slots), found.text, found.confidence) == (intent, slots, text, 0.7)


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("schalte die Küchenlampe 2 ein", "HassTurnOn", {"name": "Küchenlampe 2"}),
        ("stelle einen Pastatimer auf neun Minuten", "HassStartTimer", {"name": "Pasta", "minutes": 9}),
        ("wie spät ist es", "HassGetCurrentTime", {}),
        ("stopp", "ListenerStop", {}),
        ("was hast du gehört", "ListenerWhatHeard", {}),
        ("sei eine Stunde still", "ListenerQuiet", {"hours": 1}),
        ("nein danke", "ListenerNo", {}),
    ],
)
def test_german(text: str, intent: str, slots: dict[str, Any]) -> None:
    found = Commands(load_sentences("de", HOME)).understand(text, area="Kitchen")
    assert found is not None
    assert (found.name, dict(found.slots)) == (intent, slots)


@pytest.mark.parametrize(
    ("text", "intent"), [("стоп", "ListenerStop"), ("который час", "HassGetCurrentTime"), ("да", "ListenerYes")]
)
def test_russian(text: str, intent: str) -> None:
    found = Commands(load_sentences("ru", HomeConfig())).understand(text)
    assert found is not None
    assert found.name == intent


@pytest.mark.parametrize(
    "text", ["", "   ", "it was the best of times", "turn on the dragon", "x" * (MAX_TEXT_CHARS + 1), "{name}", "[the|"]
)
def test_other_texts_are_no_command(text: str) -> None:
    assert ENGLISH.understand(text, area="Kitchen") is None


def test_where_no_room_is_known_here_means_nothing() -> None:
    assert ENGLISH.understand("turn on the lights") is None


def test_a_language_without_sentences_is_an_error() -> None:
    with pytest.raises(ConfigError, match="'xx': Home Assistant has no sentences"):
        load_sentences("xx", HOME)


def test_ten_thousand_entities_are_understood() -> None:
    many = HomeConfig.model_validate({"entities": [{"name": f"Lamp {i}", "domain": "light"} for i in range(10_000)]})
    found = Commands(load_sentences("en", many)).understand("turn on lamp 9876")
    assert found is not None
    assert found.slots == {"name": "Lamp 9876"}
