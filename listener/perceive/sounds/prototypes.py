"""How like a taught sound an embedding is, from a few examples of it: a score in [0, 1], 0.5 where the decision lies.

Two opinions, averaged. One looks for the nearest examples: the mean of the three largest cosines. The other is a plane
between the examples and everything else (common sounds, the room's background, what was said to be wrong), by ridge
regression with both sides weighted alike (Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning",
4.2).
Why both: docs/decisions/0110-a-sound-from-five-examples.md.
"""

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
STEP_UP: Final = 0.6
"""The threshold lies so far up from what others reach to what the sound itself reaches when it is left out."""
OTHERS_QUANTILE: Final = 0.99
SURE_LOGIT: Final = 2.0
"""A left-out take's score is this many logits above the threshold: 0.88."""
LEAST_GAP: Final = 0.1
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
        float(np.sort(opinion([*takes[:i], *takes[i + 1 :]], negatives, common).of(take))[-WINDOWS:][0])
        if len(takes) > 1
        else 1.0
        for i, take in enumerate(takes)
    ]
    others = np.concatenate([whole.of(common.others), whole.of(negatives)]) if len(negatives) else None
    reached = float(np.quantile(whole.of(common.others) if others is None else others, OTHERS_QUANTILE))
    own = max(float(np.median(left_out)), reached + LEAST_GAP)
    threshold = reached + STEP_UP * (own - reached)
    slope = SURE_LOGIT / (own - threshold)
    judged = tuple(float(1 / (1 + np.exp(-slope * (one - threshold)))) for one in left_out)
    return Prototype(whole, threshold, slope, judged)
