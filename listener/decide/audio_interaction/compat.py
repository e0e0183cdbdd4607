"""The one place that knows how versions of transformers differ: 4.57 and 5.x both reproduce the golden numbers.

5.x rewrote the audio encoder's forward (it no longer needs `aftercnn_lens`, and still takes it) and moved the rotary
base into `rope_parameters`. Qwen2's own code takes a prepared mask and explicit positions in both.
"""

import logging
from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
import transformers
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding
from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniAudioEncoderConfig
from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import (
    Qwen2_5OmniAudioEncoder,
    SinusoidsPositionEmbedding,
)

from listener.decide.audio_interaction import attention
from listener.decide.audio_interaction.shape import ModelShape

AudioEncoder: TypeAlias = Qwen2_5OmniAudioEncoder

ENCODER_ATTENTION = "sdpa"


def quiet() -> None:
    """transformers warns about parts of configurations that we never build."""
    transformers.logging.set_verbosity(logging.ERROR)


def qwen2_config(shape: ModelShape) -> Qwen2Config:
    rope: dict[str, Any] = {"rope_theta": shape.rope_base}
    if int(transformers.__version__.split(".")[0]) >= 5:
        rope = {"rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_base}}
    return Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.mlp_width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_size,
        max_position_embeddings=shape.positions,
        rms_norm_eps=shape.norm_epsilon,
        tie_word_embeddings=False,
        use_cache=True,
        attn_implementation=attention.register(),
        **rope,
    )


def empty_language_model(shape: ModelShape) -> Qwen2ForCausalLM:
    """The model without weights (on torch's `meta` device), but with its rotary frequencies (on the CPU)."""
    config = qwen2_config(shape)
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    model.model.rotary_emb = Qwen2RotaryEmbedding(config)
    return model.eval()


def empty_encoder(audio_config: Mapping[str, Any]) -> AudioEncoder:
    """The encoder without weights, but with its sinusoidal positions. Raises ValueError for an impossible shape."""
    config = Qwen2_5OmniAudioEncoderConfig(**{**audio_config, "attn_implementation": ENCODER_ATTENTION})
    with torch.device("meta"):
        encoder = AudioEncoder(config)
    encoder.positional_embedding = SinusoidsPositionEmbedding(config.max_source_positions, config.d_model)
    return encoder.eval()


def encode(encoder: AudioEncoder, mels: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Encoder frames `[sum(frames), width]` of log-mels laid side by side, `[bins, sum(lengths)]`.

    Each piece of `lengths` mel frames is encoded alone; four mel frames become one, and a rest is dropped.
    """
    after_convolution = (lengths - 1) // 2 + 1
    output = encoder(mels.to(encoder.dtype), feature_lens=lengths, aftercnn_lens=after_convolution)
    return output.last_hidden_state
