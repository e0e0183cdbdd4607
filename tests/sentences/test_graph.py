"""The graph of words says what the templates say, and nothing else."""

import itertools

import pytest
from hassil import Intents, sample_intents
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.config import HomeConfig, SpeechConfig
from listener.sentences.graph import WordGraph, compile_graph, sentences_of, with_prefix
from listener.sentences.loading import Sentences, load_closed_sentences

HOME = HomeConfig.model_validate(
    {
        "areas": [{"name": "Kitchen"}, {"name": "Living room"}],
        "floors": [{"name": "First floor", "aliases": ["upstairs"]}],
        "entities": [
            {"name": "Ceiling light", "domain": "light"},
            {"name": "Lampe 2", "domain": "light"},
            {"name": "Blinds", "domain": "cover"},
        ],
    }
)


def compiled(*sentences: str, **lists: object) -> WordGraph:
    data = {"language": "en", "intents": {"A": {"data": [{"sentences": list(sentences)}]}}, "lists": lists}
    return compile_graph(Sentences("en", Intents.from_dict(data), {}))


@pytest.fixture(scope="module")
def graph() -> WordGraph:
    return compile_graph(load_closed_sentences("en", HOME, SpeechConfig().intents))


@pytest.mark.parametrize(
    "text",
    [
        "turn on the ceiling light",
        "lampe two off",
        "please turn on lights in the living room",
        "set a pasta timer for nine minutes",
        "set a timer for one hour",
        "set the kitchen temperature to twenty one degrees",
        "be quiet for half an hour please",
        "remind me to call mom in ten minutes",
        "turn off the upstairs lights",
        "open the blinds",
        "stop",
    ],
)
def test_commands_are_sentences(graph: WordGraph, text: str) -> None:
    assert graph.accepts(text)


@pytest.mark.parametrize(
    "text", ["turn on the", "turn on the blinds", "set a timer for minutes", "the weather was fine", ""]
)
def test_other_words_are_not(graph: WordGraph, text: str) -> None:
    """Blinds are no light: `requires_context` chooses the names that fit a sentence."""
    assert not graph.accepts(text)


def test_optional_letters_and_spaces_make_whole_words() -> None:
    graph = compiled("light[s] (on|off)", "( |-)an[ ]hour")
    assert graph.words == {"light", "lights", "on", "off", "an", "hour", "anhour", "please"}


def test_permutations_and_ranges() -> None:
    graph = compiled("(on;[the] lamp) to {level}", level={"range": {"from": 19, "to": 21}})
    assert graph.accepts("lamp on to twenty one")
    assert graph.accepts("on the lamp to nineteen")
    assert not graph.accepts("on lamp to twenty two")


def test_what_nobody_can_say_is_left_out() -> None:
    graph = compiled("call {anyone}", "go", anyone={"wildcard": True})
    assert graph.words == {"go", "please"}


def test_a_home_without_names_is_a_grammar_too() -> None:
    graph = compile_graph(load_closed_sentences("en", HomeConfig(), SpeechConfig().intents))
    assert graph.accepts("what time is it")
    assert not graph.accepts("turn on the ceiling light")


def test_the_wake_word_may_come_first(graph: WordGraph) -> None:
    woken = with_prefix(graph, ("okay", "nabu"))
    for text in ("okay nabu what time is it", "nabu what time is it", "what time is it", "okay nabu"):
        assert woken.accepts(text)
    assert not woken.accepts("okay what time is it")


def test_the_sentences_of_an_intent_are_all_there() -> None:
    closed = load_closed_sentences("en", HOME, ["ListenerStop", "HassNevermind", "HassTurnOn"])
    said = sentences_of(closed, ["ListenerStop", "HassNevermind"])
    assert {"stop", "be quiet", "never mind please"} <= said
    assert not any("light" in sentence for sentence in said)


WORD = st.sampled_from(["red", "green", "blue", "lamp"])
TEMPLATE = st.recursive(
    WORD,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" ".join),
        inner.map(lambda x: f"[{x}]"),
        st.tuples(inner, inner).map(lambda x: f"({x[0]}|{x[1]})"),
        WORD.map(lambda x: f"{x}[s]"),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(TEMPLATE)
def test_the_graph_says_what_hassil_samples(template: str) -> None:
    """Every sentence of hassil's own sampler is accepted, and every short path is one of them."""
    data = {"language": "xx", "intents": {"A": {"data": [{"sentences": [f"go {template}"]}]}}}
    intents = Intents.from_dict(data)
    graph = compile_graph(Sentences("xx", intents, {}))
    sampled = {" ".join(text.split()) for _, text in itertools.islice(sample_intents(intents), 500)}
    assert all(graph.accepts(text) for text in sampled)
    assert sampled == sentences_of(Sentences("xx", intents, {}), ["A"])
