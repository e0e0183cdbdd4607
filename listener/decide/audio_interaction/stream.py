"""One room's state in the worker, and the figures that bound it."""

import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import torch

from listener.decide.audio_interaction.features import EarState
from listener.decide.audio_interaction.happenings import Sink
from listener.decide.audio_interaction.replies import Speech
from listener.decide.audio_interaction.sampling import Sampling
from listener.decide.audio_interaction.tokens import BLOCK_TOKENS
from listener.decide.audio_interaction.turns import Context, Ear

LISTENING_STEP: Final = BLOCK_TOKENS + 1
"""Positions of a silent chunk: its block, and KEEP_SILENCE after it."""
PHASES: Final = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """`window`: positions of context. `reply_tokens`, `transcript_tokens`: their length. `waiting_chunks`: the FIFO's.

    20 s of quick speech are some 70 words, of at most two tokens each in most languages.
    """

    window: int = 2048
    reply_tokens: int = 256
    transcript_tokens: int = 160
    waiting_chunks: int = 150
    blocks_per_pass: int = 8
    kept_part: float = 0.5
    """How much of the window is kept when it is full: less is cheaper, more remembers longer."""

    @property
    def reserve(self) -> int:
        """Positions that the next chunk and its reply may need: emotion, text, the token that ends it, TEXT_BEGIN."""
        return LISTENING_STEP + self.reply_tokens + 3


@dataclass(slots=True)
class Stream:
    name: str
    row: int
    context: Context
    threshold: float
    sampling: Sampling
    limits: Limits
    generator: torch.Generator
    sink: Sink
    ear: Ear = field(default_factory=lambda: Ear(EarState()))
    raw: deque[torch.Tensor] = field(default_factory=deque)
    """Samples `[6400]` of chunks not yet encoded."""
    waiting: deque[torch.Tensor] = field(default_factory=deque)
    """Encoder frames of chunks not yet heard: the FIFO of full duplex."""
    speech: Speech | None = None
    asked: bool = False
    heard_chunks: int = 0
    lost_chunks: int = 0
    rolled: int = 0
    next_prefix: tuple[int, ...] | None = None
    """What the prefix becomes before the next chunk: the room's mode has changed."""
    reply_interrupted: bool = False

    @property
    def room_left(self) -> int:
        """Positions left before the window must roll. Rooms differ by up to an eighth of the window, by their name:
        those that started together must not all be prefilled in the same 0.4 s. It depends on nothing else, so that
        a room decides the same alone and beside others.
        """
        phase = zlib.crc32(self.name.encode()) % PHASES * self.limits.window // (8 * PHASES)
        return self.limits.window - phase - self.limits.reserve - self.context.positions

    @property
    def must_roll(self) -> bool:
        return self.room_left < 0 or self.next_prefix is not None
