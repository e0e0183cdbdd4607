"""The same recordings, heard again and again: from other places, over other noise. What stays is the sound itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.bench import synthesis
from listener.types import SAMPLE_RATE_HZ, Samples
from training.hearing import spectra
from training.recordings import Recording
from training.rooms import heard_in_a_room, some_noise
from training.trunk import Trunk

PLACES: Final = 4
NOISES: Final = 2
"""So often is a recording heard from each place."""
LONGEST_SECONDS: Final = 5.0
"""Of a longer recording, a part."""
EDGE_SECONDS: Final = 1.0
WINDOW_SAMPLES: Final = 15_360
"""What an embedding is about: 0.96 s."""
LEAST_COVERED: Final = 0.15
"""So much of a window must be sound, else it says more of the noise."""

Generator = np.random.Generator
Heard = tuple[NDArray[np.float16], NDArray[np.int32]]
"""Features `[chunks, 1024]`, and of each chunk which clip, place and chunk of the recording it is, `[chunks, 3]`."""


def hear_again(recordings: Sequence[Recording], trunk: Trunk, seed: int) -> Heard:
    rng = np.random.default_rng(seed)
    heard = [one for clip, recording in enumerate(recordings) for one in _places(rng, clip, recording, trunk)]
    return np.concatenate([features for features, _ in heard]), np.concatenate([what for _, what in heard])


def _places(rng: Generator, clip: int, recording: Recording, trunk: Trunk) -> Iterator[Heard]:
    sound = _part_of(rng, recording.samples)
    edge = synthesis.silence(EDGE_SECONDS)
    lead = edge[: int(rng.uniform(0.6, 1.0) * len(edge))]  # the sound begins anywhere in a chunk
    dry = np.concatenate([lead, sound, edge])
    loud = np.zeros(len(dry), np.bool_)
    loud[len(lead) : len(lead) + len(sound)] = np.abs(sound) > 0.02 * np.abs(sound).max()
    for place in range(PLACES):
        wet = heard_in_a_room(rng, dry)
        for _ in range(NOISES):
            noise = some_noise(rng, len(wet) / SAMPLE_RATE_HZ + 0.1)[: len(wet)]
            mixed = synthesis.mix(wet, noise, float(rng.uniform(6, 22)), loud)
            features = trunk.hear(spectra(synthesis.at_level(mixed, float(rng.uniform(-30, -4)))))
            chunks = np.flatnonzero(_covered(loud, len(features)) > LEAST_COVERED)
            what = np.column_stack([np.full(len(chunks), clip), np.full(len(chunks), place), chunks])
            yield features[chunks].astype(np.float16), what.astype(np.int32)


def _part_of(rng: Generator, sound: Samples) -> Samples:
    most = round(LONGEST_SECONDS * SAMPLE_RATE_HZ)
    first = int(rng.integers(0, max(len(sound) - most, 0) + 1))
    return sound[first : first + most] if np.abs(sound[first : first + most]).max() > 1e-4 else sound[:most]


def _covered(loud: NDArray[np.bool_], chunks: int) -> NDArray[np.float64]:
    """What part of each chunk's window is sound, `[chunks]`."""
    sums = np.concatenate([np.zeros(WINDOW_SAMPLES), np.cumsum(loud)])
    ends = np.minimum((np.arange(chunks) + 1) * 6_400, len(loud))
    return np.asarray((sums[ends + WINDOW_SAMPLES - 1] - sums[ends - 1]) / WINDOW_SAMPLES)


def write_again(out: Path, part: int, recordings: Sequence[Recording], trunk: Trunk) -> None:
    features, what = hear_again(recordings, trunk, seed=100 + part)
    np.save(out / f"again-{part}-features.npy", features)
    np.save(out / f"again-{part}-what.npy", what)
    np.save(out / f"again-{part}-labels.npy", np.array([one.label or "" for one in recordings]))


def read_labels(out: Path, part: int) -> NDArray[np.str_]:
    """Of each clip of a part; empty where none of ours means it."""
    labels: NDArray[np.str_] = np.load(out / f"again-{part}-labels.npy")
    return labels


def read_again(out: Path, parts: Sequence[int]) -> Heard:
    """Of several parts; their clips are numbered on."""
    features, what, clips = [], [], 0
    for part in parts:
        features.append(np.load(out / f"again-{part}-features.npy"))
        rows = np.load(out / f"again-{part}-what.npy")
        what.append(rows + np.array([clips, 0, 0], np.int32))
        clips += int(rows[:, 0].max()) + 1
    return np.concatenate(features), np.concatenate(what)
