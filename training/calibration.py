"""From logits on recordings that a network has not heard to scores that mean something, and to thresholds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ALL_ALIKE: Final = 1.0
"""Strength of the prior "the logits are right as they are", in windows, for all labels together,"""
PRIOR: Final = 3_000.0
"""and of the prior "a label is as all labels are", for each. A few clips with hundreds of windows do not calibrate: of
scores on unheard clips between 0.8 and 0.9, 71 % were right with a prior of 10, 74 % with 100, and 81 % with 3,000."""
LOWEST: Final = 0.15
HIGHEST: Final = 0.995
STEP: Final = 0.1
"""Thresholds are tried in such steps of a logit."""
URGENT_MARGIN: Final = 1.0
"""A threshold of an urgent label lies so many logits above the lowest that is never wrong."""
KEPT: Final = 0.95
"""It goes up as long as so much of what it finds is still found."""
EXCESS: Final = 2 / 3
"""Where more than YAMNet finds could be found, so much of it must be; the rest is given for fewer false starts,"""
ALL_OF_IT: Final = 1.0
"""but not beside YAMNet, whose own threshold is there already: what the mean is for is to find more."""
BLUR: Final = 0.6
"""The next recording of the kind scores elsewhere, and so does this one with another network: so wide, in logits, is a
logistic distribution around each clip's score."""
POINTS: Final = 0.10
"""Of a label's clips: so many fewer than YAMNet may be found."""
LEAST: Final = 1e-6
"""Of a probability, so that its logarithm is finite."""
OFF: Final = 0.7
"""`off` lies so many logits below `on`."""

Array = NDArray[np.float64]


def fit_platt(
    logits: Array, truth: Array, strength: float, usual: tuple[float, float] = (1.0, 0.0)
) -> tuple[float, float]:
    """Slope and offset that make `sigmoid(slope * logit + offset)` right on average (Platt, "Probabilistic outputs for
    support vector machines", 1999), by Newton's method; the slope stays positive. Where there are fewer windows than
    `strength`, both stay near what is `usual`."""
    design = np.stack((logits, np.ones_like(logits)), axis=1)
    prior = np.array(usual)
    values = prior.copy()
    for _ in range(50):
        p = sigmoid(design @ values)
        gradient = design.T @ (p - truth) + strength * (values - prior)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + strength * np.eye(2)
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


def clip_logits(scores: Sequence[float]) -> Array:
    return logits_of(np.clip(np.array(scores, np.float64), LEAST, 1 - LEAST))


def logits_of(p: Array) -> Array:
    return np.asarray(np.log(p / (1 - p)))


def tried() -> Array:
    lowest, highest = logits_of(np.array([LOWEST, HIGHEST]))
    return np.arange(lowest, highest + STEP, STEP).clip(max=highest)


def likeliest(
    wrong: Sequence[float], right: Sequence[float], budget: int, asked: int, excess: float = EXCESS
) -> tuple[float, float]:
    """The `on` at which a label most likely holds its bound on other recordings, and the logarithm of how likely.

    `wrong`, `right`: scores of clips of other sounds and of its own. The bound: no more than `budget` false starts, and
    at most ten points of its clips fewer than `asked`, or than a part (`excess`) of what it finds itself at the lowest
    threshold that has no more false starts. What the next clips score is blurred; false starts are counted as Poisson's
    law has it, and what is found by the normal law.
    """
    on, others, own = tried(), clip_logits(wrong), clip_logits(right)
    free = next((x for x in on if np.sum(others > x) <= budget), on[-1])
    needed = max(asked, excess * float(np.sum(own > free))) - POINTS * len(own)
    found = sigmoid((own[None, :] - on[:, None]) / BLUR)
    mean, variance = found.sum(axis=1), (found * (1 - found)).sum(axis=1)
    enough = [0.5 * (1 + math.erf(z / math.sqrt(2))) for z in (mean - needed + 0.5) / np.sqrt(variance + 0.25)]
    false = sigmoid((others[None, :] - on[:, None]) / BLUR).sum(axis=1)
    few = sum(false**n / math.factorial(n) for n in range(budget + 1)) * np.exp(-false)
    both = np.log(np.array(enough) + LEAST) + np.log(few + LEAST)
    best = int(both.argmax())
    return rounded(on[best]), float(both[best])


def never_wrong(wrong: Sequence[float], right: Sequence[float]) -> float:
    """For what is urgent: above the lowest `on` that no clip of other sounds exceeds, and higher as long as nearly all
    that it finds is still found."""
    on = tried()
    lowest = next((x for x in on if not np.any(clip_logits(wrong) > x)), on[-1])
    return raised(rounded(min(lowest + URGENT_MARGIN, on[-1])), right)


def rounded(logit: float) -> float:
    return round(float(sigmoid(np.float64(logit))), 3)


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
