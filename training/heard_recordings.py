"""Embeddings of the recordings that a network learnt from, for what taught sounds must be told from besides.

Synthesized sounds are far from a chain saw; a hedge trimmer is not (docs/decisions/0110). Numbers, from which nobody
can make sound again; whose recordings they are of is in own_tagger_attribution.csv.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.common_sounds import CommonSounds, in_eight_bits
from training.again import PLACES, read_again, read_labels
from training.character import Character

MOST_OF_A_LABEL: Final = 24
"""Recordings, of each part: of two hundred that are speech these are enough. Of those without a label all are kept."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class HeardRecordings:
    """`vectors` `[n, width]` in eight bits, one recording after the other; `labels` `[clips]`, empty for none of ours;
    `numbers` `[clips]`: how many of the vectors are each one's."""

    vectors: NDArray[np.int8]
    labels: tuple[str, ...]
    numbers: tuple[int, ...]


def heard_recordings(out: Path, parts: Sequence[int], like: Character) -> HeardRecordings:
    """Of some parts, as the network of that character hears them. `out`: folder of the training."""
    found = [one for part in parts for one in _of_part(out, part, like)]
    return HeardRecordings(
        in_eight_bits(np.concatenate([vectors for _, vectors in found])),
        tuple(label for label, _ in found),
        tuple(len(vectors) for _, vectors in found),
    )


def _of_part(out: Path, part: int, like: Character) -> list[tuple[str, Array]]:
    """Label and embeddings `[4, width]` of each recording: one from each place, at another moment of it each."""
    features, what = read_again(out, [part])
    labels = read_labels(out, part)
    clips = np.unique(what[:, 0])
    rows = [_spread(np.flatnonzero(what[:, 0] == clip)) for clip in clips]
    vectors = [features[which].astype(np.float32) @ like.weight.T + like.bias for which in rows]
    of_clips = labels[clips]
    kept: list[int] = []
    for label in np.unique(of_clips):
        of_label = np.flatnonzero(of_clips == label)
        middles = CommonSounds.space(np.array([CommonSounds.space(vectors[i]).mean(axis=0) for i in of_label]))
        kept += of_label[farthest(middles, MOST_OF_A_LABEL if label else len(of_label))].tolist()
    return [(str(of_clips[i]), vectors[i]) for i in sorted(kept)]


def _spread(rows: NDArray[np.int64]) -> list[int]:
    """Of the rows of a recording, place after place: one of each place, from its beginning, its middle and its end."""
    quarters = [quarter for quarter in np.array_split(rows, PLACES) if len(quarter)]
    return [int(quarter[int((k + 0.5) / PLACES * len(quarter))]) for k, quarter in enumerate(quarters)]


def farthest(points: Array, most: int) -> NDArray[np.int64]:
    """Indexes of so many of the points `[n, width]` of length 1: first the one that is least like all, then always the
    one that is least like those that were chosen (Gonzalez, "Clustering to minimize the maximum intercluster
    distance", 1985)."""
    if len(points) <= most:
        return np.arange(len(points))
    chosen = [int(np.argmin(points @ points.mean(axis=0)))]
    likest = points @ points[chosen[0]]
    while len(chosen) < most:
        likest[chosen] = np.inf
        chosen.append(int(np.argmin(likest)))
        likest = np.maximum(likest, points @ points[chosen[-1]])
    return np.array(chosen)
