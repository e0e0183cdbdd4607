"""The closed grammar listens for numbers that people say; text may have any."""

import pytest

from listener.config import HomeConfig, SpeechConfig
from listener.respond.commands import Commands
from listener.sentences.agreement import with_agreement
from listener.sentences.graph import WordGraph, compile_graph
from listener.sentences.loading import load_closed_sentences, load_sentences

HOME = HomeConfig.model_validate({"areas": [{"name": "Office"}], "timer_names": ["pasta"]})


def graph(temperatures: tuple[int, int]) -> WordGraph:
    intents = ["HassLightSet", "HassClimateSetTemperature", "HassStartTimer", "HassSetVolume"]
    return compile_graph(load_closed_sentences("en", HOME, intents, temperatures=temperatures))


@pytest.fixture(scope="module")
def celsius() -> WordGraph:
    return graph((5, 30))


@pytest.mark.parametrize(
    "text",
    [
        "set the office brightness to seventy five percent",
        "set the volume to fifteen percent",
        "set the temperature to nineteen degrees",
        "set a timer for seventeen minutes",
        "set a timer for twenty four hours",
    ],
)
def test_what_people_say_is_in_the_grammar(celsius: WordGraph, text: str) -> None:
    assert celsius.accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "set the office brightness to nineteen percent",
        "set the volume to thirty eight percent",
        "set the temperature to seventy degrees",
        "set a timer for forty three hours",
    ],
)
def test_what_would_only_be_misheard_is_not_and_as_text_it_is(celsius: WordGraph, text: str) -> None:
    assert not celsius.accepts(text)
    assert Commands(load_sentences("en", HOME)).understand(text, area="Office") is not None


def test_another_scale_of_temperatures() -> None:
    fahrenheit = graph((50, 90))
    assert fahrenheit.accepts("set the temperature to seventy degrees")
    assert not fahrenheit.accepts("set the temperature to seventeen degrees")


@pytest.mark.parametrize("temperatures", [(30, 5), (-60, 20), (0, 400), (1, 2, 3)])
def test_temperatures_that_are_none_are_refused(temperatures: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="temperatures"):
        SpeechConfig.model_validate({"temperatures": temperatures})


def test_many_are_counted_in_the_plural(celsius: WordGraph) -> None:
    agreed = with_agreement(celsius)
    for text in ("ten minutes", "one minute", "twenty one minutes", "two hours and one minute", "an hour"):
        assert agreed.accepts(f"set a timer for {text}"), text
    for text in ("ten minute", "twenty four hour", "two hours and ten minute"):
        assert celsius.accepts(f"set a timer for {text}"), text
        assert not agreed.accepts(f"set a timer for {text}"), text
    assert agreed.accepts("set a ten minute timer")
