"""What a session remembers, as values: the chunks still in its window with what was decided after each of them.

A turn is one chunk and the tokens that followed it: KEEP_SILENCE, or a whole reply. Dropping a turn drops both, so a
context never holds half a reply. Pure lists; the KV cache is only a faster form of what stands here.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from listener.decide.audio_interaction.features import EarState, LogMel
from listener.decide.audio_interaction.tokens import BLOCK, BLOCK_TOKENS


class Ear:
    """Hearing's state: the newest samples, and the loudest log-mel value of each chunk still in the window.

    The maxima are kept chunk by chunk, so that a bang is forgotten when its chunk is: an endless maximum would floor
    everything quieter for the rest of the day.
    """

    def __init__(self, state: EarState) -> None:
        self.state = state
        self._maxima: deque[float] = deque()

    def normalised(self, log_mel: LogMel) -> torch.Tensor:
        """Take in the next chunk; returns what the encoder hears of it, `[128, 40]`."""
        if self._maxima:
            self._maxima[-1] = max(self._maxima[-1], log_mel.loudest_before)
        features = log_mel.normalised(max(self._maxima, default=float("-inf")))
        self._maxima.append(log_mel.loudest_settled)
        return features

    def forget(self, chunks: int, after: int = 0) -> None:
        """Drop the maxima of so many chunks, the oldest but `after`."""
        for _ in range(chunks):
            del self._maxima[after]

    @property
    def remembered(self) -> int:
        return len(self._maxima)


@dataclass(slots=True)
class Turn:
    frames: torch.Tensor
    """Encoder frames of one chunk, `[10, width]`."""
    tokens: list[int]
    """What followed: `[KEEP_SILENCE]`, or TEXT_BEGIN … TEXT_END."""

    @property
    def positions(self) -> int:
        return BLOCK_TOKENS + len(self.tokens)


@dataclass(slots=True)
class Context:
    """Prefix and turns. `pending`: their last tokens, decided on but not fed yet; they go in with the next block."""

    prefix: tuple[int, ...]
    turns: deque[Turn] = field(default_factory=deque)
    pending: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.turns:
            self.pending = list(self.prefix)

    @property
    def positions(self) -> int:
        """Positions of everything, pending tokens included."""
        return len(self.prefix) + sum(turn.positions for turn in self.turns)

    def change_prefix(self, prefix: tuple[int, ...]) -> None:
        """Put another prefix before the same turns; whoever has a KV cache of them must fill it again."""
        self.prefix = prefix
        if not self.turns:
            self.pending = list(prefix)

    def drop_oldest(self, limit: int) -> int:
        """Drop whole turns until what is left has at most `limit` positions. Returns how many were dropped."""
        positions, dropped = self.positions, 0
        while self.turns and positions > limit:
            positions -= self.turns.popleft().positions
            dropped += 1
        if not self.turns:
            self.pending = list(self.prefix)
        return dropped

    def fed(self) -> tuple[list[int], Sequence[torch.Tensor]]:
        """Ids and frames of all that a KV cache of this context holds: everything but the pending tokens."""
        ids = list(self.prefix)
        for turn in self.turns:
            ids += [*BLOCK, *turn.tokens]
        return ids[: len(ids) - len(self.pending)], [turn.frames for turn in self.turns]
