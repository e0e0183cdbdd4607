"""Choosing tokens: whether to answer, and with what."""

import math
from dataclasses import dataclass
from typing import Final

import torch

from listener.decide.audio_interaction.tokens import (
    EMOTIONS,
    FIRST_CONTROL_ID,
    TEXT_END,
)

PUBLISHED_TEMPERATURE: Final = 0.3
PUBLISHED_TOP_K: Final = 3


def respond_probability(margin: float) -> float:
    """Softmax over TEXT_BEGIN and KEEP_SILENCE alone. `margin`: by how much the logit of TEXT_BEGIN is larger."""
    if margin >= 0:
        return 1.0 / (1.0 + math.exp(-margin))
    return math.exp(margin) / (1.0 + math.exp(margin))


@dataclass(frozen=True, slots=True)
class Sampling:
    """`temperature` 0 is greedy. Published: temperature 0.3 over the three best."""

    temperature: float = PUBLISHED_TEMPERATURE
    top_k: int = PUBLISHED_TOP_K

    def choose(self, logits: torch.Tensor, first: bool, generator: torch.Generator) -> int:
        """The next token of a reply: text or TEXT_END, and for the first token an emotion too."""
        allowed = torch.cat([logits[:FIRST_CONTROL_ID], logits[_FIRST if first else _LATER]])
        best = torch.topk(allowed, 1 if self.temperature == 0 else self.top_k)
        index = 0
        if self.temperature > 0:
            weights = torch.softmax(best.values.cpu() / self.temperature, dim=-1)
            index = int(torch.multinomial(weights, 1, generator=generator))
        token = int(best.indices[index])
        controls = _FIRST if first else _LATER
        return token if token < FIRST_CONTROL_ID else controls[token - FIRST_CONTROL_ID]


GREEDY: Final = Sampling(temperature=0.0, top_k=1)
_LATER: Final = [TEXT_END]
_FIRST: Final = [TEXT_END, *EMOTIONS]
