"""A trained network as a TFLite file: one chunk in, scores and the next state out.

LiteRT runs YAMNet already, so it runs this too (docs/decisions/0101). The convolutions keep YAMNet's eight bits, the
dense layers have half precision; standardization and calibration are folded into their weights. A list of the labels
follows as a zip behind the flatbuffer, as TFLite metadata has it.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from training.character import EMBEDDING, Character
from training.graph import Graph
from training.network import Head
from training.trunk import Layers, add_trunk

LABEL_LIST: Final = "labels.txt"


def export(
    layers: Layers,
    head: Head,
    character: Character,
    slopes: NDArray[np.float32],
    offsets: NDArray[np.float32],
    labels: Sequence[str],
) -> bytes:
    """`slopes` and `offsets` `[labels]` calibrate the logits: `slope * logit + offset`."""
    graph = Graph()
    features, news = add_trunk(graph, layers)
    hide = _array(head.hide.weight) / _array(head.spread)
    bias = _array(head.hide.bias) - hide @ _array(head.mean)
    hidden = graph.dense(features, hide, bias, relu=True, name="hidden")
    embedding = graph.dense(features, character.weight, character.bias, relu=False, name="embedding")
    weight, bias = _array(head.classify.weight), _array(head.classify.bias)
    logits = graph.dense(hidden, weight * slopes[:, None], bias * slopes + offsets, relu=False, name="logits")
    scores = graph.logistic(logits, "scores")
    assert graph.shape(embedding) == [1, EMBEDDING]
    return graph.pack([scores, embedding, *news]) + _label_list(labels)


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
