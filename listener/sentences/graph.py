"""From sentence templates to a graph of words: the smallest acyclic automaton that accepts what the templates say.

Templates have optional letters (`light[s]`) and optional spaces (`( |-)hour`), so they are first taken apart into
pieces of words, then read again word by word, made deterministic and minimal (Daciuk et al., "Incremental Construction
of Minimal Acyclic Finite-State Automata", 2000: here in one pass from the end, since nothing is added later).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations
from typing import Final

from hassil import (
    Alternative,
    Expression,
    Group,
    IntentData,
    ListReference,
    Permutation,
    RangeSlotList,
    RuleReference,
    SlotList,
    TextChunk,
    TextSlotList,
)

from listener.sentences.loading import Sentences
from listener.sentences.spoken import number_words, spoken_words

POLITE: Final = {"en": (("please",), ("please",))}
"""What may stand before and after every sentence; hassil skips these words in text."""


@dataclass(frozen=True, slots=True)
class WordGraph:
    """State 0 is the start, `final` the only end; `arcs` are (from, to, word), word None for a jump without a word."""

    states: int
    final: int
    arcs: tuple[tuple[int, int, str | None], ...]

    @property
    def words(self) -> frozenset[str]:
        return frozenset(word for _, _, word in self.arcs if word is not None)

    def accepts(self, text: str) -> bool:
        """Is this sentence one of ours? For tests and messages; the recognizer searches the graph itself."""
        here = self._closure({0})
        for word in text.split():
            here = self._closure({to for start, to, w in self.arcs if start in here and w == word})
        return self.final in here

    def _closure(self, states: set[int]) -> set[int]:
        jumps = {to for start, to, word in self.arcs if word is None and start in states}
        return states if jumps <= states else self._closure(states | jumps)


def compile_graph(sentences: Sentences) -> WordGraph:
    """All sentences of all intents. Names that cannot be said in this language's letters are left out."""
    pieces = _Pieces(sentences)
    for intent in sentences.intents.intents.values():
        for data in intent.data:
            for sentence in data.sentences:
                pieces.add_sentence(sentence.expression, data)
    return _minimal(pieces)


def with_prefix(graph: WordGraph, words: Sequence[str]) -> WordGraph:
    """The same sentences, after these words (a wake word) or its last one if it was cut; and the words alone."""
    states = [graph.states + index for index in range(len(words))]
    chain = tuple((0 if not index else states[index - 1], states[index], word) for index, word in enumerate(words))
    back = ((0, states[-1], words[-1]), (states[-1], 0, None), (states[-1], graph.final, None))
    return WordGraph(graph.states + len(words), graph.final, (*graph.arcs, *dict.fromkeys((*chain, *back))))


def with_decoys(graph: WordGraph, decoys: Sequence[str]) -> WordGraph:
    """The same sentences, and any string of decoys alone or after one: words that no command has.

    Speech that is no command is explained by them better than by the command that it is least unlike.
    """
    loop, end = graph.states, graph.states + 1
    out = ((0, loop, None), (graph.final, loop, None), (loop, end, None))
    return WordGraph(graph.states + 2, end, (*graph.arcs, *out, *((loop, loop, decoy) for decoy in decoys)))


def sentences_of(sentences: Sentences, names: Sequence[str]) -> frozenset[str]:
    """Every sentence of these intents, which must be few: no lists, no numbers."""
    intents = {name: sentences.intents.intents[name] for name in names}
    graph = compile_graph(replace(sentences, intents=replace(sentences.intents, intents=intents)))
    said: set[str] = set()
    stack = [(0, "")]
    while stack:
        state, text = stack.pop()
        if state == graph.final:
            said.add(text.strip())
        stack += [(to, f"{text} {word or ''}".rstrip()) for start, to, word in graph.arcs if start == state]
    return frozenset(said)


SPACE: Final = " "
_Arc = tuple[str | None, int]


@dataclass
class _Pieces:
    """A nondeterministic automaton whose arcs are pieces of words, spaces, or None (a jump)."""

    sentences: Sentences
    arcs: list[list[_Arc]] = field(default_factory=lambda: [[], []])
    START: Final[int] = 0
    END: Final[int] = 1

    @cached_property
    def _first(self) -> int:
        """Where sentences begin: after the words of politeness that may come before."""
        before, _ = POLITE.get(self.sentences.language, ((), ()))
        state = self._alternatives([self._words(self.START, text) for text in before], self.START)
        return self._arc(state, SPACE)

    @cached_property
    def _last(self) -> int:
        _, after = POLITE.get(self.sentences.language, ((), ()))
        state = self._new()
        space = self._arc(state, SPACE)
        for end in (state, *(self._words(space, text) for text in after)):
            self.arcs[end].append((None, self.END))
        return state

    def add_sentence(self, expression: Expression, data: IntentData) -> None:
        end = self._add(expression, self._first, data)
        if end is not None:
            self.arcs[end].append((None, self._last))

    def _new(self) -> int:
        self.arcs.append([])
        return len(self.arcs) - 1

    def _arc(self, state: int, piece: str | None) -> int:
        to = self._new()
        self.arcs[state].append((piece, to))
        return to

    def _words(self, state: int, text: str) -> int:
        """Pieces of words and the spaces between and around them."""
        for index, piece in enumerate(text.split(" ")):
            state = self._arc(state, SPACE) if index else state
            state = self._arc(state, piece) if piece else state
        return state

    def _alternatives(self, ends: list[int | None], skip: int | None = None) -> int:
        end = self._new()
        for state in (*ends, skip):
            if state is not None:
                self.arcs[state].append((None, end))
        return end

    def _add(self, expression: Expression, state: int, data: IntentData) -> int | None:
        """The state after the expression; None where it cannot be said (a wildcard, a list without values)."""
        if isinstance(expression, TextChunk):
            return self._words(state, _plain(expression.original_text))
        if isinstance(expression, RuleReference):
            rules = {**self.sentences.intents.expansion_rules, **data.expansion_rules}
            return self._add(rules[expression.rule_name].expression, state, data)
        if isinstance(expression, ListReference):
            return self._list(expression, state, data)
        if isinstance(expression, Permutation):
            orders = [self._sequence(list(order), state, data) for order in permutations(expression.items)]
            return self._some(orders)
        if isinstance(expression, Alternative):
            skip = state if expression.is_optional else None
            return self._some([self._add(item, state, data) for item in expression.items], skip)
        assert isinstance(expression, Group)
        return self._sequence(expression.items, state, data)

    def _some(self, ends: list[int | None], skip: int | None = None) -> int | None:
        return None if skip is None and not any(end is not None for end in ends) else self._alternatives(ends, skip)

    def _sequence(self, items: list[Expression], state: int | None, data: IntentData) -> int | None:
        for item in items:
            if state is None:
                return None
            state = self._add(item, state, data)
        return state

    def _list(self, reference: ListReference, state: int, data: IntentData) -> int | None:
        name = reference.list_name
        lists: Mapping[str, SlotList] = {
            **self.sentences.intents.slot_lists,
            **data.slot_lists,
            **self.sentences.lists,
        }
        values = lists.get(name)
        if isinstance(values, RangeSlotList):
            ways = (w for n in values.get_numbers() if n == int(n) for w in _cardinals(n, self.sentences.language))
            return self._some([self._words(state, way) for way in dict.fromkeys(ways)])
        if not isinstance(values, TextSlotList):
            return None
        domains = _domains(data) if name == "name" else None
        chosen = [v for v in values.values if domains is None or (v.context or {}).get("domain") in domains]
        return self._some([self._add(value.text_in, state, data) for value in chosen if _sayable(value.text_in)])

    def words_from(self, start: int) -> Iterator[tuple[str, int]]:
        """Every (word, state behind it) that can be read from a state where a word begins."""
        seen, stack = {(start, "")}, [(start, "")]
        while stack:
            state, word = stack.pop()
            if state == self.END and word:
                yield word, self.END
            for piece, to in self.arcs[state]:
                if piece == SPACE and word:
                    yield word, to
                    continue
                then = (to, word if piece in (None, SPACE) else f"{word}{piece}")
                if then not in seen:
                    seen.add(then)
                    stack.append(then)

    def ends_at(self, start: int) -> bool:
        """Can the sentence end here, without another word?"""
        seen, stack = {start}, [start]
        while stack:
            state = stack.pop()
            if state == self.END:
                return True
            for piece, to in self.arcs[state]:
                if piece in (None, SPACE) and to not in seen:
                    seen.add(to)
                    stack.append(to)
        return False


def _plain(text: str) -> str:
    """Lower case without punctuation that nobody says; spaces stay where they are."""
    kept = "".join(c if c.isalnum() or c in " '" else " " if c in "-_\t\n" else "" for c in text.casefold())
    return kept.replace("’", "'")


def _cardinals(number: float, language: str) -> tuple[str, ...]:
    return number_words(int(number), language)


def _sayable(expression: Expression) -> bool:
    """A template is; a plain name is if it is already in the letters and words of speech."""
    return not isinstance(expression, TextChunk) or expression.text.split() == list(spoken_words(expression.text))


def _domains(data: IntentData) -> frozenset[str] | None:
    wanted = data.requires_context.get("domain")
    return None if wanted is None else frozenset([wanted] if isinstance(wanted, str) else wanted)


def _minimal(pieces: _Pieces) -> WordGraph:
    """Deterministic by sets of states, then states with the same future become one, from the end backwards."""
    words = _WordsFrom(pieces)
    classes: dict[tuple[bool, tuple[tuple[str, int], ...]], int] = {}
    classed: dict[frozenset[int], int | None] = {}

    def classify(states: frozenset[int]) -> int | None:
        """The class of states with this future; None where no sentence can end any more."""
        if states not in classed:
            following: dict[str, set[int]] = {}
            for word, to in words(states):
                following.setdefault(word, set()).add(to)
            futures = ((word, classify(frozenset(to))) for word, to in following.items())
            after = tuple(sorted((word, future) for word, future in futures if future is not None))
            ends = any(pieces.ends_at(state) for state in states)
            classed[states] = classes.setdefault((ends, after), len(classes)) if ends or after else None
        return classed[states]

    start = classify(frozenset({pieces.START}))
    if start is None:
        return WordGraph(2, 1, ())
    final = len(classes)
    number = {start: 0, 0: start}  # the start is state 0
    arcs: list[tuple[int, int, str | None]] = []
    for (ends, after), index in classes.items():
        here = number.get(index, index)
        arcs += [(here, number.get(to, to), word) for word, to in after]
        arcs += [(here, final, None)] if ends else []
    return WordGraph(final + 1, final, tuple(arcs))


class _WordsFrom:
    """Remembers what can be read from each state: sets of states overlap a lot."""

    def __init__(self, pieces: _Pieces) -> None:
        self._pieces = pieces
        self._known: dict[int, tuple[tuple[str, int], ...]] = {}

    def __call__(self, states: frozenset[int]) -> Iterator[tuple[str, int]]:
        for state in states:
            if state not in self._known:
                self._known[state] = tuple(dict.fromkeys(self._pieces.words_from(state)))
            yield from self._known[state]
