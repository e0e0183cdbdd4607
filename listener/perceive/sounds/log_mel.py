"""Log-mel features from the room's shared spectrum, as AudioSet's taggers take them.

64 bands from 125 to 7,500 Hz, triangles that are linear on the mel scale of HTK, no normalization, an offset of 0.001
before the logarithm (Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017;
tensorflow/models, research/audioset/vggish, `mel_features.py`, `vggish_params.py`). YAMNet's file has the same matrix.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.spectrum import BIN_HZ, BINS
from listener.types import Magnitudes

MEL_BANDS: Final = 64
LOG_OFFSET: Final = 0.001
LOWEST_HZ: Final = 125.0
HIGHEST_HZ: Final = 7_500.0

_FRAMES_AT_ONCE: Final = 10
"""As in `yamnet`: larger products are shared among OpenBLAS's threads, which then wait for the next one spinning."""


def mel(hertz: NDArray[np.floating[Any]] | float) -> NDArray[np.float64]:
    """HTK's mel scale."""
    return np.asarray(1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0))


def mel_matrix() -> NDArray[np.float32]:
    """`[257, 64]`: how much each bin of the magnitude spectrum adds to each band. The constant bin adds nothing."""
    edges = np.linspace(mel(LOWEST_HZ), mel(HIGHEST_HZ), MEL_BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = mel(np.arange(BINS) * BIN_HZ)[:, None]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0
    return matrix.astype(np.float32)


def log_mel(magnitudes: Magnitudes, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features `[frames, 64]` of magnitudes `[frames, 257]`; the number of frames is a multiple of 10."""
    bands = (magnitudes.reshape(-1, _FRAMES_AT_ONCE, BINS) @ matrix).reshape(len(magnitudes), MEL_BANDS)
    features: NDArray[np.float32] = np.log(bands + np.float32(LOG_OFFSET))
    return features
