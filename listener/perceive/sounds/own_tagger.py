"""Our own tagger: a small causal network that comes with the package, on LiteRT, with explicit streaming state.

Each chunk's 40 frames of log-mel go through it once; what its convolutions need of the past is the state, so a chunk
costs the same for ever. How it was made, and what it hears well and badly: docs/own-tagger.md.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from listener.errors import ModelError, PerceiveError
from listener.perceive.sounds.log_mel import LOG_OFFSET, log_mel, mel_matrix
from listener.perceive.sounds.native_stderr import XNNPACK, without_lines
from listener.perceive.sounds.own_tagger_model import OwnModel
from listener.types import Magnitudes, Scores, TaggerStream

_SILENCE: Final = float(np.log(LOG_OFFSET))

Array = NDArray[np.float32]
Rows = NDArray[np.float32] | NDArray[np.int8]


@dataclass(slots=True)
class OwnStream:
    """What the network remembers of one room: rows of the past for each layer, 49 kB in all.

    `scores` and `embedding` `[224]` are of the newest chunk.
    """

    past: dict[str, Rows] = field(repr=False)
    scores: Scores = field(repr=False)
    embedding: Array = field(repr=False)

    @property
    def state_bytes(self) -> int:
        return sum(rows.nbytes for rows in self.past.values())


class OwnTagger:
    """Implements `Tagger`. A score is about the last second, calibrated for each label. One thread builds it and
    calls it."""

    def __init__(self, model: OwnModel) -> None:
        """Raises ModelError when LiteRT refuses the network."""
        self._classes = model.classes
        self._mel = mel_matrix()
        try:
            with without_lines(XNNPACK):
                self._interpreter = Interpreter(model_content=model.network, num_threads=1)
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{model.path}: LiteRT refuses it: {error}; install listener again") from None
        inputs = {entry["name"]: entry for entry in self._interpreter.get_input_details()}
        outputs = {entry["name"]: entry["index"] for entry in self._interpreter.get_output_details()}
        self._input = inputs.pop("log_mel")["index"]
        self._silence = {name: silence(entry) for name, entry in inputs.items()}
        self._past = {name: (entry["index"], outputs[name.replace("past", "next")]) for name, entry in inputs.items()}
        self._scores, self._embedding = outputs["scores"], outputs["embedding"]
        self._width = int(self._interpreter.get_tensor(self._embedding).size)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._classes

    def open(self) -> OwnStream:
        return OwnStream(
            dict(self._silence), np.zeros(len(self._classes), np.float32), np.zeros(self._width, np.float32)
        )

    def hear(self, stream: TaggerStream, magnitudes: Magnitudes) -> None:
        """Take the next 40 frames, `[40, 257]`: the whole network runs here, for its state must see every chunk.

        Raises PerceiveError when LiteRT fails, or when the stream belongs to another kind of tagger.
        """
        self.hear_features(_own(stream), log_mel(magnitudes, self._mel))

    def hear_features(self, stream: OwnStream, features: Array) -> None:
        """As `hear`, for who has the 40 frames' log-mel already, `[40, 64]`."""
        run = self._interpreter
        try:
            run.set_tensor(self._input, features[None, :, :, None])
            for name, (index, _) in self._past.items():
                run.set_tensor(index, stream.past[name])
            run.invoke()
            stream.past = {name: run.get_tensor(index) for name, (_, index) in self._past.items()}
            stream.scores, stream.embedding = run.get_tensor(self._scores)[0], run.get_tensor(self._embedding)[0]
        except (RuntimeError, ValueError) as error:
            raise PerceiveError(f"our own tagger failed on one chunk: {error}") from error

    def score(self, stream: TaggerStream) -> Scores:
        """The newest chunk's scores in [0, 1], `[classes]`. Raises PerceiveError for another tagger's stream."""
        return _own(stream).scores


def silence(entry: Any) -> Rows:
    """What an input of LiteRT's remembers when nothing was heard: log-mel of silence, or in eight bits nothing in any
    channel."""
    if entry["dtype"] is np.float32:
        return np.full(entry["shape"], _SILENCE, np.float32)
    return np.full(entry["shape"], entry["quantization"][1], np.int8)


def _own(stream: TaggerStream) -> OwnStream:
    if not isinstance(stream, OwnStream):
        raise PerceiveError(f"our own tagger was given a stream of another one: {type(stream).__name__}")
    return stream
