"""The teacher: YAMNet's embedding and logits, before they are rounded to scores, in steps of its eight bits."""

from pathlib import Path
from typing import Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from listener.config import SoundsConfig
from listener.perceive.sounds.labels import label_table, logit
from listener.perceive.sounds.yamnet_model import BINS, MEL_BANDS, WINDOW_FRAMES, load_yamnet
from listener.types import Magnitudes
from training.words import LABELS

EMBEDDING: Final = 1_024
SURE: Final = 1e-4


class Teacher:
    """Hears one clip after the other; `hear` starts each with silence, as a room's stream starts."""

    def __init__(self, path: Path) -> None:
        model = load_yamnet(path)
        graph_model = schema.ModelT.InitFromPackedBuf(model.network, 0)
        graph = graph_model.subgraphs[0]
        logits = graph.operators[-2].inputs[0]
        embedding = graph.operators[-3].inputs[0]
        graph.outputs = [embedding, logits]
        builder = flatbuffers.Builder(5_000_000)
        builder.Finish(graph_model.Pack(builder), b"TFL3")
        self._model = model
        self._interpreter = Interpreter(model_content=bytes(builder.Output()), num_threads=1)
        self._interpreter.allocate_tensors()
        self._outputs = self._interpreter.get_output_details()
        self._table = label_table(SoundsConfig(), (), model.classes)
        self._on = np.array([logit(float(p)) for p in self._table.steps["balanced"].on], np.float32)
        self._rows = [self._table.labels.index(label) for label in LABELS]
        self._has_classes = np.array(self._table.has_classes)[self._rows]

    @property
    def mel(self) -> NDArray[np.float32]:
        return self._model.mel

    def hear(self, chunks: list[Magnitudes]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embeddings `[chunks, 1024]` and, per label of ours, its logit less that of its threshold `[chunks, labels]`:
        0 is where YAMNet would report the label at `balanced`. NaN for a label that YAMNet has no class for."""
        offset = self._model.log_offset
        features = np.tile(np.log(offset), (WINDOW_FRAMES, 1)).astype(np.float32)
        embeddings, labels = [], []
        for magnitudes in chunks:
            new = len(magnitudes)
            features[:-new] = features[new:]
            features[-new:] = np.log(magnitudes.reshape(-1, BINS) @ self._model.mel + offset).reshape(new, MEL_BANDS)
            self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"], features)
            self._interpreter.invoke()
            embedding, logits = (self._output(n) for n in (0, 1))
            embeddings.append(embedding)
            labels.append(self._labels(logits))
        return np.array(embeddings), np.array(labels)

    def _output(self, n: int) -> NDArray[np.float32]:
        details = self._outputs[n]
        scale, zero = details["quantization"]
        values: NDArray[np.float32] = self._interpreter.get_tensor(details["index"]).ravel().astype(np.float32)
        return (values - zero) * np.float32(scale)

    def _labels(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        scores = self._table.scores((1 / (1 + np.exp(-logits))).astype(np.float32)).clip(SURE, 1 - SURE)
        margins = (np.log(scores / (1 - scores)) - self._on)[self._rows]
        return np.where(self._has_classes, margins, np.nan).astype(np.float32)
