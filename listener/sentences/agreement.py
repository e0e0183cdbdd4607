"""Numbers and what they count: nobody says "ten hour", which sounds like "an hour". English.

The templates say `{minutes} minute[s]` for one and for many.
"""

from collections import defaultdict
from typing import Final

from listener.sentences.graph import WordGraph

COUNTED: Final = {"hour": "hours", "minute": "minutes", "second": "seconds", "degree": "degrees"}
MANY: Final = frozenset(
    [
        *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
        *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty"),
        *("sixty", "seventy", "eighty", "ninety", "hundred"),
    ]
)


def with_agreement(graph: WordGraph) -> WordGraph:
    """The same sentences without "ten hour", where "ten hours" could be said as well; "a ten minute timer" stays."""
    leaving: dict[int, list[tuple[int, str | None]]] = defaultdict(list)
    for start, to, word in graph.arcs:
        leaving[start].append((to, word))
    many: dict[int, int] = {}
    for state, out in leaving.items():
        if any(word in COUNTED and (to, COUNTED[word]) in out for to, word in out):
            many[state] = graph.states + len(many)
    arcs = [(a, many.get(b, b) if word in MANY else b, word) for a, b, word in graph.arcs]
    for state, copy in many.items():
        said = leaving[state]
        kept = [(to, word) for to, word in said if word not in COUNTED or (to, COUNTED[word]) not in said]
        arcs += [(copy, many.get(to, to) if word in MANY else to, word) for to, word in kept]
    return WordGraph(graph.states + len(many), graph.final, tuple(arcs))
