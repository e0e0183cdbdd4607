"""How alike a sound must be to one that was told wrong: measured on recordings that a network has not heard."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.common_sounds import CommonSounds
from listener.perceive.sounds.following import EMBEDDINGS
from listener.perceive.sounds.wrong import WAIT_CHUNKS
from training.again import read_again, read_labels
from training.character import Character, read_character
from training.recordings import PARTS

OTHERS_APART: Final = 0.9
"""So many of the other recordings of a label stay below, over much noise. Of those that start it in a room, over noise
10 dB below them, it is 97 of 100 (docs/decisions/0111)."""
MOST_OTHERS: Final = 24
"""Of a label and part: there are two hundred clips of speech, and they would decide for all."""

Array = NDArray[np.float32]


def limit_alike(out: Path) -> float:
    """The cosine: each part by the character that was learnt from the other two."""
    found: list[float] = []
    for part in range(PARTS):
        features, what = read_again(out, [part])
        like = read_character(out, [other for other in range(PARTS) if other != part])
        clips = [_beginning_and_rest(features, what, clip, like) for clip in np.unique(what[:, 0])]
        labels = read_labels(out, part)[np.unique(what[:, 0])]
        for label in sorted(set(labels) - {""}):
            of_label = [clip for clip, its in zip(clips, labels, strict=True) if its == label][:MOST_OTHERS]
            found += _likes(of_label)
    return float(np.quantile(found, OTHERS_APART))


def _beginning_and_rest(
    features: NDArray[np.float16], what: NDArray[np.int32], clip: int, like: Character
) -> tuple[Array, Array]:
    """As a room hears it first from one place, and again from the last: the first three chunks of the latter, and four
    spread over the former, in the space where sounds are compared."""
    first, last = (features[(what[:, 0] == clip) & (what[:, 1] == place)] for place in (0, what[:, 1].max()))
    first, last = first[: len(first) // 2], last[: len(last) // 2]  # over one noise
    spread = np.unique(np.linspace(0, len(first) - 1, EMBEDDINGS).round().astype(int))
    chosen = np.concatenate([last[: WAIT_CHUNKS + 1], first[spread]]).astype(np.float32)
    points = CommonSounds.space(chosen @ like.weight.T + like.bias)
    begin = len(points) - len(spread)
    return points[:begin], points[begin:]


def _likes(clips: Sequence[tuple[Array, Array]]) -> Iterator[float]:
    for i, (_, told) in enumerate(clips):
        for j, (beginning, _) in enumerate(clips):
            if i != j:
                yield float((beginning @ told.T).max())
