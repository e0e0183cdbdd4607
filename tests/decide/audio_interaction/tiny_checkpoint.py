"""A tiny random checkpoint in the released layout: the real code loads it, in a second."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from listener.decide.audio_interaction import compat
from listener.decide.audio_interaction.layout import entries
from listener.decide.audio_interaction.shape import ModelShape, read_shape
from listener.decide.audio_interaction.tokens import EMOTIONS, KEEP_SILENCE, TEXT_BEGIN, TEXT_END

VOCABULARY = 151_936
LIKELY = (KEEP_SILENCE, TEXT_BEGIN, TEXT_END, *EMOTIONS, *range(60, 100))
"""Rows of the head that are not near zero: so that the toy speaks, stops, and says text."""

MODEL_CONFIG: dict[str, Any] = {
    "block_size": 4096,
    "padded_vocab_size": VOCABULARY,
    "n_layer": 2,
    "n_embd": 16,
    "n_head": 4,
    "n_query_groups": 2,
    "head_size": 4,
    "intermediate_size": 32,
    "rope_base": 10_000,
    "norm_eps": 1e-6,
    "rotary_percentage": 1.0,
    "bias": False,
    "attn_bias": True,
    "lm_head_bias": False,
}
AUDIO_CONFIG: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "num_mel_bins": 128,
    "max_source_positions": 1500,
    "n_window": 100,
    "output_dim": 16,
}


def write_checkpoint(folder: Path, seed: int = 1, older: bool = False, shards: int = 2, width: int = 16) -> Path:
    """The same bytes for the same seed. `older`: the attention of each layer interleaved by query group."""
    folder.mkdir(parents=True, exist_ok=True)
    compat.quiet()
    generator = torch.Generator().manual_seed(seed)
    sizes = {"n_embd": width, "head_size": width // 4, "intermediate_size": 2 * width}
    (folder / "model_config.yaml").write_text(yaml.safe_dump({**MODEL_CONFIG, **sizes}))
    shape = read_shape(folder)
    tensors = {name: _weights(name, entry.shape, generator) for name, entry in entries(shape, older=False).items()}
    if older:
        tensors = dict(_interleaved(name, tensor, shape) for name, tensor in tensors.items())
    _write_shards(folder, tensors, shards)
    (folder / "qwen25OmniConfig").mkdir(exist_ok=True)
    audio = {**AUDIO_CONFIG, "output_dim": width}
    config = {"thinker_config": {"audio_config": audio}}
    (folder / "qwen25OmniConfig" / "config.json").write_text(json.dumps(config))
    encoder = compat.empty_encoder(audio)
    state = {n: _weights(n, tuple(t.shape), generator) for n, t in encoder.state_dict().items()}
    torch.save(state, folder / "MiniOmni3_ChunkwisedEncoder.pth")
    _write_tokenizer(folder)
    return folder


def _weights(name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(shape, generator=generator)
    if "norm" in name or "ln_" in name:
        return noise * 0.05 + (1.0 if name.endswith("weight") else 0.0)
    if name == "lm_head.weight":
        head = noise * 1e-3
        head[list(LIKELY)] = torch.randn((len(LIKELY), shape[1]), generator=generator)
        return head
    if name == "transformer.wte.weight":
        return noise * 0.5
    return noise * (0.2 if len(shape) == 1 else float(np.prod(shape[1:])) ** -0.5)


def _interleaved(name: str, tensor: torch.Tensor, shape: ModelShape) -> tuple[str, torch.Tensor]:
    if ".attn.qkv." not in name:
        return name, tensor
    size, per_group = shape.head_size, shape.heads // shape.kv_heads
    heads = list(tensor.split(size))
    queries, keys, values = heads[: shape.heads], heads[shape.heads : -shape.kv_heads], heads[-shape.kv_heads :]
    groups = [
        torch.cat([*queries[g * per_group : (g + 1) * per_group], keys[g], values[g]]) for g in range(shape.kv_heads)
    ]
    return name.replace(".attn.qkv.", ".attn.attn."), torch.cat(groups)


def _write_shards(folder: Path, tensors: dict[str, torch.Tensor], shards: int) -> None:
    names = sorted(tensors)
    index: dict[str, str] = {}
    for number in range(shards):
        file = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        part = names[number::shards]
        save_file({name: tensors[name].contiguous() for name in part}, folder / file)
        index |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))


def _write_tokenizer(folder: Path) -> None:
    """Byte level without merges: one id a byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({character: i for i, character in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
