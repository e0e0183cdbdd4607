"""From the released names and shapes (LitGPT) to those of `transformers.Qwen2ForCausalLM`. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from listener.decide.audio_interaction.shape import ModelShape

Split = Callable[[torch.Tensor], Iterator[tuple[str, torch.Tensor]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One released tensor: its shape, and what it becomes (Qwen2 name, tensor)."""

    shape: tuple[int, ...]
    split: Split


def _renamed(name: str) -> Split:
    return lambda tensor: iter([(name, tensor)])


def _stacked(prefix: str, kind: str, shape: ModelShape) -> Split:
    """`attn.qkv`: all Q, all K, all V, one below the other."""
    q, kv = shape.heads * shape.head_size, shape.kv_heads * shape.head_size

    def split(tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        for name, part in zip("qkv", tensor.split([q, kv, kv]), strict=True):
            yield f"{prefix}.{name}_proj.{kind}", part

    return split


def _interleaved(prefix: str, kind: str, shape: ModelShape) -> Split:
    """`attn.attn`, the older layout: per query group its queries, then its key, then its value."""
    per_group = shape.heads // shape.kv_heads

    def split(tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        rest = tensor.shape[1:]
        grouped = tensor.reshape(shape.kv_heads, per_group + 2, shape.head_size, *rest)
        for name, part in zip("qkv", grouped.split([per_group, 1, 1], dim=1), strict=True):
            yield f"{prefix}.{name}_proj.{kind}", part.reshape(-1, *rest)

    return split


def entries(shape: ModelShape, older: bool) -> dict[str, Entry]:
    """Every tensor that the release must hold. `older`: its attention is interleaved (`attn.attn`)."""
    table = {
        "transformer.wte.weight": Entry((shape.vocabulary, shape.width), _renamed("model.embed_tokens.weight")),
        "transformer.ln_f.weight": Entry((shape.width,), _renamed("model.norm.weight")),
        "lm_head.weight": Entry((shape.vocabulary, shape.width), _renamed("lm_head.weight")),
    }
    for layer in range(shape.layers):
        table |= _layer(layer, shape, older)
    return table


def _layer(layer: int, shape: ModelShape, older: bool) -> dict[str, Entry]:
    ours, theirs = f"model.layers.{layer}", f"transformer.h.{layer}"
    fused, split = ("attn.attn", _interleaved) if older else ("attn.qkv", _stacked)
    rows = (shape.heads + 2 * shape.kv_heads) * shape.head_size
    inner, width = shape.mlp_width, shape.width
    attention = f"{ours}.self_attn"
    return {
        f"{theirs}.norm_1.weight": Entry((width,), _renamed(f"{ours}.input_layernorm.weight")),
        f"{theirs}.norm_2.weight": Entry((width,), _renamed(f"{ours}.post_attention_layernorm.weight")),
        f"{theirs}.{fused}.weight": Entry((rows, width), split(attention, "weight", shape)),
        f"{theirs}.{fused}.bias": Entry((rows,), split(attention, "bias", shape)),
        f"{theirs}.attn.proj.weight": Entry(
            (width, shape.heads * shape.head_size), _renamed(f"{attention}.o_proj.weight")
        ),
        f"{theirs}.mlp.fc_1.weight": Entry((inner, width), _renamed(f"{ours}.mlp.gate_proj.weight")),
        f"{theirs}.mlp.fc_2.weight": Entry((inner, width), _renamed(f"{ours}.mlp.up_proj.weight")),
        f"{theirs}.mlp.proj.weight": Entry((width, inner), _renamed(f"{ours}.mlp.down_proj.weight")),
    }
