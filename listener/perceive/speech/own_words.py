"""Our own voice in our own microphone: what to raise, and what to drop. Pure; times are seconds of audio.

We know what we play. While we speak, and for a moment after, gates are raised; and whatever transcript falls into that
time and reads like our own words is not taken for somebody else's. A recognizer hears our voice through a room and
seldom word for word, so words are compared by likeness (the Ratcliff-Obershelp ratio of difflib).
"""

import re
import unicodedata
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from listener.sentences.spoken import number_words

COOL_DOWN_SECONDS: Final = 0.6
"""After our last word: the sound card's buffer (0.1 s) and the room's decay (0.4 s). No longer, because people answer
soon; an utterance that began while we spoke is recognised as ours however late it ends."""

LIKENESS: Final = 0.6
"""Share of the transcript's words that our own words explain, in order, above which it is ours."""

WORD_LIKENESS: Final = 0.7
"""Two words are one to us if they agree so far: `pasta`, `pastor`."""

REMEMBERED_SECONDS: Final = 30.0
"""A transcript may come long after its utterance."""
MAX_REMEMBERED: Final = 64

_STOP_WORDS: Final = frozenset(
    ("stop", "quiet", "silence", "enough", "halt", "cancel", "ruhe", "still", "schluss", "aufhoren", "abbrechen")
)
"""As `words_of` writes them, in the languages that we speak."""
MAX_STOP_WORDS: Final = 3
"""A transcript this short that has one of them asks us to stop."""

_WORD = re.compile(r"\w+")
_SMALL_NUMBER = re.compile(r"[0-9]{1,6}")


def words_of(text: str, language: str = "en") -> tuple[str, ...]:
    """Lower case, without marks, numbers as they are said: `Größe 21!` is `grosse einundzwanzig`."""
    text = _SMALL_NUMBER.sub(lambda digits: f" {_said(digits.group(), language)} ", text)
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").casefold()).replace("\xad", "")
    return tuple(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def _said(digits: str, language: str) -> str:
    try:
        return number_words(int(digits), language)[0]
    except ValueError:  # a language without number words: as it is written
        return digits


@dataclass(slots=True)
class _Stretch:
    """One stretch of our own voice. `end` is None while it lasts."""

    start: float
    end: float | None
    words: tuple[str, ...]


class OwnWords:
    """What we have said lately, and how like it a text is."""

    def __init__(self, likeness: float = LIKENESS) -> None:
        self._likeness = likeness

    def explain(self, heard: Sequence[str], said: Sequence[str]) -> bool:
        """Whether words that were heard can be those that were said, or a part of them."""
        if not heard or not said:
            return False
        return self.share(heard, said) >= self._likeness

    @staticmethod
    def share(heard: Sequence[str], said: Sequence[str]) -> float:
        """Of the heard words, those that match said ones in order (0..1): the longest common subsequence.

        Looked for in stretches of twice the length only, or a long speech of ours would explain any common words.
        """
        same = [[_alike(word, own) for own in said] for word in heard]
        width = 2 * len(heard) + 2
        starts = range(max(1, len(said) - width + 1))
        return max(_common(same, start, min(len(said), start + width)) for start in starts) / len(heard)


def _common(same: Sequence[Sequence[bool]], start: int, stop: int) -> int:
    """Length of the longest common subsequence; `same[i][j]` says whether two words are one."""
    best = [0] * (stop - start + 1)
    for row in same:
        before = 0
        for column in range(start, stop):
            above = best[column - start + 1]
            best[column - start + 1] = before + 1 if row[column] else max(above, best[column - start])
            before = above
    return best[-1]


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= WORD_LIKENESS and matcher.ratio() >= WORD_LIKENESS


class EchoGate:
    """Of one room. `begin` at each sentence that we say (an empty text: a chime), `end` when we fall silent.

    Asking for "stop" is never our own word, even while we say it: somebody who wants us to be quiet must get through.
    """

    def __init__(self, cool_down_seconds: float = COOL_DOWN_SECONDS, language: str = "en") -> None:
        self._cool_down_seconds = cool_down_seconds
        self._language = language
        self._stretches: deque[_Stretch] = deque(maxlen=MAX_REMEMBERED)
        self._own = OwnWords()

    def begin(self, text: str, t: float) -> None:
        """We say this from `t` on; what we said before may still be heard."""
        self._forget(t)
        self._stretches.append(_Stretch(t, None, words_of(text, self._language)))

    def end(self, t: float) -> None:
        """We are silent from `t` on."""
        for stretch in self._stretches:
            if stretch.end is None:
                stretch.end = t

    @property
    def speaking(self) -> bool:
        return any(stretch.end is None for stretch in self._stretches)

    def raised(self, t: float) -> bool:
        """Whether what is heard at `t` may be ourselves."""
        return any(self._covers(stretch, t, t) for stretch in self._stretches)

    def is_own(self, text: str, start: float, end: float) -> bool:
        """Whether a transcript of sound from `start` to `end` is our own words."""
        heard = words_of(text, self._language)
        if not heard or (len(heard) <= MAX_STOP_WORDS and _STOP_WORDS & set(heard)):
            return False
        said = [w for stretch in self._stretches if self._covers(stretch, start, end) for w in stretch.words]
        return self._own.explain(heard, said)

    def _covers(self, stretch: _Stretch, start: float, end: float) -> bool:
        ceased = stretch.end is not None and start > stretch.end + self._cool_down_seconds
        return end >= stretch.start and not ceased

    def _forget(self, t: float) -> None:
        while self._stretches:
            ended = self._stretches[0].end
            if ended is None or t - ended < REMEMBERED_SECONDS:
                return
            self._stretches.popleft()
