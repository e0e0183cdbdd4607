"""Weights of 8 or 4 bits for small GPUs, by bitsandbytes; each is made from one full tensor as it is loaded.

`int8` is LLM.int8() (Dettmers et al., arXiv 2208.07339), `4bit` is NF4 (arXiv 2305.14314). Only the matrices of the
language model's layers become small: embeddings and head choose between tokens, and stay as they are.
"""

from typing import Any, Final, Literal, get_args

import torch
from torch import nn

from listener.errors import ModelError
from listener.origin import pip_command

Weights = Literal["full", "int8", "4bit"]
WEIGHTS: Final[tuple[str, ...]] = get_args(Weights)


def usable_weights(name: str) -> Weights:
    """Raises ModelError: no such kind, or bitsandbytes is not installed."""
    for kind in get_args(Weights):
        if kind == name:
            if kind != "full":
                _bitsandbytes()
            return kind  # type: ignore[no-any-return]
    raise ModelError(f"weights {name!r} is none of {', '.join(WEIGHTS)}")


def becomes_small(model: nn.Module, name: str) -> bool:
    """Whether this parameter is a matrix of one of the language model's layers."""
    owner, _, leaf = name.rpartition(".")
    return leaf == "weight" and ".layers." in name and isinstance(model.get_submodule(owner), nn.Linear)


def put_small(
    model: nn.Module, name: str, tensor: torch.Tensor, kind: Weights, device: torch.device, dtype: torch.dtype
) -> None:
    """Put the quantized form of `tensor` where `name` was; the layer's bias stays."""
    owner = name.rpartition(".")[0]
    old = model.get_submodule(owner)
    new = (_int8 if kind == "int8" else _four_bit)(old, tensor.to(dtype), device, dtype)
    new.bias = old.bias
    parent, _, leaf = owner.rpartition(".")
    setattr(model.get_submodule(parent), leaf, new)


def _int8(old: Any, tensor: torch.Tensor, device: torch.device, _dtype: torch.dtype) -> nn.Module:
    library = _bitsandbytes()
    bias = old.bias is not None
    new = library.nn.Linear8bitLt(old.in_features, old.out_features, bias, has_fp16_weights=False, device="meta")
    new.weight = library.nn.Int8Params(tensor, requires_grad=False, has_fp16_weights=False).to(device)
    return new


def _four_bit(old: Any, tensor: torch.Tensor, device: torch.device, dtype: torch.dtype) -> nn.Module:
    library = _bitsandbytes()
    bias = old.bias is not None
    new = library.nn.Linear4bit(
        old.in_features, old.out_features, bias, compute_dtype=dtype, quant_type="nf4", device="meta"
    )
    new.weight = library.nn.Params4bit(tensor, requires_grad=False, quant_type="nf4", module=new).to(device)
    return new


def _bitsandbytes() -> Any:
    try:
        import bitsandbytes
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"weights of 8 or 4 bits need bitsandbytes, which cannot be loaded ({error}); "
            f"{pip_command('bitsandbytes')}, or use full weights"
        ) from None
    return bitsandbytes
