"""The tagger: YAMNet, 521 AudioSet classes, on LiteRT (the runtime that was TensorFlow Lite)."""

from dataclasses import dataclass, field

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from listener.errors import ModelError, PerceiveError
from listener.perceive.sounds.native_stderr import XNNPACK, without_lines
from listener.perceive.sounds.yamnet_model import BINS, MEL_BANDS, WINDOW_FRAMES, YamnetModel
from listener.types import Magnitudes, Scores, TaggerStream

_FRAMES_AT_ONCE = 10
"""A product of 40 frames is just large enough for OpenBLAS to share it among threads, which then wait for the next one
spinning: on two cores that made a step of 2 ms cost 9 ms of CPU. Products of 10 frames stay with the caller."""


@dataclass(slots=True)
class YamnetStream:
    """What YAMNet remembers of one room: the log-mel features of the last 0.975 s, float32 `[96, 64]`.

    `silent_frames`: those of the chunks of digital silence that came last."""

    log_mel: NDArray[np.float32] = field(repr=False)
    silent_frames: int = 0


class YamnetTagger:
    """Implements `Tagger`. Its window of 0.975 s ends with the chunk; one thread builds it and calls it."""

    def __init__(self, model: YamnetModel) -> None:
        """Raises ModelError when LiteRT refuses the network."""
        self._model = model
        self._silence = np.tile(np.log(model.log_offset), (WINDOW_FRAMES, 1))
        try:
            with without_lines(XNNPACK):
                self._interpreter = Interpreter(model_content=model.network, num_threads=1)
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"{model.path}: LiteRT refuses it: {error}; fetch it again with `listener models pull yamnet`"
            ) from None
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._scores_of_silence: Scores | None = None
        self.runs = 0
        """How often the network ran: not for a window of digital silence, which it has heard once."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self._model.classes

    def open(self) -> YamnetStream:
        return YamnetStream(self._silence.copy(), WINDOW_FRAMES)

    def hear(self, stream: TaggerStream, magnitudes: Magnitudes) -> None:
        """Take the next 40 frames, `[40, 257]`. Raises PerceiveError for a stream of another kind of tagger."""
        stream = _own(stream)
        new = len(magnitudes)
        silent = not (magnitudes[-1].any() or magnitudes.any())
        stream.silent_frames = stream.silent_frames + new if silent else 0
        if stream.silent_frames - new >= WINDOW_FRAMES:
            return
        stream.log_mel[:-new] = stream.log_mel[new:]
        mel = (magnitudes.reshape(-1, _FRAMES_AT_ONCE, BINS) @ self._model.mel).reshape(new, MEL_BANDS)
        stream.log_mel[-new:] = np.log(mel + self._model.log_offset)

    def score(self, stream: TaggerStream) -> Scores:
        """The newest window's scores in [0, 1], `[521]`, in steps of 1/256 (int8).

        Raises PerceiveError when LiteRT fails, or when the stream belongs to another kind of tagger.
        """
        stream = _own(stream)
        if stream.silent_frames < WINDOW_FRAMES:
            return self._run(stream.log_mel)
        if self._scores_of_silence is None:
            self._scores_of_silence = self._run(stream.log_mel)
        return self._scores_of_silence

    def _run(self, log_mel: NDArray[np.float32]) -> Scores:
        try:
            self._interpreter.set_tensor(self._input, log_mel)
            self._interpreter.invoke()
            scores: Scores = self._interpreter.get_tensor(self._output)[0]
        except (RuntimeError, ValueError) as error:
            raise PerceiveError(f"YAMNet failed on one chunk: {error}") from error
        self.runs += 1
        return scores


def _own(stream: TaggerStream) -> YamnetStream:
    if not isinstance(stream, YamnetStream):
        raise PerceiveError(f"YAMNet was given a stream of another tagger: {type(stream).__name__}")
    return stream
