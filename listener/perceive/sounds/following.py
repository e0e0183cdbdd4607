"""What each episode sounds like, from its start to its end: the embeddings that go with it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from listener.perceive.sounds.embeddings import pack
from listener.perceive.sounds.prototypes import Array
from listener.types import Episode
from listener.types.taught import Embedding

EMBEDDINGS: Final = 4
"""Of an episode that has ended, spread over its length."""
MOST_CHUNKS: Final = 64
"""25 s: of what sounds for longer, the beginning."""
_ROUNDING: Final = 1e-6


class Following:
    """Of one room: the episodes that are going on, by id."""

    def __init__(self) -> None:
        self._open: dict[str, list[tuple[float, Embedding]]] = {}

    def __bool__(self) -> bool:
        """Something is still to be heard of one of them: a rain of hours needs no network but at its beginning."""
        return any(len(heard) < MOST_CHUNKS for heard in self._open.values())

    def clear(self) -> None:
        self._open.clear()

    def hear(self, t: float, vector: Array) -> None:
        """What all of them sound like in the chunk that ends at `t` (s)."""
        embedding = pack(vector)
        for heard in self._open.values():
            if len(heard) < MOST_CHUNKS:
                heard.append((t, embedding))

    def begin(self, t: float, episodes: Sequence[Episode], vector: Array | None) -> tuple[Episode, ...]:
        """Those that have just started, with their first embedding; without one where there is none to be had."""
        if vector is None:
            return tuple(episodes)
        first = pack(vector)
        for episode in episodes:
            if not episode.test:
                self._open[episode.id] = [(t, first)]
        return tuple(one if one.test else replace(one, embeddings=(first,)) for one in episodes)

    def end(self, episodes: Sequence[Episode]) -> tuple[Episode, ...]:
        """Those that have ended, with up to four embeddings from start to end: what was heard while we waited to be
        sure of the end is none of it."""
        return tuple(self._ended(one) for one in episodes)

    def _ended(self, episode: Episode) -> Episode:
        heard = self._open.pop(episode.id, [])
        if not heard:
            return episode
        end = episode.onset + (episode.duration or 0.0) + _ROUNDING
        within = [embedding for t, embedding in heard if t <= end] or [heard[0][1]]
        step = max(1.0, (len(within) - 1) / (EMBEDDINGS - 1))
        chosen = sorted({round(n * step) for n in range(EMBEDDINGS) if round(n * step) < len(within)})
        return replace(episode, embeddings=tuple(within[i] for i in chosen))
