"""A reply in the making: its tokens become an emotion and pieces of text that never end inside a character."""

from dataclasses import dataclass, field
from typing import Final

from tokenizers import Tokenizer

from listener.decide.audio_interaction.tokens import EMOTIONS
from listener.vocabulary import Emotion

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
LONGEST_CHARACTER_TOKENS: Final = 4
"""A character has at most four bytes in UTF-8, and a byte-level token at least one byte."""


class Pieces:
    """Token ids in, whole characters out. Bytes that are no UTF-8 are dropped, not shown."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._held: list[int] = []

    def add(self, token: int) -> str:
        """Text that is complete now; empty while a character is not."""
        self._held.append(token)
        text: str = self._tokenizer.decode(self._held, skip_special_tokens=False)
        if text.endswith(REPLACEMENT) and len(self._held) < LONGEST_CHARACTER_TOKENS:
            return ""
        self._held.clear()
        return text.replace(REPLACEMENT, "")


@dataclass(slots=True)
class Speech:
    """`tokens`: how many the reply has so far, without its emotion."""

    pieces: Pieces
    limit: int
    emotion: Emotion | None = None
    tokens: int = 0
    stop: bool = False
    begun: bool = field(default=False)

    def take(self, token: int) -> str:
        """Take in a token that is no TEXT_END; returns the text that it completes."""
        if not self.begun and token in EMOTIONS:
            self.begun, self.emotion = True, EMOTIONS[token]
            return ""
        self.begun, self.emotion = True, self.emotion or "normal"
        self.tokens += 1
        return self.pieces.add(token)

    @property
    def full(self) -> bool:
        return self.tokens >= self.limit
