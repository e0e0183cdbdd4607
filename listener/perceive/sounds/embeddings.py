"""Embeddings: what our own tagger's network makes of the last second, as vectors that sounds are told apart by."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.level import is_clipping
from listener.perceive.sounds.common_sounds import CommonSounds, load_common
from listener.perceive.sounds.own_tagger import OwnStream, OwnTagger
from listener.perceive.sounds.own_tagger_model import SHA256, OwnModel, load_own
from listener.perceive.spectrum import Spectrum
from listener.types import SAMPLE_RATE_HZ, Chunk, Magnitudes, Samples
from listener.types.taught import LEVEL_SECONDS, Embedding, Sense

Vectors = NDArray[np.float32]

_LEVEL_SAMPLES: Final = round(LEVEL_SECONDS * SAMPLE_RATE_HZ)
_SILENT_POWER: Final = 1e-12


def pack(vector: NDArray[np.float32], network: str = SHA256) -> Embedding:
    """As it is kept: half precision is a thousandth of the differences that matter."""
    return Embedding(network, vector.astype("<f2").tobytes())


def vectors(embeddings: Sequence[Embedding], network: str = SHA256) -> Vectors:
    """`[embeddings of that network, width]`; those of other networks are left out. Empty: `[0, 0]`."""
    same = [np.frombuffer(one.vector, "<f2") for one in embeddings if one.network == network]
    return np.stack(same).astype(np.float32) if same else np.zeros((0, 0), np.float32)


def levels_dbfs(samples: Samples) -> tuple[float, ...]:
    """RMS of each 50 ms, dB relative to full scale, to a tenth; `samples` are a chunk's."""
    power = np.square(samples.reshape(-1, _LEVEL_SAMPLES)).mean(axis=1)
    return tuple(round(float(level), 1) for level in 10 * np.log10(power + _SILENT_POWER))


def sense_of(chunk: Chunk, embedding: Embedding) -> Sense:
    return Sense(chunk.t, levels_dbfs(chunk.samples), is_clipping(chunk.samples), embedding)


class Embedder:
    """Our own tagger, for its embeddings alone; loaded when it is first asked for. Threads may share it: they take
    turns, less than a millisecond each."""

    def __init__(self, model: OwnModel | None = None, common: CommonSounds | None = None) -> None:
        self._model = model
        self._tagger: OwnTagger | None = None
        self._common = common
        self._turn = Lock()

    def open(self) -> OwnStream:
        """A fresh stream: as if silence had come before. Raises ModelError for a file that was not shipped."""
        with self._turn:
            return self._loaded().open()

    def hear(self, stream: OwnStream, magnitudes: Magnitudes) -> None:
        """The next chunk's spectrum `[40, 257]`; then `stream.embedding` is of the second that ends with it.

        Raises PerceiveError when LiteRT fails.
        """
        with self._turn:
            self._loaded().hear(stream, magnitudes)

    def hear_features(self, stream: OwnStream, features: Vectors) -> None:
        """As `hear`, of log-mel features `[40, 64]`."""
        with self._turn:
            self._loaded().hear_features(stream, features)

    def common(self) -> CommonSounds:
        """The common sounds that come with it, read once. Raises ModelError."""
        with self._turn:
            if self._common is None:
                self._common = load_common()
            return self._common

    def _loaded(self) -> OwnTagger:
        if self._tagger is None:
            self._tagger = OwnTagger(load_own() if self._model is None else self._model)
        return self._tagger


class SenseStream:
    """The senses of one recording or microphone, chunk by chunk, where no room hears it: for lessons."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._stream = embedder.open()
        self._spectrum = Spectrum()

    def sense(self, chunk: Chunk) -> Sense:
        """Raises PerceiveError when LiteRT fails."""
        self._embedder.hear(self._stream, self._spectrum.step(chunk.samples))
        return sense_of(chunk, pack(self._stream.embedding))
