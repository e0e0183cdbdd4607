"""A TFLite graph in the making, of the few kinds of operators that the network has.

The flatbuffer is written directly (schema: tensorflow/lite/schema/schema.fbs): a converter would need TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

Op: Final = schema.BuiltinOperator
Options: Final = schema.BuiltinOptions
Type: Final = schema.TensorType


@dataclass(frozen=True)
class Quantized:
    """Eight-bit integers `q` that stand for `scale * (q - zero)`, along `axis` where there are several scales."""

    scale: tuple[float, ...]
    zero: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True)
class Filter:
    """Weights `[out, rows, columns, in]` (depthwise: `[1, rows, columns, out]`) and bias `[out]` of a quantized
    convolution, with its strides and dilation over time. `after`: of what it puts out, never below 0 nor above 6."""

    weights: NDArray[np.int8]
    weights_as: Quantized
    bias: NDArray[np.int32]
    bias_as: Quantized
    depthwise: bool
    strides: tuple[int, int]
    dilation: int
    after: Quantized


class Graph:
    """Tensors are numbers; every method that adds an operator returns its output."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers = [_buffer(None)]
        self._codes: list[int] = []
        self._inputs: list[int] = []

    def shape(self, tensor: int) -> list[int]:
        return [int(n) for n in self._tensors[tensor].shape]

    def like(self, tensor: int) -> Any:
        """Type and quantization of a tensor."""
        return self._tensors[tensor].type, self._tensors[tensor].quantization

    def input(self, name: str, shape: list[int], like: int | None = None) -> int:
        kind, quantization = (Type.FLOAT32, None) if like is None else self.like(like)
        self._inputs.append(self._tensor(shape, name, kind, 0, quantization))
        return self._inputs[-1]

    def quantize(self, x: int, as_: Quantized) -> int:
        options = schema.QuantizeOptionsT()
        like = (Type.INT8, _quantization(as_))
        return self._add(Op.QUANTIZE, [x], self.shape(x), Options.QuantizeOptions, options, "", like)

    def dequantize(self, x: int, name: str = "") -> int:
        options = schema.DequantizeOptionsT()
        return self._add(Op.DEQUANTIZE, [x], self.shape(x), Options.DequantizeOptions, options, name)

    def concatenate(self, parts: Sequence[int], axis: int) -> int:
        shape = self.shape(parts[0])
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        like = self.like(parts[0])
        return self._add(Op.CONCATENATION, list(parts), shape, Options.ConcatenationOptions, options, "", like)

    def last_rows(self, x: int, rows: int, name: str) -> int:
        shape = self.shape(x)
        begin = [0, shape[1] - rows, *(0 for _ in shape[2:])]
        shape[1] = rows
        places = [self._integers(begin), self._integers(shape)]
        return self._add(
            Op.SLICE, [x, *places], shape, Options.SliceOptions, schema.SliceOptionsT(), name, self.like(x)
        )

    def pad_bands(self, x: int, before: int, after: int) -> int:
        shape = self.shape(x)
        shape[2] += before + after
        padding = self._integers([[0, 0], [0, 0], [before, after], [0, 0]])
        return self._add(Op.PAD, [x, padding], shape, Options.PadOptions, schema.PadOptionsT(), "", self.like(x))

    def convolve(self, x: int, by: Filter) -> int:
        """Without padding."""
        _, rows, bands, _ = self.shape(x)
        height, width = by.weights.shape[1:3]
        out = by.weights.shape[3 if by.depthwise else 0]
        reach = by.dilation * (height - 1) + 1
        shape = [1, (rows - reach) // by.strides[0] + 1, (bands - width) // by.strides[1] + 1, out]
        options = schema.DepthwiseConv2DOptionsT() if by.depthwise else schema.Conv2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH, options.strideW = by.strides
        options.dilationHFactor, options.dilationWFactor = by.dilation, 1
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        if by.depthwise:
            options.depthMultiplier = 1
        tensors = [
            x,
            self._constant(by.weights, Type.INT8, by.weights_as),
            self._constant(by.bias, Type.INT32, by.bias_as),
        ]
        operator = Op.DEPTHWISE_CONV_2D if by.depthwise else Op.CONV_2D
        kind = Options.DepthwiseConv2DOptions if by.depthwise else Options.Conv2DOptions
        return self._add(operator, tensors, shape, kind, options, "", (Type.INT8, _quantization(by.after)))

    def mean(self, x: int) -> int:
        """Over steps and bands: `[1, steps, bands, channels]` to `[1, 1, 1, channels]`."""
        options = schema.ReducerOptionsT()
        options.keepDims = True
        shape = [1, 1, 1, self.shape(x)[3]]
        return self._add(Op.MEAN, [x, self._integers([1, 2])], shape, Options.ReducerOptions, options)

    def largest(self, x: int) -> int:
        """As `mean`, the largest."""
        _, steps, bands, channels = self.shape(x)
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.filterHeight, options.filterWidth, options.strideH, options.strideW = steps, bands, 1, 1
        shape = [1, 1, 1, channels]
        return self._add(Op.MAX_POOL_2D, [x], shape, Options.Pool2DOptions, options, "", self.like(x))

    def reshape(self, x: int, shape: list[int], name: str = "") -> int:
        options = schema.ReshapeOptionsT()
        options.newShape = np.array(shape, np.int32)
        tensors = [x, self._integers(shape)]
        return self._add(Op.RESHAPE, tensors, shape, Options.ReshapeOptions, options, name, self.like(x))

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
        builder = flatbuffers.Builder(4_000_000)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _add(
        self,
        operator: int,
        inputs: list[int],
        shape: list[int],
        kind: int,
        options: Any,
        name: str = "",
        like: Any = (Type.FLOAT32, None),
    ) -> int:
        if operator not in self._codes:
            self._codes.append(operator)
        out = self._tensor(shape, name, like[0], 0, like[1])
        added = schema.OperatorT()
        added.opcodeIndex = self._codes.index(operator)
        added.inputs, added.outputs = np.array(inputs, np.int32), np.array([out], np.int32)
        added.builtinOptionsType, added.builtinOptions = kind, options
        self._operators.append(added)
        return out

    def _tensor(self, shape: list[int], name: str, kind: int, buffer: int = 0, quantization: Any = None) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = np.array(shape, np.int32), kind, buffer
        tensor.name = (name or f"t{len(self._tensors)}").encode()
        tensor.quantization = quantization
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _constant(self, values: NDArray[Any], kind: int, as_: Quantized | None = None) -> int:
        self._buffers.append(_buffer(values.tobytes()))
        quantization = None if as_ is None else _quantization(as_)
        return self._tensor(list(values.shape), "", kind, len(self._buffers) - 1, quantization)

    def _integers(self, values: list[Any]) -> int:
        return self._constant(np.array(values, np.int32), Type.INT32)

    def _halves(self, values: NDArray[np.float32]) -> int:
        """A constant in half precision, and the operator that makes single precision of it once, when it is loaded."""
        return self.dequantize(self._constant(values.astype(np.float16), Type.FLOAT16))


def _quantization(as_: Quantized) -> Any:
    made = schema.QuantizationParametersT()
    made.scale = np.array(as_.scale, np.float32)
    made.zeroPoint = np.array(as_.zero, np.int64)
    made.quantizedDimension = as_.axis
    return made


def _buffer(data: bytes | None) -> Any:
    buffer = schema.BufferT()
    buffer.data = None if data is None else np.frombuffer(data, np.uint8)
    return buffer


def _code(operator: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = operator, min(operator, 127), 1
    return code
