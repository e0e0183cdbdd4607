"""Which commands are a word apart from another; on graphs small enough to write down."""

import pytest

from listener.perceive.speech.rivals import Rivals
from listener.sentences.graph import WordGraph, with_decoys, with_prefix

GRAPH = WordGraph(
    6,
    5,
    (
        *((0, 1, "lamp"), (1, 2, "on"), (1, 2, "off"), (2, 5, None)),
        *((0, 3, "set"), (3, 4, "twenty"), (3, 5, "ten"), (4, 5, "two"), (4, 5, None), (2, 5, "please")),
    ),
)


def others(rivals: Rivals, text: str) -> set[str]:
    """Every sentence of the neighbourhood but the one that it is around."""
    around = rivals.around(text.split())
    if around is None:
        return set()
    said, stack = set(), [(0, "")]
    while stack:
        state, words = stack.pop()
        if state == around.final:
            said.add(words.strip())
        stack += [
            (arc[1], f"{words} {arc[3] if len(arc) > 3 else ''}".rstrip()) for arc in around.arcs if arc[0] == state
        ]
    return said - {text}


@pytest.mark.parametrize(
    ("text", "rivals"),
    [
        ("lamp on", {"lamp off"}),
        ("lamp on please", {"lamp off please"}),
        ("set twenty two", {"set twenty"}),
        ("set twenty", {"set ten", "set twenty two"}),
    ],
)
def test_a_word_less_more_or_another(text: str, rivals: set[str]) -> None:
    assert others(Rivals(GRAPH), text) == rivals
    assert all(GRAPH.accepts(rival) for rival in rivals)


def test_a_sentence_that_stands_alone_has_no_rivals() -> None:
    alone = Rivals(WordGraph(4, 3, ((0, 1, "what"), (1, 2, "time"), (2, 3, "is"), (2, 3, None))))
    assert alone.around(["what", "time"]) is None
    assert alone.around(["what", "time", "is"]) is None
    assert alone.around(["is", "what"]) is None


def test_a_decoy_is_no_rival_and_a_wake_word_makes_none() -> None:
    graph = with_decoys(with_prefix(GRAPH, ("okay", "nabu")), ("because",))
    rivals = Rivals(graph, frozenset({"because"}), frozenset({"okay", "nabu"}))
    assert others(rivals, "lamp on") == {"lamp off"}
    assert others(rivals, "okay nabu lamp on") == {"okay nabu lamp off"}
    assert rivals.gist(["nabu", "set", "the", "lights"]) == rivals.gist(["set", "a", "light"])


def test_what_else_a_thing_is_called_is_no_rival() -> None:
    graph = WordGraph(3, 2, ((0, 1, "off"), (1, 2, "tv"), (1, 2, "television"), (1, 2, "radio")))
    rivals = Rivals(graph, aliases={("tv",): ("television",), ("big", "light"): ("ceiling", "lamp")})
    assert others(rivals, "off tv") == {"off radio"}
    assert rivals.gist(["dim", "big", "light"]) == rivals.gist(["dim", "ceiling", "lamp"])
    assert rivals.gist(["off", "tv"]) != rivals.gist(["off", "radio"])


def test_half_a_sentence_is_not_accepted() -> None:
    assert Rivals(GRAPH).accepts(["set", "twenty"])
    assert not Rivals(GRAPH).accepts(["set"])
