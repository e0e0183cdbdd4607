"""A grammar of nothing but "stop": for who interrupts us, where no other command is taken."""

from collections.abc import Iterable, Sequence

from listener.perceive.speech.closed import Grammar
from listener.sentences.graph import WordGraph, with_decoys


def stop_grammar(grammar: Grammar, stops: Iterable[str]) -> Grammar | None:
    """Of the home's grammar what asks for silence, with the same pronunciations; None where nothing does."""
    sentences = [words for text in sorted(stops) if (words := text.split())]
    if not sentences:
        return None
    graph = with_decoys(_graph(sentences), sorted(grammar.decoys))
    said = tuple(line for line in grammar.dictionary if line.split()[0].partition("(")[0] in graph.words)
    return Grammar(graph, said, decoys=grammar.decoys)


def _graph(sentences: Sequence[Sequence[str]]) -> WordGraph:
    """One chain of words for each sentence, from state 0 to state 1."""
    arcs: list[tuple[int, int, str | None]] = []
    states = 2
    for words in sentences:
        chain = [0, *range(states, states + len(words) - 1), 1]
        states += len(words) - 1
        arcs += zip(chain, chain[1:], words, strict=False)
    return WordGraph(states, 1, tuple(arcs))
