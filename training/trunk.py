"""The network's convolutions: the first layers of YAMNet (Apache-2.0), made causal and run chunk by chunk.

YAMNet is a MobileNet (Howard et al., arXiv:1704.04861) that looks at 0.96 s at a time, padded with zeros on all sides.
Here the same eight-bit weights slide over an endless stream: a convolution is padded on the side of the past alone,
with the rows that it saw last. Time is halved three times; where YAMNet halves it a fourth time, the later convolutions
reach twice as far instead, so that a chunk of 40 frames is always five steps (docs/decisions/0100).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from listener.perceive.sounds.log_mel import log_mel, mel_matrix
from listener.perceive.sounds.own_tagger import silence
from listener.types import Magnitudes
from training.graph import Filter, Graph, Quantized

FRAMES: Final = 40
BANDS: Final = 64
BLOCKS: Final = 8
"""Of YAMNet's thirteen pairs of a depthwise and a pointwise convolution: as far as labels gain by it (decision 100)."""
HALVINGS: Final = 3
POOLED_STEPS: Final = 12
"""Of 80 ms: the 0.96 s that YAMNet looks at."""
STEPS_PER_CHUNK: Final = 5
FEATURES: Final = 1_024
"""Mean and largest of each of 512 channels over bands and steps."""
LEAST_SPREAD: Final = 0.02
"""A feature that hardly varies in training is not blown up."""


@dataclass(frozen=True)
class Layers:
    """`first`: how YAMNet rounds its input; one filter each, strides and dilation as the stream needs them."""

    first: Quantized
    filters: tuple[Filter, ...]


def read_layers(yamnet: Path) -> Layers:
    model = schema.ModelT.InitFromPackedBuf(yamnet.read_bytes(), 0)
    graph = model.subgraphs[0]
    kinds = (schema.Conv2DOptionsT, schema.DepthwiseConv2DOptionsT)
    operators = [operator for operator in graph.operators if isinstance(operator.builtinOptions, kinds)]
    found, halvings, dilation = [], 0, 1
    for operator in operators[: 1 + 2 * BLOCKS]:
        x, weights, bias = (graph.tensors[i] for i in operator.inputs)
        stride, halve, reach = operator.builtinOptions.strideH, 1, 1
        if weights.shape[1] > 1:
            halve = stride if halvings < HALVINGS else 1
            reach = dilation
            halvings += halve == 2
            dilation *= stride // halve
        values = [
            np.frombuffer(bytes(model.buffers[tensor.buffer].data), kind).reshape(tensor.shape)
            for tensor, kind in ((weights, np.int8), (bias, np.int32))
        ]
        after = _as(graph.tensors[operator.outputs[0]])
        depthwise = isinstance(operator.builtinOptions, schema.DepthwiseConv2DOptionsT)
        found.append(Filter(values[0], _as(weights), values[1], _as(bias), depthwise, (halve, stride), reach, after))
        if len(found) == 1:
            first = _as(x)
    return Layers(first, tuple(found))


def _as(tensor: Any) -> Quantized:
    q = tensor.quantization
    return Quantized(tuple(map(float, q.scale)), tuple(map(int, q.zeroPoint)), int(q.quantizedDimension))


def add_trunk(graph: Graph, layers: Layers) -> tuple[int, list[int]]:
    """Add input `log_mel` `[1, 40, 64, 1]` and inputs `past_N`; returns the features `[1, 1024]` of the last 0.96 s and
    outputs `next_N`, which are to be the next chunk's `past_N`."""
    x, news = add_convolutions(graph, layers, FRAMES)
    x, new = _with_past(graph, x, POOLED_STEPS - STEPS_PER_CHUNK, len(layers.filters))
    mean, largest = graph.mean(graph.dequantize(x)), graph.dequantize(graph.largest(x))
    width = graph.shape(mean)[-1]
    features = graph.concatenate([graph.reshape(part, [1, width]) for part in (mean, largest)], axis=1)
    return features, news + new


def add_convolutions(graph: Graph, layers: Layers, frames: int) -> tuple[int, list[int]]:
    """As `add_trunk`, for any number of frames; returns the steps `[1, frames / 8, 4, 512]`, in eight bits."""
    x = graph.input("log_mel", [1, frames, BANDS, 1])
    x, news = _with_past(graph, x, 1, 0)
    x = graph.quantize(x, layers.first)
    for n, one in enumerate(layers.filters):
        if one.weights.shape[1] > 1:
            if n > 0:
                x, new = _with_past(graph, x, one.dilation * 2 - (one.strides[0] - 1), n)
                news += new
            x = graph.pad_bands(x, 2 - one.strides[1], 1)
        x = graph.convolve(x, one)
    return x, news


def late_frames(layers: Layers) -> int:
    """How many frames later than YAMNet's the features are; see `hearing.LATE_FRAMES`."""
    late, spacing = 0, 1
    for one in layers.filters:
        if one.weights.shape[1] > 1:
            late += spacing * one.dilation
            spacing *= one.strides[0]
    return late


def _with_past(graph: Graph, x: int, rows: int, n: int) -> tuple[int, list[int]]:
    shape = graph.shape(x)
    shape[1] = rows
    x = graph.concatenate([graph.input(f"past_{n}", shape, like=x), x], axis=1)
    return x, [graph.last_rows(x, rows, f"next_{n}")]


class Trunk:
    """Runs the convolutions alone, as they are run in the package: what a network is trained on is what it will get."""

    def __init__(self, layers: Layers) -> None:
        graph = Graph()
        features, news = add_trunk(graph, layers)
        named = graph.reshape(features, [1, FEATURES], "features")
        self._run = Interpreter(model_content=graph.pack([named, *news]), num_threads=1)
        self._run.allocate_tensors()
        self._inputs = {entry["name"]: entry for entry in self._run.get_input_details()}
        self._outputs = {entry["name"]: entry["index"] for entry in self._run.get_output_details()}
        self._mel = mel_matrix()

    def hear(self, chunks: Iterable[Magnitudes]) -> NDArray[np.float32]:
        """Features `[chunks, 1024]` of one clip, which begins after silence."""
        past = {name: silence(entry) for name, entry in self._inputs.items() if name != "log_mel"}
        features = []
        for magnitudes in chunks:
            self._run.set_tensor(self._inputs["log_mel"]["index"], log_mel(magnitudes, self._mel)[None, :, :, None])
            for name, rows in past.items():
                self._run.set_tensor(self._inputs[name]["index"], rows)
            self._run.invoke()
            features.append(self._run.get_tensor(self._outputs["features"])[0])
            past = {name: self._run.get_tensor(self._outputs[name.replace("past", "next")]) for name in past}
        return np.array(features)
