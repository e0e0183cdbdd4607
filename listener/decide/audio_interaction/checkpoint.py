"""The released folder on disk: what must lie in it, and everything that is wrong with it, found before loading.

Nothing here executes what the files contain: safetensors hold no code, and the encoder's `.pth` is read with
`weights_only=True`, which refuses pickles that carry any.
"""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open

from listener.decide.audio_interaction import compat
from listener.decide.audio_interaction.layout import Entry, entries
from listener.decide.audio_interaction.shape import CONFIG_NAME, ModelShape, read_shape
from listener.errors import ModelError

INDEX_NAME: Final = "model.safetensors.index.json"
SINGLE_NAME: Final = "model.safetensors"
ENCODER_NAMES: Final = ("MiniOmni3_ChunkwisedEncoder.pth", "audiointeraction_ChunkwisedEncoder.pth")
ENCODER_CONFIG: Final = Path("qwen25OmniConfig") / "config.json"
TOKENIZER_NAME: Final = "tokenizer.json"

FLOAT_DTYPES: Final = ("F32", "F16", "BF16")
MAX_JSON_BYTES: Final = 50_000_000
AGAIN: Final = "download the checkpoint again"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder whose every file, name, shape and dtype has been checked; its weights are still on disk."""

    folder: Path
    shape: ModelShape
    shards: Mapping[Path, tuple[str, ...]]
    entries: Mapping[str, Entry]
    encoder_path: Path
    encoder_config: Mapping[str, Any]


def inspect(folder: Path) -> Checkpoint:
    """Check the folder without loading the language model. Raises ModelError with one line for each thing wrong."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: is no folder; give the folder that `listener models pull audio-interaction` made")
    _refuse_missing(folder)
    shape = read_shape(folder)
    shards = _shards(folder)
    older = any(".attn.attn." in name for names in shards.values() for name in names)
    table = entries(shape, older)
    problems = _shard_problems(shards, table)
    if problems:
        raise ModelError("\n".join(problems))
    return Checkpoint(folder, shape, shards, table, encoder_file(folder), _encoder_config(folder, shape))


def encoder_file(folder: Path) -> Path:
    """Either of the two names that the release has had."""
    for name in ENCODER_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"{folder}: the audio encoder is missing ({' or '.join(ENCODER_NAMES)}); {AGAIN}")


def _refuse_missing(folder: Path) -> None:
    lacking = [n for n in (CONFIG_NAME, str(ENCODER_CONFIG), TOKENIZER_NAME) if not (folder / n).is_file()]
    if not any((folder / n).is_file() for n in (INDEX_NAME, SINGLE_NAME)):
        lacking.append(INDEX_NAME)
    if lacking:
        raise ModelError(f"{folder}: is no Audio-Interaction checkpoint: {', '.join(lacking)} missing; {AGAIN}")
    encoder_file(folder)


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelError(f"{path}: is larger than {MAX_JSON_BYTES} bytes, which no such file is; {AGAIN}")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read: {error}; {AGAIN}") from None
    if not isinstance(data, dict):
        raise ModelError(f"{path}: holds no mapping; {AGAIN}")
    return data


def _shards(folder: Path) -> dict[Path, tuple[str, ...]]:
    """Shard file -> names of the tensors that the index expects in it."""
    if not (folder / INDEX_NAME).is_file():
        path = folder / SINGLE_NAME
        return {path: tuple(headers(path))}
    index = folder / INDEX_NAME
    weight_map = _json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{index}: has no weight_map; {AGAIN}")
    shards: dict[Path, list[str]] = {}
    for name, file in weight_map.items():
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(".safetensors"):
            raise ModelError(f"{index}: {name} is said to be in {file!r}, which is no shard of this folder; {AGAIN}")
        shards.setdefault(folder / file, []).append(name)
    return {path: tuple(names) for path, names in sorted(shards.items())}


def headers(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name -> (dtype, shape) of a safetensors file. Raises ModelError: missing, truncated, damaged."""
    if not path.is_file():
        raise ModelError(f"{path}: the shard is missing; {AGAIN} (what is complete is not fetched twice)")
    try:
        with safe_open(path, framework="pt") as shard:
            slices = {name: shard.get_slice(name) for name in shard.keys()}  # noqa: SIM118 - it is no mapping
            return {name: (s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        size = path.stat().st_size
        raise ModelError(f"{path}: damaged or truncated safetensors ({size} bytes: {error}); {AGAIN}") from None


def _shard_problems(shards: Mapping[Path, tuple[str, ...]], table: Mapping[str, Entry]) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for path, names in shards.items():
        try:
            found = headers(path)
        except ModelError as error:
            problems.append(str(error))
            seen.update(names)
            continue
        for name in names:
            seen.add(name)
            problems.extend(f"{path}: {what}" for what in _tensor_problems(name, found.get(name), table.get(name)))
    problems += [f"{next(iter(shards)).parent}: tensor {n} is in no shard; {AGAIN}" for n in table if n not in seen]
    return problems


def _tensor_problems(name: str, found: tuple[str, tuple[int, ...]] | None, wanted: Entry | None) -> list[str]:
    if wanted is None:
        return [f"unknown tensor {name}; the file is of another model, or {CONFIG_NAME} is"]
    if found is None:
        return [f"tensor {name} is missing; {AGAIN}"]
    dtype, shape = found
    problems = []
    if shape != wanted.shape:
        problems.append(f"tensor {name} has shape {list(shape)}, but {CONFIG_NAME} says {list(wanted.shape)}")
    if dtype not in FLOAT_DTYPES:
        problems.append(f"tensor {name} has dtype {dtype}, not one of {', '.join(FLOAT_DTYPES)}")
    return problems


def _encoder_config(folder: Path, shape: ModelShape) -> dict[str, Any]:
    path = folder / ENCODER_CONFIG
    data = _json(path)
    thinker = data.get("thinker_config", data)
    config = thinker.get("audio_config") if isinstance(thinker, dict) else None
    if not isinstance(config, dict):
        raise ModelError(f"{path}: has no thinker_config.audio_config; {AGAIN}")
    if config.get("output_dim") != shape.width:
        raise ModelError(
            f"{path}: the encoder's output_dim is {config.get('output_dim')!r}, "
            f"but the language model is {shape.width} wide"
        )
    if config.get("num_mel_bins") != 128:
        raise ModelError(f"{path}: num_mel_bins is {config.get('num_mel_bins')!r}, but the model hears 128")
    return config


def encoder_state(path: Path) -> dict[str, torch.Tensor]:
    """The encoder's tensors, memory-mapped. Raises ModelError: code in the pickle, damaged, not a state dict."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError:
        raise ModelError(
            f"{path}: refused: it is damaged, or carries code instead of weights only, and was not executed; {AGAIN}"
        ) from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: damaged or truncated: {first}; {AGAIN}") from None
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise ModelError(f"{path}: holds no table of tensors; {AGAIN}")
    return state


def encoder_problems(path: Path, state: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> list[str]:
    """What is wrong with the encoder's tensors, against those of an encoder of the configured shape."""
    problems = [f"{path}: tensor {n} is missing; {AGAIN}" for n in wanted if n not in state]
    for name, tensor in state.items():
        if name not in wanted:
            problems.append(f"{path}: unknown tensor {name}; the file is of another encoder")
        elif tensor.shape != wanted[name].shape:
            problems.append(
                f"{path}: tensor {name} has shape {list(tensor.shape)}, "
                f"but {ENCODER_CONFIG} says {list(wanted[name].shape)}"
            )
        elif not tensor.is_floating_point():
            problems.append(f"{path}: tensor {name} has dtype {tensor.dtype}, and is no float")
    return problems


def empty_encoder(checkpoint: Checkpoint) -> compat.AudioEncoder:
    """An encoder of the configured shape, without weights. Raises ModelError for an impossible shape."""
    try:
        return compat.empty_encoder(checkpoint.encoder_config)
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as error:
        raise ModelError(f"{checkpoint.folder / ENCODER_CONFIG}: no encoder has this shape: {error}; {AGAIN}") from None
