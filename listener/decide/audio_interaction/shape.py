"""The shape of the language model, from the released `model_config.yaml` (LitGPT's keys)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from listener.errors import ModelError

CONFIG_NAME: Final = "model_config.yaml"

_BOUNDS: Final = {
    "n_layer": (1, 512),
    "n_embd": (2, 65_536),
    "n_head": (1, 1_024),
    "n_query_groups": (1, 1_024),
    "head_size": (2, 4_096),
    "intermediate_size": (1, 1_048_576),
    "padded_vocab_size": (151_649, 1_000_000),
    "block_size": (256, 1_048_576),
}
"""What is possible at all: a damaged number must not become an allocation. The vocabulary holds AUDIO_END."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    mlp_width: int
    vocabulary: int
    positions: int
    rope_base: float
    norm_epsilon: float


def read_shape(folder: Path) -> ModelShape:
    """Parse `model_config.yaml`. Raises ModelError naming the file and the key."""
    path = folder / CONFIG_NAME
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read: {error}; download the checkpoint again") from None
    if not isinstance(data, dict):
        raise ModelError(f"{path}: is no mapping of keys to values; download the checkpoint again")
    _refuse_other_architectures(path, data)
    shape = ModelShape(
        layers=_whole(path, data, "n_layer"),
        width=_whole(path, data, "n_embd"),
        heads=_whole(path, data, "n_head"),
        kv_heads=_whole(path, data, "n_query_groups"),
        head_size=_whole(path, data, "head_size"),
        mlp_width=_whole(path, data, "intermediate_size"),
        vocabulary=_whole(path, data, "padded_vocab_size"),
        positions=_whole(path, data, "block_size"),
        rope_base=_number(path, data, "rope_base", 1.0, 1e12),
        norm_epsilon=_number(path, data, "norm_eps", 0.0, 1.0),
    )
    if shape.heads % shape.kv_heads:
        raise ModelError(f"{path}: n_head {shape.heads} is no multiple of n_query_groups {shape.kv_heads}")
    if shape.head_size % 2:
        raise ModelError(f"{path}: head_size {shape.head_size} is odd, and rotary positions need pairs")
    return shape


def _whole(path: Path, data: dict[str, Any], key: str) -> int:
    low, high = _BOUNDS[key]
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ModelError(f"{path}: {key} must be a whole number from {low} to {high}, not {value!r}")
    return value


def _number(path: Path, data: dict[str, Any], key: str, low: float, high: float) -> float:
    value = data.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low < value <= high:
        raise ModelError(f"{path}: {key} must be a number above {low:g} and up to {high:g}, not {value!r}")
    return float(value)


def _refuse_other_architectures(path: Path, data: dict[str, Any]) -> None:
    """Qwen2 is what we load: biases on q, k and v only, full rotary positions (LitGPT's defaults fill the gaps)."""
    for key, wanted in (("bias", False), ("attn_bias", True), ("lm_head_bias", False), ("rotary_percentage", 1.0)):
        if data.get(key, wanted) != wanted:
            raise ModelError(f"{path}: {key} is {data[key]!r}; this engine loads models with {key} {wanted!r} only")
