"""A trained network as a TFLite file: one chunk in, scores and the next state out, weights in half precision.

LiteRT runs YAMNet already, so it runs this too (docs/decisions/0101). The network has few kinds of operators, so the
flatbuffer is written directly. Batch normalization and calibration are folded into the weights. A list of the labels
follows as a zip behind the flatbuffer, as TFLite metadata has it.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from training.network import BANDS, EMBEDDING, KERNEL, LAYERS, POOLED_STEPS, STEPS_PER_CHUNK, Network

FRAMES: Final = 40
Op = schema.BuiltinOperator
Options = schema.BuiltinOptions
LABEL_LIST: Final = "labels.txt"


def export(network: Network, slopes: NDArray[np.float32], offsets: NDArray[np.float32], labels: Sequence[str]) -> bytes:
    """`slopes` and `offsets` `[labels]` calibrate the logits: `slope * logit + offset`."""
    graph = _Graph()
    states, news = [], []
    x = graph.input("log_mel", [1, FRAMES, BANDS, 1])
    bands, channels = BANDS, 1
    for n, (layer, (wide, time_stride, band_stride)) in enumerate(zip(network.layers, LAYERS, strict=True)):
        past = KERNEL - time_stride
        states.append(graph.input(f"past_{n}", [1, past, bands, channels]))
        x = graph.concatenate([states[-1], x], axis=1)
        news.append(graph.last_rows(x, past, f"next_{n}"))
        x = graph.convolve(graph.pad_bands(x), *_folded(layer), (time_stride, band_stride))
        bands, channels = bands // band_stride, wide
    width = bands * channels
    states.append(graph.input("past_steps", [1, POOLED_STEPS - STEPS_PER_CHUNK, width]))
    x = graph.concatenate([states[-1], graph.reshape(x, [1, STEPS_PER_CHUNK, width])], axis=1)
    news.append(graph.last_rows(x, POOLED_STEPS - STEPS_PER_CHUNK, "next_steps"))
    x = graph.concatenate([graph.reduce(Op.MEAN, x), graph.reduce(Op.REDUCE_MAX, x)], axis=1)
    embedding = graph.dense(x, _array(network.embed.weight), _array(network.embed.bias), relu=True, name="embedding")
    weight, bias = _array(network.classify.weight), _array(network.classify.bias)
    logits = graph.dense(embedding, weight * slopes[:, None], bias * slopes + offsets, relu=False, name="logits")
    scores = graph.logistic(logits, "scores")
    assert graph.shape(embedding) == [1, EMBEDDING]
    return graph.pack([scores, embedding, *news]) + _label_list(labels)


def _folded(layer: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel `[out, time, bands, in]` and bias of a convolution with its batch normalization."""
    norm = layer.norm
    gain = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    kernel = _array(layer.convolution.weight) * gain[:, None, None, None]
    return kernel.transpose(0, 2, 3, 1), _array(norm.bias) - _array(norm.running_mean) * gain


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().numpy().astype(np.float32)


def _label_list(labels: Sequence[str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # a fixed date, so that the same weights give the same file
        archive.writestr(zipfile.ZipInfo(LABEL_LIST, (2026, 1, 1, 0, 0, 0)), "\n".join(labels))
    return file.getvalue()


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


class _Graph:
    """A TFLite graph in the making. Tensors are numbers; every method that adds an operator returns its output."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers = [_buffer(None)]
        self._codes: list[int] = []
        self._inputs: list[int] = []

    def shape(self, tensor: int) -> list[int]:
        return [int(n) for n in self._tensors[tensor].shape]

    def input(self, name: str, shape: list[int]) -> int:
        self._inputs.append(self._tensor(shape, name))
        return self._inputs[-1]

    def concatenate(self, parts: list[int], axis: int) -> int:
        shape = self.shape(parts[0])
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        return self._add(Op.CONCATENATION, parts, shape, Options.ConcatenationOptions, options)

    def last_rows(self, x: int, rows: int, name: str) -> int:
        shape = self.shape(x)
        begin = [0, shape[1] - rows, *(0 for _ in shape[2:])]
        shape[1] = rows
        places = [self._integers(begin), self._integers(shape)]
        return self._add(Op.SLICE, [x, *places], shape, Options.SliceOptions, schema.SliceOptionsT(), name)

    def pad_bands(self, x: int) -> int:
        shape = self.shape(x)
        shape[2] += 2
        padding = self._integers([[0, 0], [0, 0], [1, 1], [0, 0]])
        return self._add(Op.PAD, [x, padding], shape, Options.PadOptions, schema.PadOptionsT())

    def convolve(self, x: int, kernel: NDArray[np.float32], bias: NDArray[np.float32], strides: tuple[int, int]) -> int:
        _, rows, bands, _ = self.shape(x)
        shape = [1, (rows - KERNEL) // strides[0] + 1, (bands - KERNEL) // strides[1] + 1, len(kernel)]
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH, options.strideW = strides
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        weights = [self._halves(kernel), self._halves(bias)]
        return self._add(Op.CONV_2D, [x, *weights], shape, Options.Conv2DOptions, options)

    def reshape(self, x: int, shape: list[int]) -> int:
        options = schema.ReshapeOptionsT()
        options.newShape = np.array(shape, np.int32)
        return self._add(Op.RESHAPE, [x, self._integers(shape)], shape, Options.ReshapeOptions, options)

    def reduce(self, operator: int, x: int) -> int:
        """Over the steps: `[1, steps, width]` to `[1, width]`."""
        shape = self.shape(x)
        options = schema.ReducerOptionsT()
        return self._add(operator, [x, self._integers([1])], [1, shape[2]], Options.ReducerOptions, options)

    def dense(self, x: int, weight: NDArray[np.float32], bias: NDArray[np.float32], *, relu: bool, name: str) -> int:
        options = schema.FullyConnectedOptionsT()
        if relu:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        tensors = [x, self._halves(weight), self._halves(bias)]
        return self._add(Op.FULLY_CONNECTED, tensors, [1, len(weight)], Options.FullyConnectedOptions, options, name)

    def logistic(self, x: int, name: str) -> int:
        return self._add(Op.LOGISTIC, [x], self.shape(x), Options.NONE, None, name)

    def pack(self, outputs: list[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = b"own_tagger", self._tensors, self._operators
        graph.inputs, graph.outputs = np.array(self._inputs, np.int32), np.array(outputs, np.int32)
        model = schema.ModelT()
        model.version, model.description = 3, b"Listener's own tagger"
        model.operatorCodes = [_code(code) for code in self._codes]
        model.subgraphs, model.buffers = [graph], self._buffers
        builder = flatbuffers.Builder(2_000_000)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _add(self, operator: int, inputs: list[int], shape: list[int], kind: int, options: Any, name: str = "") -> int:
        if operator not in self._codes:
            self._codes.append(operator)
        out = self._tensor(shape, name)
        added = schema.OperatorT()
        added.opcodeIndex = self._codes.index(operator)
        added.inputs, added.outputs = np.array(inputs, np.int32), np.array([out], np.int32)
        added.builtinOptionsType, added.builtinOptions = kind, options
        self._operators.append(added)
        return out

    def _tensor(self, shape: list[int], name: str = "", kind: int = schema.TensorType.FLOAT32, buffer: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = np.array(shape, np.int32), kind, buffer
        tensor.name = (name or f"t{len(self._tensors)}").encode()
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _constant(self, values: NDArray[Any], kind: int) -> int:
        self._buffers.append(_buffer(values.tobytes()))
        return self._tensor(list(values.shape), "", kind, len(self._buffers) - 1)

    def _integers(self, values: list[Any]) -> int:
        return self._constant(np.array(values, np.int32), schema.TensorType.INT32)

    def _halves(self, values: NDArray[np.float32]) -> int:
        """A constant in half precision, and the operator that makes single precision of it once, when it is loaded."""
        stored = self._constant(values.astype(np.float16), schema.TensorType.FLOAT16)
        options = schema.DequantizeOptionsT()
        return self._add(Op.DEQUANTIZE, [stored], list(values.shape), Options.DequantizeOptions, options)


def _buffer(data: bytes | None) -> Any:
    buffer = schema.BufferT()
    buffer.data = None if data is None else np.frombuffer(data, np.uint8)
    return buffer


def _code(operator: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = operator, min(operator, 127), 1
    return code
