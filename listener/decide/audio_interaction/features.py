"""Streaming log-mel: Whisper's features of an endless sound, at a cost that does not grow with its age.

Source of the formulas: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (arXiv
2212.04356) and its feature extractor: Hann window 400, hop 160, centred frames, reflected edges, power, 128 Slaney
mel bands, log10 clamped at 1e-10, floor 8 below the loudest value, (x + 4) / 4.

A chunk depends on the past only through its left context and through the loudest log-mel value so far ("the running
maximum"). Its last frame looks 40 samples into the future, which are not there yet and are reflected, as the
published server does; that server computes the frame again with the next chunk, so its true value enters the running
maximum then. Therefore the context is 200 samples, and the 160 of that frame before them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from transformers.audio_utils import mel_filter_bank

from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ

WINDOW_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
MEL_BINS: Final = 128
MEL_FRAMES_PER_CHUNK: Final = CHUNK_SAMPLES // HOP_SAMPLES
HALF_WINDOW: Final = WINDOW_SAMPLES // 2
CONTEXT_SAMPLES: Final = HALF_WINDOW + HOP_SAMPLES
AHEAD_SAMPLES: Final = HALF_WINDOW - HOP_SAMPLES
"""How far the last frame looks beyond its chunk."""
SMALLEST_POWER: Final = 1e-10
DYNAMIC_RANGE: Final = 8.0


@dataclass(frozen=True, slots=True)
class LogMel:
    """Log-mels before the floor, of one chunk. `loudest_before`: of the frame before it, now that its edge is known."""

    values: torch.Tensor
    """`[128, 40]`, log10 of the power."""
    loudest: float
    """Of the whole chunk, its last frame with the reflected edge."""
    loudest_settled: float
    """Without its last frame, whose right edge was reflected."""
    loudest_before: float

    def normalised(self, running_maximum: float) -> torch.Tensor:
        """What the encoder hears, `[128, 40]`: floored at 8 below the loudest value, then scaled."""
        return scaled(self.values, max(running_maximum, self.loudest))


def scaled(log_mel: torch.Tensor, loudest: float) -> torch.Tensor:
    return (log_mel.clamp(min=loudest - DYNAMIC_RANGE) + 4.0) / 4.0


class MelBank:
    """The constants of the transform, on one device; one instance serves all rooms."""

    def __init__(self, device: torch.device) -> None:
        filters = mel_filter_bank(
            num_frequency_bins=WINDOW_SAMPLES // 2 + 1,
            num_mel_filters=MEL_BINS,
            min_frequency=0.0,
            max_frequency=SAMPLE_RATE_HZ / 2,
            sampling_rate=SAMPLE_RATE_HZ,
            norm="slaney",
            mel_scale="slaney",
        )
        self._filters = torch.from_numpy(np.asarray(filters, np.float32)).to(device)
        self._window = torch.hann_window(WINDOW_SAMPLES, periodic=True, device=device)
        self.device = device

    def log_power(self, samples: torch.Tensor) -> torch.Tensor:
        """`[rooms, n]` samples, edges included -> `[rooms, 128, frames]`: log10 of the mel power, clamped."""
        frames = samples.unfold(-1, WINDOW_SAMPLES, HOP_SAMPLES) * self._window
        power = torch.fft.rfft(frames).abs().square()
        return (power @ self._filters).clamp(min=SMALLEST_POWER).log10().transpose(-1, -2)

    def whole(self, samples: torch.Tensor) -> torch.Tensor:
        """Features of a whole clip `[n]` -> `[128, n // 160]`, both edges reflected. `n` must exceed 200."""
        padded = torch.nn.functional.pad(samples[None], (HALF_WINDOW, HALF_WINDOW), mode="reflect")
        log_mel = self.log_power(padded)[0, :, : samples.shape[-1] // HOP_SAMPLES]
        return scaled(log_mel, float(log_mel.max()))


class EarState:
    """What hearing remembers of one room: the newest 360 samples. `None` before the first chunk."""

    __slots__ = ("context",)

    def __init__(self) -> None:
        self.context: torch.Tensor | None = None


def hear(bank: MelBank, ears: list[EarState], chunks: torch.Tensor) -> list[LogMel]:
    """The next chunk of each room, `[rooms, 6400]`, all at once; the states move on."""
    first = torch.flip(chunks[:, 1 : HALF_WINDOW + 1], [-1])  # the stream's left edge is reflected
    silence = chunks.new_zeros(chunks.shape[0], HOP_SAMPLES)
    context = torch.cat([silence, first], dim=-1)
    for row, ear in enumerate(ears):
        if ear.context is not None:
            context[row] = ear.context
    ahead = torch.flip(chunks[:, -AHEAD_SAMPLES - 1 : -1], [-1])
    log_mel = bank.log_power(torch.cat([context, chunks, ahead], dim=-1))
    loudest = log_mel.amax(dim=1).cpu()
    heard = []
    for row, ear in enumerate(ears):
        before = float("-inf") if ear.context is None else float(loudest[row, 0])
        settled = float(loudest[row, 1:-1].max())
        heard.append(LogMel(log_mel[row, :, 1:], max(settled, float(loudest[row, -1])), settled, before))
        ear.context = chunks[row, -CONTEXT_SAMPLES:].clone()
    return heard
