"""Common sounds, as embeddings: what a taught sound must be told from, and how embeddings are compared.

The file beside this module holds embeddings, and no sound: of sounds that were synthesized (chimes, beeps, sirens,
knocks, speech, noise), and of recordings that the network was trained on (own_tagger_attribution.csv says whose), all
heard in synthesized rooms. `python -m training.common_sounds --out DIR` makes it, anew for each network.
"""

import importlib.resources
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.errors import ModelError
from listener.perceive.sounds.own_tagger_model import SHA256

FILE_NAME: Final = "own_tagger_common.npz"
_MAX_BYTES: Final = 4_000_000

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recordings:
    """Real sounds, which a taught one may be mistaken for: `points` `[n, width]`, some of each recording, one recording
    after the other. `first`: the index of each one's first point."""

    points: Array = field(repr=False)
    first: NDArray[np.int64] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    """Of each recording; empty where none of ours means it."""

    def best(self, values: Array) -> Array:
        """Of one value for each point, the largest of each recording."""
        found: Array = np.maximum.reduceat(values, self.first) if len(self.first) else values[:0]
        return found


@dataclass(frozen=True, slots=True)
class CommonSounds:
    """`space` takes embeddings to where their cosines tell sounds apart; `others` `[n, width]` are there already, and
    so are the points of `recordings`.

    `alike`: what a sound that was recorded again must reach, to be taken for the one that was told wrong: a cosine.
    """

    network: str
    others: Array = field(repr=False)
    alike: float
    products: NDArray[np.float64] = field(repr=False)
    """`[width + 1, width + 1]`: of `others` with a one behind each, multiplied with itself; a quarter of a second that
    every taught sound would cost anew."""
    recordings: Recordings = field(repr=False)

    @property
    def width(self) -> int:
        """Of an embedding."""
        return int(self.others.shape[1])

    @staticmethod
    def space(embeddings: Array) -> Array:
        """Of length 1: `[n, width]` to `[n, width]`. The network has centred them, and divided each direction by how
        much sounds vary in it (training/character.py)."""
        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        scaled: Array = embeddings / np.maximum(length, np.float32(1e-6))
        return scaled


def common_sounds(
    vectors: Array, network: str, alike: float, recorded: Array | None = None, labels: Sequence[tuple[str, int]] = ()
) -> CommonSounds:
    """From embeddings of common sounds, `[n, width]`, and of recordings, `[m, width]`; `labels`: that of each
    recording, and how many of the embeddings are its."""
    others = CommonSounds.space(vectors)
    points = others[:0] if recorded is None else CommonSounds.space(recorded)
    first = np.cumsum([0, *(number for _, number in labels)])[: len(labels)]
    recordings = Recordings(points, first, tuple(label for label, _ in labels))
    return CommonSounds(network, others, alike, products(others), recordings)


def in_eight_bits(vectors: Array) -> NDArray[np.int8]:
    """Embeddings as they are shipped: only their direction counts, and rounding turns it by less than a degree."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-6)
    return np.asarray(np.round(vectors / largest * 127.0), np.int8)


def products(points: Array) -> NDArray[np.float64]:
    """The sum over points `[n, width]`, with a one behind each, of their outer products."""
    rows = np.c_[points, np.ones(len(points), np.float32)].astype(np.float64)
    return np.asarray(rows.T @ rows)


def bundled_path() -> Path:
    """The file beside this module."""
    return Path(str(importlib.resources.files(__package__).joinpath(FILE_NAME)))


def load_common(path: Path | None = None, network: str = SHA256) -> CommonSounds:
    """Raises ModelError when the file is missing, damaged, or made with another network."""
    path = bundled_path() if path is None else path
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES)
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            made_with, alike = str(file["network"]), float(file["alike"])
            vectors, recorded = (np.asarray(file[name], np.float32) for name in ("vectors", "recorded"))
            labels = list(zip(file["labels"].tolist(), file["numbers"].tolist(), strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); install listener again") from None
    if not _are_embeddings(vectors) or not _are_embeddings(recorded) or vectors.shape[1] != recorded.shape[1]:
        raise ModelError(f"{path}: holds no embeddings; install listener again")
    if min((number for _, number in labels), default=0) < 1 or sum(number for _, number in labels) != len(recorded):
        raise ModelError(f"{path}: its recordings are not those of its embeddings; install listener again")
    if made_with != network:
        raise ModelError(
            f"{path}: was made with another network ({made_with[:12]}, and the tagger is {network[:12]}); "
            "install listener again, or, where you trained the tagger: python -m training.common_sounds --out DIR"
        )
    return common_sounds(vectors, network, alike, recorded, labels)


def _are_embeddings(vectors: Array) -> bool:
    return vectors.ndim == 2 and len(vectors) >= 2 and bool(np.isfinite(vectors).all())
