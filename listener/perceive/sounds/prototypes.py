"""How like a taught sound an embedding is, from a few examples of it: a score in [0, 1], 0.5 where the decision lies.

Two opinions, averaged. One looks for the nearest examples: the mean of the three largest cosines. The other is a plane
between the examples and everything else (common sounds, the room's background, what was said to be wrong), by ridge
regression with both sides weighted alike (Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning",
4.2).
Why both: docs/decisions/0110-a-sound-from-five-examples.md.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.common_sounds import CommonSounds, products

NEAREST: Final = 3
RIDGE: Final = 0.1
OWN_WEIGHT: Final = 0.5
"""What the room's own negatives weigh together, against 1 for the common sounds."""
STEP_UP: Final = 0.5
"""The threshold lies so far up from what others reach to what the sound itself reaches when it is left out."""
FOUND_PART: Final = 0.8
"""So many of the takes must be recognised by the others: of sounds that are known again three times of five, most are
mistaken for others (docs/decisions/0110)."""
OTHERS_QUANTILE: Final = 0.99
RECORDINGS_QUANTILE: Final = 0.995
"""Of recordings, by what each reaches at best."""
SURE_LOGIT: Final = 2.0
"""A left-out take's score is this many logits above the threshold: 0.88."""
LEAST_GAP: Final = 0.2
"""What others reach and what the sound itself reaches lie so far apart, or it cannot be told from them."""
FARTHEST_LOGIT: Final = 20.0
WINDOWS: Final = 2
OF: Final = 3
"""So many of the last so many chunks start a sound."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Opinion:
    """The two opinions' mean, about -1 to 1. `examples` `[k, width]`, `plane` `[width + 1]`."""

    examples: Array = field(repr=False)
    plane: Array = field(repr=False)

    def of(self, points: Array) -> Array:
        """`[n]`, of points `[n, width]` in the space of common sounds."""
        cosines = np.sort(points @ self.examples.T, axis=1)[:, -NEAREST:].mean(axis=1)
        both: Array = 0.5 * (cosines + points @ self.plane[:-1] + self.plane[-1])
        return both


@dataclass(frozen=True, slots=True)
class Prototype:
    """A taught sound, ready to be heard. `threshold` and `slope` make a score of an opinion."""

    opinion: Opinion
    threshold: float
    slope: float
    left_out: tuple[float, ...]
    """Each take's score by the others alone."""
    gap: float
    """How far what four of five left-out takes reach lies above what others reach."""
    like: str
    """The label that most recordings have which come nearer than half of the left-out takes do, where these are like
    each other at all; empty: none."""

    def scores(self, points: Array) -> Array:
        logits = self.slope * (self.opinion.of(points) - self.threshold)
        found: Array = 1.0 / (1.0 + np.exp(-np.clip(logits, -FARTHEST_LOGIT, FARTHEST_LOGIT)))
        return found


def opinion(takes: Sequence[Array], negatives: Array, common: CommonSounds) -> Opinion:
    """`takes`: points of each take; `negatives` `[n, width]`, n may be 0; all in the space of common sounds."""
    examples = np.concatenate(takes)
    sides = [(products(examples), 1.0, 1.0), (common.products, -1.0, 1.0), (products(negatives), -1.0, OWN_WEIGHT)]
    width = examples.shape[1] + 1
    left, right = np.zeros((width, width)), np.zeros(width)
    for product, target, weight in sides:
        number = product[-1, -1]
        if number:
            left += weight / number * product
            right += weight / number * target * product[-1]
    penalty = RIDGE * np.eye(width)
    penalty[-1, -1] = 0.0
    return Opinion(examples, np.linalg.solve(left + penalty, right).astype(np.float32))


def prototype(takes: Sequence[Array], negatives: Array, common: CommonSounds) -> Prototype:
    """The threshold comes from the takes themselves: each is left out once, and judged by what the others say.

    With one take there is nothing to leave out, and it is judged by itself, which is too kind: two at least.
    """
    whole = opinion(takes, negatives, common)
    left_out = [
        reached_by(opinion([*takes[:i], *takes[i + 1 :]], negatives, common).of(take)) if len(takes) > 1 else 1.0
        for i, take in enumerate(takes)
    ]
    recordings = common.recordings.best(whole.of(common.recordings.points))
    made = _quantile(np.concatenate([whole.of(common.others), whole.of(negatives)]), OTHERS_QUANTILE)
    others = max(made, _quantile(recordings, RECORDINGS_QUANTILE))
    found = sorted(left_out)[len(left_out) - math.ceil(FOUND_PART * len(left_out))]
    own = max(found, others + LEAST_GAP)
    threshold = others + STEP_UP * (own - others)
    slope = SURE_LOGIT / (own - threshold)
    judged = tuple(float(1 / (1 + np.exp(-slope * (one - threshold)))) for one in left_out)
    half = float(np.median(left_out))
    nearer = np.flatnonzero(recordings > half) if half >= made + LEAST_GAP else ()
    like = _most_of([common.recordings.labels[i] for i in nearer])
    return Prototype(whole, threshold, slope, judged, found - others, like)


def reached_by(values: Array) -> float:
    """What enough of a take's chunks reach to start the sound: two of three, and half of those that were heard from
    several offsets."""
    return float(np.sort(values)[-max(WINDOWS, len(values) // 2) :][0])


def _quantile(values: Array, part: float) -> float:
    return float(np.quantile(values, part)) if len(values) else -np.inf


def _most_of(labels: Sequence[str]) -> str:
    """The label that half of them have, at least; empty without one."""
    label, number = Counter(labels).most_common(1)[0] if labels else ("", 0)
    return label if 2 * number >= len(labels) else ""
