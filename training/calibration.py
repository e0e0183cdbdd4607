"""From logits on recordings that a network has not heard to scores that mean something, and to thresholds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PRIOR: Final = 4.0
"""Strength of the prior "the logits are right as they are", in windows: few examples do not calibrate."""
LOWEST: Final = 0.15
HIGHEST: Final = 0.995
STEP: Final = 0.1
"""Thresholds are tried in such steps of a logit."""
MARGIN: Final = 0.4
URGENT_MARGIN: Final = 1.0
"""A threshold lies so many logits above the one that the rule finds: it is used on other recordings."""
KEPT: Final = 0.95
"""A threshold goes up as long as so much of what it finds is still found: what is surely itself need not be believed at
the first sign, and fewer others are mistaken for it."""
OFF: Final = 0.7
"""`off` lies so many logits below `on`."""

Array = NDArray[np.float64]


def fit_platt(logits: Array, truth: Array) -> tuple[float, float]:
    """Slope and offset that make `sigmoid(slope * logit + offset)` right on average (Platt, "Probabilistic outputs for
    support vector machines", 1999), by Newton's method; the slope stays positive."""
    design = np.stack((logits, np.ones_like(logits)), axis=1)
    prior = np.array([1.0, 0.0])
    values = prior.copy()
    for _ in range(50):
        p = sigmoid(design @ values)
        gradient = design.T @ (p - truth) + PRIOR * (values - prior)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        values = values - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-7:
            break
    return max(float(values[0]), 0.05), float(values[1])


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def clip_score(scores: Array, windows: int, of: int) -> float:
    """The threshold below which `windows` of some `of` successive scores `[chunks]` would start the sound."""
    padded = np.concatenate((np.zeros(of - 1), scores))
    spans = np.sort(np.lib.stride_tricks.sliding_window_view(padded, of), axis=1)
    return float(spans[:, -windows].max())


def threshold(false_scores: Sequence[float], budget: int, *, urgent: bool) -> float:
    """The lowest `on` that no more than `budget` clips of other sounds exceed."""
    lowest, highest = (math.log(p / (1 - p)) for p in (LOWEST, HIGHEST))
    tried = np.arange(lowest, highest + STEP, STEP)
    on = next((x for x in tried if np.sum(np.array(false_scores) > sigmoid(x)) <= budget), tried[-1])
    return round(float(sigmoid(np.float64(min(on + (URGENT_MARGIN if urgent else MARGIN), highest)))), 3)


def raised(on: float, own_scores: Sequence[float]) -> float:
    """The highest threshold, from `on` upwards, that still finds enough of a label's own clips."""
    scores = np.array(own_scores)
    enough = KEPT * np.sum(scores > on)
    start, highest = (math.log(p / (1 - p)) for p in (on, HIGHEST))
    tried = np.arange(start, highest, STEP)
    most = max((x for x in tried if np.sum(scores > sigmoid(x)) >= enough), default=start)
    return round(float(sigmoid(np.float64(most))), 3)


def off_of(on: float) -> float:
    return round(float(sigmoid(np.float64(math.log(on / (1 - on)) - OFF))), 3)


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    count: int
    score: float
    right: float


def reliability(scores: Array, truth: Array, bins: int = 10) -> list[Bin]:
    """Of windows scored between two values: how many there are, their mean score, and how many hold the sound."""
    table = []
    for n in range(bins):
        low, high = n / bins, (n + 1) / bins
        inside = (scores >= low) & ((scores < high) | (n == bins - 1))
        if inside.any():
            table.append(Bin(low, high, int(inside.sum()), float(scores[inside].mean()), float(truth[inside].mean())))
    return table


@dataclass(frozen=True)
class Rule:
    """A label starts when `windows` of some `of` successive scores exceed `on`."""

    on: float
    windows: int
    of: int


def settings(rules: Mapping[str, Rule], defaults: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """Entries of own_labels.yaml: our rules, with the holds of `defaults` (labels.yaml). A label without a rule has no
    class, so that it is never reported by this tagger."""
    made: dict[str, dict[str, object]] = {}
    for label, default in defaults.items():
        entry = dict(default)
        entry["classes"] = [label] if label in rules else []
        if rule := rules.get(label):
            entry |= {"on": rule.on, "off": off_of(rule.on), "windows": rule.windows, "of": rule.of}
        made[label] = entry
    return made
