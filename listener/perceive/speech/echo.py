"""We know what we say: what comes back through the microphone is not said to us."""

from collections import deque
from typing import Final

from listener.sentences.spoken import spoken_words

COOL_DOWN_SECONDS: Final = 0.6
"""The sound card and the room go on a little after playback has ended."""
MEMORY_SECONDS: Final = 20.0
OWN_SHARE: Final = 0.6
"""So much of a transcript's words being ours makes it an echo; a recognizer mishears the rest."""


class Echo:
    """What we say in one room, and until when it may be heard."""

    def __init__(self) -> None:
        self._said: deque[tuple[float, frozenset[str]]] = deque(maxlen=50)
        self._speaking = False
        self._ended = -1e9

    @property
    def speaking(self) -> bool:
        return self._speaking

    def begin(self, text: str, t: float) -> None:
        self._speaking = True
        self._said.append((t, frozenset(spoken_words(text))))

    def end(self, t: float) -> None:
        self._speaking, self._ended = False, t

    def audible(self, t: float) -> bool:
        """May our own voice be in what is heard at `t`?"""
        return self._speaking or t < self._ended + COOL_DOWN_SECONDS

    def is_ours(self, text: str, t: float) -> bool:
        """Is this transcript what we said ourselves, lately?"""
        recent = [words for at, words in self._said if self._speaking or t - max(at, self._ended) < MEMORY_SECONDS]
        own = frozenset[str]().union(*recent)
        words = spoken_words(text)
        return bool(words) and sum(word in own for word in words) >= OWN_SHARE * len(words)
