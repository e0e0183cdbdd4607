"""What else may have been said: the commands that differ from what was understood in one word, or in one more or less.

"fifteen" and "fifty", "on" and "off" are a sound apart. A second, narrow search among what was understood and its
rivals tells by how much the best of them is worse (docs/decisions/0082).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from listener.sentences.graph import WordGraph

EMPTY: Final = frozenset(
    [
        *("a", "an", "the", "my", "our", "this", "please", "to", "in", "for", "of", "is", "it", "play"),
        *("degree", "degrees", "percent", "right", "now", "like", "current", "me", "today", "today's", "todays"),
    ]
)
"""Words that change nothing of what a command does: to mistake one for another, or to miss it, is no harm."""

ALIKE: Final = {
    word: group[0]
    for group in (
        ("turn", "switch"),
        ("set", "start", "create", "change", "dim"),
        ("be", "stay", "keep"),
        ("resume", "continue", "unpause"),
        ("music", "movie", "song", "track", "show", "item", "video"),
    )
    for word in group
}
"""Words that stand for each other wherever the templates have them."""

Aliases = Mapping[tuple[str, ...], tuple[str, ...]]
"""From the words of an alias to those of the name."""
NO_ALIASES: Final[Aliases] = MappingProxyType({})

_VARIANT: Final = re.compile(r"\(\d+\)$")


def spelled(word: str) -> str:
    """Without the number of its pronunciation: pocketsphinx tells `the(2)`."""
    return _VARIANT.sub("", word)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A sentence and its rivals, for pocketsphinx: arcs of (from, to, probability[, word]), from 0 to `final`."""

    arcs: tuple[tuple[int, int, float, str] | tuple[int, int, float], ...]
    final: int


class Rivals:
    """Finds a sentence's neighbours in a grammar. Read-only once made: one for all decoders."""

    def __init__(
        self,
        graph: WordGraph,
        decoys: Set[str] = frozenset(),
        wake_words: Set[str] = frozenset(),
        aliases: Aliases = NO_ALIASES,
    ) -> None:
        self._empty = EMPTY | wake_words
        self._aliases = aliases
        self._longest = max(map(len, aliases), default=0)
        self._final = graph.final
        self._words: dict[int, list[tuple[str, int]]] = defaultdict(list)
        self._jumps: dict[int, list[int]] = defaultdict(list)
        self._jumps_back: dict[int, list[int]] = defaultdict(list)
        for start, to, word in graph.arcs:
            if word is None:
                self._jumps[start].append(to)
                self._jumps_back[to].append(start)
            elif word not in decoys:
                self._words[start].append((word, to))

    def around(self, words: Sequence[str]) -> Neighbourhood | None:
        """None where nothing else is near, or where the words are no sentence of the grammar.

        State 2i: i words as understood; 2i + 1: the same, with one difference before.
        """
        reached = self._along(words)
        if self._final not in reached[-1]:
            return None
        ends = self._ends(words)
        arcs: list[tuple[int, int, float, str] | tuple[int, int, float]] = []
        for i, word in enumerate(words):
            arcs += [(2 * i, 2 * i + 3, 1.0, other) for other in self._others(reached[i], ends[i + 1], word)]
            if word not in self._empty and reached[i] & ends[i + 1]:
                arcs.append((2 * i, 2 * i + 3, 1.0))
        for i, states in enumerate(reached):
            arcs += [(2 * i, 2 * i + 1, 1.0, other) for other in self._others(states, ends[i], None)]
        if not arcs:
            return None
        for i, word in enumerate(words):
            arcs += [(2 * i, 2 * i + 2, 1.0, word), (2 * i + 1, 2 * i + 3, 1.0, word)]
        last = 2 * len(words)
        return Neighbourhood((*arcs, (last, last + 1, 1.0)), last + 1)

    def gist(self, words: Iterable[str]) -> tuple[str, ...]:
        """What a sentence says, for telling it from others: no alias, empty word, plural or apostrophe."""
        named = self._named(tuple(words))
        plain = (word.replace("'", "").rstrip("s") for word in named if word not in self._empty)
        return tuple(ALIKE.get(word, word) for word in plain)

    def _named(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """With the names of things in place of their aliases; the longest alias goes first."""
        for start in range(len(words) if self._aliases else 0):
            for end in range(min(len(words), start + self._longest), start, -1):
                if (name := self._aliases.get(words[start:end])) is not None:
                    return (*words[:start], *name, *self._named(words[end:]))
        return words

    def accepts(self, words: Sequence[str]) -> bool:
        """Is this a whole sentence of the grammar?"""
        return self._final in self._along(words)[-1]

    def _along(self, words: Sequence[str]) -> list[set[int]]:
        """By number of words: the states that they lead to."""
        reached = [self._closure({0})]
        for word in words:
            reached.append(self._closure({to for said, to in self._from(reached[-1]) if said == word}))
        return reached

    def _others(self, states: set[int], ends: set[int], word: str | None) -> list[str]:
        """Words that lead from there to where the rest of the sentence may follow, and change what is said."""
        here = () if word is None else self.gist((word,))
        return sorted({said for said, to in self._from(states) if to in ends and self.gist((said,)) != here})

    def _ends(self, words: Sequence[str]) -> list[set[int]]:
        """By number of words: the states from which the words after these make a whole sentence."""
        ends = [self._before({self._final})]
        for word in reversed(words):
            then = ends[-1]
            ends.append(
                self._before({s for s, out in self._words.items() if any(w == word and to in then for w, to in out)})
            )
        return ends[::-1]

    def _from(self, states: set[int]) -> Iterable[tuple[str, int]]:
        return (arc for state in states for arc in self._words.get(state, ()))

    def _closure(self, states: set[int]) -> set[int]:
        """These, and where jumps lead from them."""
        return _spread(states, self._jumps)

    def _before(self, states: set[int]) -> set[int]:
        """These, and from where jumps lead to them."""
        return _spread(states, self._jumps_back)


def _spread(states: set[int], jumps: Mapping[int, Sequence[int]]) -> set[int]:
    seen, stack = set(states), list(states)
    while stack:
        fresh = [to for to in jumps.get(stack.pop(), ()) if to not in seen]
        seen.update(fresh)
        stack += fresh
    return seen
