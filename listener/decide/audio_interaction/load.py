"""From the released folder to a model on a device, one tensor at a time.

Shards are memory-mapped and converted tensor by tensor, so host memory never holds more than one shard beside the
result (on a GPU: little more than the largest tensor).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from torch import nn
from transformers import Qwen2ForCausalLM

from listener.decide.audio_interaction import compat
from listener.decide.audio_interaction.checkpoint import (
    AGAIN,
    TOKENIZER_NAME,
    Checkpoint,
    empty_encoder,
    encoder_problems,
    encoder_state,
    inspect,
)
from listener.decide.audio_interaction.quantize import Weights, becomes_small, put_small, usable_weights
from listener.decide.audio_interaction.shape import ModelShape
from listener.errors import ModelError

DTYPES: Final[Mapping[str, torch.dtype]] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

Progress = Callable[[int, int], None]
"""Called with (tensors done, tensors in all)."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    language_model: Qwen2ForCausalLM
    encoder: compat.AudioEncoder
    tokenizer: Tokenizer
    shape: ModelShape
    device: torch.device
    dtype: torch.dtype

    def encode_text(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)


def load(
    folder: Path,
    device: str = "cpu",
    dtype: str = "float32",
    progress: Progress | None = None,
    weights: str = "full",
) -> LoadedModel:
    """Check the folder and load it. Raises ModelError naming the file, the tensor or the figure that is wrong."""
    compat.quiet()
    place, kind, size = usable_device(device), usable_dtype(dtype), usable_weights(weights)
    checkpoint = inspect(folder)
    with out_of_memory_named(f"{folder}: loading it as {dtype} on {device}", ModelError):
        language_model = compat.empty_language_model(checkpoint.shape)
        tensors = _qwen2_tensors(checkpoint, progress or (lambda _done, _all: None))
        _fill(language_model, tensors, place, kind, size)
        language_model.model.rotary_emb.to(place)
        encoder = _encoder(checkpoint, place, kind)
    return LoadedModel(language_model, encoder, _tokenizer(folder), checkpoint.shape, place, kind)


def verify_files(folder: Path) -> None:
    """Check every file, name, shape and dtype. Raises ModelError with one line for each thing that is wrong."""
    compat.quiet()
    checkpoint = inspect(folder)
    _checked_encoder_state(checkpoint, empty_encoder(checkpoint))
    _tokenizer(folder)


def usable_device(name: str) -> torch.device:
    """Raises ModelError when torch has no such device here."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ModelError(f"device {name!r}: there is no such kind of device; use `cpu` or `cuda`") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            f"device {name!r}: torch {torch.__version__} finds no CUDA here; check the driver with nvidia-smi and "
            "install a torch built for CUDA, or configure the device `cpu` or the engine `cascade`"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices, counted from 0")
    if device.type not in ("cpu", "cuda"):
        raise ModelError(f"device {name!r}: this engine runs on `cpu` and `cuda`")
    return device


def usable_dtype(name: str) -> torch.dtype:
    if name not in DTYPES:
        raise ModelError(f"dtype {name!r} is none of {', '.join(DTYPES)}")
    return DTYPES[name]


@contextmanager
def out_of_memory_named(doing: str, kind: type[Exception]) -> Iterator[None]:
    """Turn torch's and Python's ways of running out of memory into one error that gives the figure."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise kind(f"{doing}: out of memory: {_first_line(error)}; {_REMEDY}") from None
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error) and "CUDA error: out of memory" not in str(error):
            raise
        raise kind(f"{doing}: out of memory: {_first_line(error)}; {_REMEDY}") from None


_REMEDY: Final = "use bfloat16, 8-bit or 4-bit weights, fewer rooms, a shorter window, or a larger device"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _qwen2_tensors(checkpoint: Checkpoint, progress: Progress) -> Iterator[tuple[str, torch.Tensor]]:
    done, total = 0, sum(map(len, checkpoint.shards.values()))
    for path, names in checkpoint.shards.items():
        try:
            with safe_open(path, framework="pt") as shard:
                for name in names:
                    yield from checkpoint.entries[name].split(shard.get_tensor(name))
                    done += 1
                    progress(done, total)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: cannot be read any more: {error}; {AGAIN}") from None


def _fill(
    module: nn.Module,
    tensors: Iterator[tuple[str, torch.Tensor]],
    device: torch.device,
    dtype: torch.dtype,
    weights: Weights = "full",
) -> None:
    """Put each tensor in its place, converted. What is still without weights afterwards is our own mistake."""
    for name, tensor in tensors:
        if weights != "full" and becomes_small(module, name):
            put_small(module, name, tensor, weights, device, dtype)
            continue
        owner, _, leaf = name.rpartition(".")
        # .to() of an equal dtype would keep the whole memory map alive: copy=True lets go of the file.
        converted = tensor.to(device=device, dtype=dtype, copy=True)
        module.get_submodule(owner).register_parameter(leaf, nn.Parameter(converted, requires_grad=False))
    empty = [name for name, parameter in module.named_parameters() if parameter.is_meta]
    if empty:
        raise ModelError(f"no weights for {', '.join(empty[:3])} ({len(empty)} in all); {AGAIN}")


def _checked_encoder_state(checkpoint: Checkpoint, encoder: nn.Module) -> dict[str, torch.Tensor]:
    state = encoder_state(checkpoint.encoder_path)
    problems = encoder_problems(checkpoint.encoder_path, state, encoder.state_dict())
    if problems:
        raise ModelError("\n".join(problems))
    return state


def _encoder(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> compat.AudioEncoder:
    encoder = empty_encoder(checkpoint)
    _fill(encoder, iter(_checked_encoder_state(checkpoint, encoder).items()), device, dtype)
    encoder.positional_embedding.to(device)
    return encoder


def _tokenizer(folder: Path) -> Tokenizer:
    path = folder / TOKENIZER_NAME
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{path}: is no tokenizer: {_first_line(error)}; {AGAIN}") from None
