"""The network: five causal convolutions over log-mel frames, then what the last 0.96 s held, as one score per label.

A step of the last convolution is 80 ms, so a chunk of 40 frames is five steps. Every convolution is padded with zeros
on the side of the past alone, and the score of a chunk pools its five steps with the seven before: nothing that a chunk
computes needs the future, and the rows that a convolution still needs of the past are the streaming state.
"""

from typing import Final

import torch
from torch import Tensor, nn

BANDS: Final = 64
SILENCE: Final = -6.907755
"""log(0.001), the features of digital silence: the network's zero."""
SCALE: Final = 3.0
KERNEL: Final = 3
LAYERS: Final = ((16, 2, 2), (32, 2, 2), (64, 2, 2), (96, 1, 2), (128, 1, 2))
"""Channels, and strides over time and frequency."""
STEPS_PER_CHUNK: Final = 5
POOLED_STEPS: Final = 12
EMBEDDING: Final = 128
TEACHER: Final = 1_024


class Layer(nn.Module):
    """A 3x3 convolution that is causal in time, with batch normalization."""

    def __init__(self, before: int, channels: int, time_stride: int, band_stride: int) -> None:
        super().__init__()
        self.strides = (time_stride, band_stride)
        self.convolution = nn.Conv2d(before, channels, KERNEL, self.strides, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """`[batch, channels, frames, bands]`; with stride 2, as many rows of the past as the kernel exceeds it by."""
        past = KERNEL - self.strides[0]
        return torch.relu(self.norm(self.convolution(nn.functional.pad(x, (1, 1, past, 0)))))


class Network(nn.Module):
    def __init__(self, labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        channels = (1, *(layer[0] for layer in LAYERS))
        self.layers = nn.ModuleList(Layer(before, *layer) for before, layer in zip(channels[:-1], LAYERS, strict=True))
        bands = BANDS
        for _, _, stride in LAYERS:
            bands //= stride
        self.features = channels[-1] * bands
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(2 * self.features, EMBEDDING)
        self.classify = nn.Linear(EMBEDDING, labels)
        self.imitate = nn.Linear(EMBEDDING, TEACHER)
        """The teacher's embedding from ours. Needed in training only."""

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mel `[batch, 40 n, 64]` to logits `[batch, n, labels]` and embeddings `[batch, n, 128]`."""
        return self.judge(self.pool(log_mel))

    def judge(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """The dense layers: `[…, 512]` to logits and embeddings."""
        embedding = torch.relu(self.embed(self.dropout(pooled)))
        return self.classify(self.dropout(embedding)), embedding

    def pool(self, log_mel: Tensor) -> Tensor:
        """The convolutions, and the mean and the maximum of each feature over 0.96 s: `[batch, n, 512]`."""
        x = ((log_mel - SILENCE) / SCALE).unsqueeze(1).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x)
        steps = x.permute(0, 2, 3, 1).flatten(2)  # [batch, steps, bands x channels], as LiteRT flattens NHWC
        steps = nn.functional.pad(steps, (0, 0, POOLED_STEPS - STEPS_PER_CHUNK, 0))
        windows = steps.unfold(1, POOLED_STEPS, STEPS_PER_CHUNK)  # [batch, n, features, 12]
        return torch.cat((windows.mean(-1), windows.amax(-1)), -1)
