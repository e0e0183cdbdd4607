"""What is trained: from the features of the convolutions (training/trunk.py) to one score per label."""

from typing import Final

import torch
from torch import Tensor, nn

from training.trunk import FEATURES

EMBEDDING: Final = 256
TEACHER: Final = 1_024
LEAST_SPREAD: Final = 0.02
"""A feature that hardly varies in training is not blown up."""


class Head(nn.Module):
    """Standardized features, one layer that is the embedding, one that gives the labels."""

    mean: Tensor
    spread: Tensor

    def __init__(self, labels: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(FEATURES, EMBEDDING)
        self.classify = nn.Linear(EMBEDDING, labels)
        self.imitate = nn.Linear(EMBEDDING, TEACHER)
        """The teacher's embedding from ours. Needed in training only."""

    def fit_scale(self, features: Tensor) -> None:
        """Take mean and spread of features `[n, 1024]`."""
        self.mean.copy_(features.mean(0))
        self.spread.copy_(features.std(0).clamp_min(LEAST_SPREAD))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """`[..., 1024]` to logits `[..., labels]` and embeddings `[..., 256]`."""
        embedding = torch.relu(self.embed(self.dropout((features - self.mean) / self.spread)))
        return self.classify(self.dropout(embedding)), embedding
