"""What the room hears now, and why most of it is not reported: the answer to "why did it not fire?"."""

from typing import Final

import numpy as np

from listener.perceive.sounds.episodes import Episodes
from listener.perceive.sounds.labels import LabelTable, Thresholds, logit, shifted
from listener.types import Hearing, Scores
from listener.vocabulary import PATTERN_LABELS

SHOWN: Final = 5
_EPSILON: Final = 1e-4


def hearing_now(table: LabelTable, limits: Thresholds, scores: Scores, episodes: Episodes) -> tuple[Hearing, ...]:
    """The five best labels, best first, each with its score and the reason why it does not sound."""
    best = np.argsort(-scores, kind="stable")[:SHOWN].tolist()
    return tuple(
        Hearing(table.labels[i], round(float(scores[i]), 2), _reason(i, table, limits, scores, episodes)) for i in best
    )


def with_taught(hearing: tuple[Hearing, ...], taught: tuple[Hearing, ...]) -> tuple[Hearing, ...]:
    """The five best of both."""
    return tuple(sorted((*hearing, *taught), key=lambda one: -one.score)[:SHOWN]) if taught else hearing


def _reason(i: int, table: LabelTable, limits: Thresholds, scores: Scores, episodes: Episodes) -> str | None:
    label = table.labels[i]
    if episodes.sounding[i]:
        return None
    if i in episodes.refused:
        return episodes.refused[i].reason
    if label not in table.wanted:
        return "not among the labels to report"
    if not limits.reported[i]:
        return f"strictness {limits.strictness} reports urgent sounds only"
    if scores[i] > limits.on[i]:
        return f"{episodes.counts[i]} of {limits.windows[i]} windows so far"
    if not table.has_classes[i]:
        return "recognised by its pattern only" if label in PATTERN_LABELS else "this tagger does not know it"
    return f"{scores[i]:.2f} is not above its threshold of {limits.on[i]:.2f}"


def evidence(table: LabelTable, limits: Thresholds, episodes: Episodes, t: float) -> dict[str, float]:
    """Per urgent label that is reported: 1.0 while its pattern goes on, else the best score of its M windows, rescaled.

    sigmoid(logit(score) - logit(on)) is 0.5 at the threshold whatever the threshold, and keeps odds ratios.
    """
    found = {}
    for i in table.urgent_rows:
        if limits.reported[i]:
            score = min(max(episodes.best(i, limits), _EPSILON), 1.0 - _EPSILON)
            found[table.labels[i]] = (
                1.0 if episodes.by_pattern(i, t) else round(shifted(score, -logit(float(limits.on[i]))), 4)
            )
    return found
