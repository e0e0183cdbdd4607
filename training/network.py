"""What is trained: from the features of the convolutions (training/trunk.py) to one score per label."""

from typing import Final

import torch
from torch import Tensor, nn

from training.trunk import FEATURES, LEAST_SPREAD

HIDDEN: Final = 256
TEACHER: Final = 1_024


class Head(nn.Module):
    """Standardized features, one hidden layer, one that gives the labels."""

    mean: Tensor
    spread: Tensor

    def __init__(self, labels: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.dropout = nn.Dropout(dropout)
        self.hide = nn.Linear(FEATURES, HIDDEN)
        self.classify = nn.Linear(HIDDEN, labels)
        self.imitate = nn.Linear(HIDDEN, TEACHER)
        """The teacher's embedding from the hidden layer. Needed in training only."""

    def fit_scale(self, features: Tensor) -> None:
        """Take mean and spread of features `[n, 1024]`."""
        self.mean.copy_(features.mean(0))
        self.spread.copy_(features.std(0).clamp_min(LEAST_SPREAD))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """`[..., 1024]` to logits `[..., labels]` and the hidden layer `[..., 256]`."""
        hidden = torch.relu(self.hide(self.dropout((features - self.mean) / self.spread)))
        return self.classify(self.dropout(hidden)), hidden
