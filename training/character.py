"""What a sound is like, whatever it is called: what stays of it over other noise, and what tells it from others.

The layer that gives the labels is trained to put all dogs in one place. To know one dog again, or to tell it from
others, what it leaves out is needed: the features of the convolutions. But much of how they vary is noise, and the
room. Linear discriminant analysis (Fisher, "The use of multiple measurements in taxonomic problems", 1936; for channels
Hatch, Kajarekar and Stolcke, "Within-class covariance normalization", Interspeech 2006) finds the directions in which
recordings differ most, for how much one recording differs from itself when it is heard again (docs/decisions/0110).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.again import read_again
from training.trunk import LEAST_SPREAD

EMBEDDING: Final = 224
"""As many as the file has room for."""
IN_TIME: Final = 0.3
"""What a sound does from one moment to the next counts for so much of what is to be overlooked."""
RIDGE: Final = 0.1
"""Part of the mean variance within that is added to each direction's: those of hardly any are not blown up."""

Array = NDArray[np.float32]
Keys = NDArray[np.int64]


@dataclass(frozen=True)
class Character:
    """Embedding `[224]` of features `[1024]`: `weight @ features + bias`."""

    weight: Array
    bias: Array


def read_character(out: Path, parts: Sequence[int]) -> Character:
    """Of the recordings of some parts, as they were heard again and again."""
    features, what = read_again(out, parts)
    return character(features.astype(np.float32), what)


def character(features: Array, what: NDArray[np.int32]) -> Character:
    """Of features `[n, 1024]`, with clip, place and chunk of each, `[n, 3]`.

    Within: how one chunk of one clip varies over noise from one place, and a little of how a clip varies in time.
    Between: how chunks vary, whatever they are heard over. Each direction is scaled to one variance of both together.
    """
    mean = features.mean(axis=0)
    spread = np.maximum(features.std(axis=0), LEAST_SPREAD)
    standard = (features - mean) / spread
    clip, place, chunk = what.astype(np.int64).T
    moments = clip * 10_000 + chunk
    over_noise = _means(standard, moments * 100 + place)
    moment = _means(over_noise, moments)
    of_clip = _means(moment, clip)
    noise = _scatter(standard - over_noise) * _unbiased(moments * 100 + place)
    within = noise + IN_TIME * _scatter(moment - of_clip)
    within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    ratio, axes = _most_between(_scatter(_one_each(moment, moments)), within)
    weight = (axes / np.sqrt(1 + ratio)).T / spread
    return Character(weight.astype(np.float32), (-weight @ mean).astype(np.float32))


def _most_between(between: Array, within: Array) -> tuple[Array, Array]:
    """The largest ratios `[224]` of variance between to within, and their axes `[1024, 224]`, of variance 1 within."""
    inverse = np.linalg.inv(np.linalg.cholesky(within))
    ratio, rotation = np.linalg.eigh(inverse @ between @ inverse.T)
    chosen = np.argsort(-ratio)[:EMBEDDING]
    axes = inverse.T @ rotation[:, chosen]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(chosen))])  # else the sign is the library's choice
    return ratio[chosen], axes


def _means(rows: Array, keys: Keys) -> Array:
    """Each row replaced by the mean of those with its key."""
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(which, kind="stable")
    sums = np.add.reduceat(rows[order], np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=0)
    found: Array = (sums / counts[:, None].astype(np.float32))[which]
    return found


def _one_each(rows: Array, keys: Keys) -> Array:
    """One row of each key, less their mean."""
    found: Array = rows[np.unique(keys, return_index=True)[1]]
    return found - found.mean(axis=0)


def _scatter(rows: Array) -> Array:
    found: Array = (rows.T @ rows / len(rows)).astype(np.float64)
    return found


def _unbiased(keys: Keys) -> float:
    """A mean of few lies nearer to them than the truth: n over n less the number of means."""
    return len(keys) / max(len(keys) - len(np.unique(keys)), 1)
