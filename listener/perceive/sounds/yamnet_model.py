"""Reading yamnet.tflite: the network without its front end, the mel matrix and the names of the classes.

The file computes log-mel features of 0.975 s and then runs a MobileNet v1 on them (Hershey et al., ICASSP 2017;
tensorflow/models, research/audioset/yamnet). Windows that follow one another every 0.4 s share 56 of their 96 frames,
and the alarm patterns need the same spectrum, so the front end is cut off here and the features are computed once a
chunk: that saves 0.85 of 2.9 ms a window. What the front end knows, its mel matrix and offset, is read from the file.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from listener.errors import ModelError

WINDOW_FRAMES: Final = 96
MEL_BANDS: Final = 64
BINS: Final = 257

_FILE_IDENTIFIER: Final = b"TFL3"
_MAX_BYTES: Final = 64_000_000
_LABEL_LIST: Final = "yamnet_label_list.txt"
_ADVICE: Final = "fetch it again with `listener models pull yamnet`, or set sounds.model to the classification build"
_FRAMING: Final = ["STRIDED_SLICE", "RESHAPE", "GATHER", "RESHAPE", "MUL", "PAD", "RESHAPE"]
_FRONT_END: Final = [*_FRAMING, "RFFT2D", "RESHAPE", "COMPLEX_ABS", "FULLY_CONNECTED", "LOG"]
_ITEM_BYTES: Final = {
    schema.TensorType.FLOAT32: 4,
    schema.TensorType.INT32: 4,
    schema.TensorType.INT8: 1,
    schema.TensorType.COMPLEX64: 8,
}


@dataclass(frozen=True, slots=True)
class YamnetModel:
    """What a tagger needs of the file; can be shared by threads.

    `network` is a TFLite flatbuffer: float32 log-mel `[96, 64]` in, one score in [0, 1] per class out, `[1, classes]`.
    `mel` `[257, 64]` and `log_offset` make it from magnitudes: `log(magnitudes @ mel + log_offset)`.
    """

    path: Path
    network: bytes
    mel: NDArray[np.float32]
    log_offset: NDArray[np.float32]
    classes: tuple[str, ...]


def load_yamnet(path: Path) -> YamnetModel:
    """Read the file. Raises ModelError when it is missing, damaged, or not the YAMNet classification build."""
    data = _read(path)
    classes = _read_classes(path, data)
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        mel, log_offset = _cut_front_end(model, len(classes))
        network = _pack(model)
    except ModelError as error:
        raise ModelError(f"{path}: is not the YAMNet that we know: {error}; {_ADVICE}") from None
    except Exception as error:  # the parser trusts offsets: any nonsense may be raised on a damaged file
        raise ModelError(f"{path}: is damaged ({type(error).__name__}); {_ADVICE}") from None
    return YamnetModel(path, network, mel, log_offset, classes)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}; {_ADVICE}") from None
    if data[4:8] != _FILE_IDENTIFIER or len(data) > _MAX_BYTES:
        raise ModelError(f"{path}: is no TFLite model of a sensible size; {_ADVICE}")
    return data


def _read_classes(path: Path, data: bytes) -> tuple[str, ...]:
    """TFLite metadata packs associated files as a zip behind the flatbuffer; a truncated file loses that first."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_LABEL_LIST) as file:
            names = file.read(100_000).decode("utf-8").splitlines()
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
        raise ModelError(f"{path}: is truncated or has no list of classes ({_LABEL_LIST}); {_ADVICE}") from None
    if not names or not all(names):
        raise ModelError(f"{path}: its list of classes ({_LABEL_LIST}) is empty or has gaps; {_ADVICE}")
    return tuple(names)


def _cut_front_end(model: Any, class_count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the log-mel features the graph's input; returns the mel matrix `[257, 64]` and the log offset `[64]`.

    The graph must have exactly the front end we know, else our features would be silently wrong: then ModelError. To
    fall back to whole windows was weighed and left: nobody would notice that the daemon carries a third fewer rooms.
    """
    _require(len(model.subgraphs) == 1, "more than one graph")
    graph = model.subgraphs[0]
    front = len(_FRONT_END)
    _require([_operator(model, op) for op in graph.operators[:front]] == _FRONT_END, "another front end")
    _require(_shapes(graph, graph.inputs) == [[15_600]], "its input is not 0.975 s of samples")
    _require(_shapes(graph, graph.outputs) == [[1, class_count]], f"it does not give {class_count} scores")
    _require_whole_buffers(model, graph)
    features = graph.operators[front - 1].outputs
    _require(_shapes(graph, features) == [[WINDOW_FRAMES, MEL_BANDS]], "other features than log-mel of 96 frames")
    matrix, offset = (_floats(model, graph.tensors[i]) for i in graph.operators[front - 2].inputs[1:3])
    _require(matrix.shape == (MEL_BANDS, BINS) and offset.shape == (MEL_BANDS,), "another mel matrix")
    graph.inputs = features
    graph.operators = graph.operators[front:]
    return np.ascontiguousarray(matrix.T), offset


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ModelError(otherwise)


def _operator(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)  # two fields, as the schema's comment tells
    return next((name for name, value in vars(schema.BuiltinOperator).items() if value == number), "?")


def _shapes(graph: Any, tensors: Any) -> list[list[int]]:
    return [[int(n) for n in graph.tensors[i].shape] for i in tensors]


def _require_whole_buffers(model: Any, graph: Any) -> None:
    """LiteRT believes what the tensors say of their size, so a constant that is too short must not reach it."""
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            continue
        count = 1 if tensor.shape is None else int(np.prod(tensor.shape))
        _require(len(data) == count * _ITEM_BYTES.get(tensor.type, -1), "the size of a constant is wrong")


def _floats(model: Any, tensor: Any) -> NDArray[np.float32]:
    _require(tensor.type == schema.TensorType.FLOAT32, "its mel matrix is not float32")
    values: NDArray[np.float32] = np.frombuffer(bytes(model.buffers[tensor.buffer].data), "<f4").astype(np.float32)
    _require(bool(np.isfinite(values).all()), "its mel matrix is not finite")
    return values.reshape(tensor.shape)


def _pack(model: Any) -> bytes:
    model.metadata = None  # describes the input that was cut off
    model.signatureDefs = None
    builder = flatbuffers.Builder(5_000_000)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())
