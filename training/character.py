"""What a sound is like, whatever it is called: the features' principal axes, all of the same variance.

The layer that gives the labels is trained to put all dogs in one place. To know one dog again, or to tell it from
others, what it leaves out is needed: the features of the convolutions, whitened (docs/decisions/0110).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.network import LEAST_SPREAD
from training.pool import read_pool

EMBEDDING: Final = 224
"""As many as the file has room for; they hold nine tenths of the variance."""
EVERY: Final = 8
"""Chunk of the examples: of these there are many, and most are alike."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Character:
    """Embedding `[224]` of features `[1024]`: `weight @ features + bias`."""

    weight: Array
    bias: Array


def read_character(out: Path, parts: Sequence[int]) -> Character:
    """Of the recordings and examples of some parts."""
    pools = [read_pool(out, parts, "clips")["features"], read_pool(out, parts, "part")["features"][::EVERY]]
    return character(np.concatenate(pools).astype(np.float32))


def character(features: Array) -> Character:
    """Principal axes of standardized features `[n, 1024]`, each divided by its standard deviation."""
    mean = features.mean(axis=0)
    spread = np.maximum(features.std(axis=0), LEAST_SPREAD)
    standard = ((features - mean) / spread).astype(np.float64)
    variances, axes = np.linalg.eigh(standard.T @ standard / len(standard))
    chosen = np.argsort(-variances)[:EMBEDDING]
    axes = axes[:, chosen]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(chosen))])  # else the sign is the library's choice
    weight = (axes / np.sqrt(variances[chosen])).T / spread
    return Character(weight.astype(np.float32), (-weight @ mean).astype(np.float32))
