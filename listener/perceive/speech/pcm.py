"""Samples as the libraries of speech want them."""

import numpy as np

from listener.types import Samples


def pcm(samples: Samples) -> bytes:
    """16 bit, little endian; what is beyond full scale is clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2").tobytes()
