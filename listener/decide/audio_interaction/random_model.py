"""Models of a given shape with random weights: what takes the time is the shape, so benchmarks need no download."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import nn

from listener.decide.audio_interaction import compat
from listener.decide.audio_interaction.load import LoadedModel, out_of_memory_named, usable_device, usable_dtype
from listener.decide.audio_interaction.shape import ModelShape
from listener.errors import ModelError


@dataclass(frozen=True, slots=True)
class WholeShape:
    language_model: ModelShape
    encoder: Mapping[str, Any]


def _shape(layers: int, width: int, heads: int, kv_heads: int, mlp: int, encoder: dict[str, int]) -> WholeShape:
    language = ModelShape(layers, width, heads, kv_heads, width // heads, mlp, 151_936, 4096, 1e6, 1e-6)
    fixed = {"num_mel_bins": 128, "max_source_positions": 1500, "n_window": 100, "output_dim": width}
    return WholeShape(language, {**encoder, **fixed})


def _audio(width: int, layers: int, heads: int, mlp: int) -> dict[str, int]:
    return {"d_model": width, "encoder_layers": layers, "encoder_attention_heads": heads, "encoder_ffn_dim": mlp}


SHAPES: Final[Mapping[str, WholeShape]] = {
    "tiny": _shape(2, 32, 4, 2, 64, _audio(32, 2, 4, 64)),
    "small": _shape(8, 512, 8, 2, 1408, _audio(384, 6, 6, 1536)),
    # Qwen2.5-Omni-3B's thinker and audio encoder, on which the published model was built.
    "3b": _shape(36, 2048, 16, 2, 11_008, _audio(1280, 32, 20, 5120)),
}
"""`small`: about the width of Whisper's tiny encoder; it fits a CPU."""


def random_model(shape: str, device: str, dtype: str, seed: int = 0) -> LoadedModel:
    """Raises ModelError: no such shape, no such device, no memory."""
    compat.quiet()
    if shape not in SHAPES:
        raise ModelError(f"model shape {shape!r} is none of {', '.join(SHAPES)}")
    place, kind, whole = usable_device(device), usable_dtype(dtype), SHAPES[shape]
    with out_of_memory_named(f"random weights of shape {shape} on {device}", ModelError):
        language_model = compat.empty_language_model(whole.language_model)
        encoder = compat.empty_encoder(whole.encoder)
        generator = torch.Generator(device=place).manual_seed(seed)
        for module in (language_model, encoder):
            _fill(module, place, kind, generator)
        language_model.model.rotary_emb.to(place)
        encoder.positional_embedding.to(place)
    return LoadedModel(language_model, encoder, _byte_tokenizer(), whole.language_model, place, kind)


def _fill(module: nn.Module, device: torch.device, dtype: torch.dtype, generator: torch.Generator) -> None:
    """Norms one, biases zero, matrices so that what comes out is as large as what goes in."""
    for name, parameter in list(module.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        tensor = torch.empty(parameter.shape, device=device, dtype=dtype)
        if parameter.ndim == 1:
            tensor.fill_(0.0 if leaf == "bias" else 1.0)
        else:
            tensor.normal_(0.0, float(parameter[0].numel()) ** -0.5, generator=generator)
        module.get_submodule(owner).register_parameter(leaf, nn.Parameter(tensor, requires_grad=False))


def _byte_tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({character: i for i, character in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
