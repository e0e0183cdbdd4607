"""Grouped-query attention (Ainslie et al., arXiv 2305.13245) that reads each key and value once.

transformers' own repeats keys and values for every query head before it attends, which for long contexts copies more
than the rest of a step reads. Here the queries that share a key are laid one below the other instead; each is masked
like its position.
"""

from typing import Any, Final

import torch
from transformers import AttentionInterface

NAME: Final = "listener_grouped"


def grouped_attention(
    _module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Query `[b, heads, t, d]`, key and value `[b, kv_heads, n, d]`, mask of `group_mask` -> `[b, t, heads, d]`."""
    batch, heads, steps, size = query.shape
    kv_heads = key.shape[1]
    below = query.reshape(batch, kv_heads, heads // kv_heads * steps, size)
    out = torch.nn.functional.scaled_dot_product_attention(below, key, value, attn_mask=attention_mask, scale=scaling)
    return out.reshape(batch, heads, steps, size).transpose(1, 2), None


def group_mask(seen: torch.Tensor, queries_per_key: int, dtype: torch.dtype) -> torch.Tensor:
    """What is added to the scores, made once for all layers: `[b, 1, t, n]` of bool -> `[b, 1, t * queries, n]`."""
    added = torch.zeros(seen.shape, device=seen.device, dtype=dtype).masked_fill_(~seen, float("-inf"))
    return added.repeat(1, 1, queries_per_key, 1)


def register() -> str:
    """Make it known to transformers; returns the name to configure."""
    AttentionInterface.register(NAME, grouped_attention)
    return NAME
