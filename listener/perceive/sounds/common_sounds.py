"""Common sounds, as embeddings: what a taught sound must be told from, and how embeddings are compared.

The file beside this module holds embeddings of sounds that were synthesized (chimes, beeps, sirens, knocks, speech,
noise) and heard in synthesized rooms; `python -m training.common_sounds --out DIR` makes it, anew
for each network.
"""

import importlib.resources
import io
import zipfile
import zlib
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
class CommonSounds:
    """`space` takes embeddings to where their cosines tell sounds apart; `others` `[n, width]` are there already.

    `alike`: what a sound that was recorded again must reach, to be taken for the one that was told wrong: a cosine.
    """

    network: str
    others: Array = field(repr=False)
    alike: float
    products: NDArray[np.float64] = field(repr=False)
    """`[width + 1, width + 1]`: of `others` with a one behind each, multiplied with itself; a quarter of a second that
    every taught sound would cost anew."""

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


def common_sounds(vectors: Array, network: str, alike: float) -> CommonSounds:
    """From embeddings of common sounds, `[n, width]`."""
    others = CommonSounds.space(vectors)
    return CommonSounds(network, others, alike, products(others))


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
            vectors = np.asarray(file["vectors"], np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); install listener again") from None
    if vectors.ndim != 2 or len(vectors) < 2 or not np.isfinite(vectors).all():
        raise ModelError(f"{path}: holds no embeddings; install listener again")
    if made_with != network:
        raise ModelError(
            f"{path}: was made with another network ({made_with[:12]}, and the tagger is {network[:12]}); "
            "install listener again, or, where you trained the tagger: python -m training.common_sounds --out DIR"
        )
    return common_sounds(vectors, network, alike)
