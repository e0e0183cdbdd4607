"""A scheduler stepped by hand, and what it told each room."""

from dataclasses import dataclass, field

import numpy as np
import torch

from listener.decide.audio_interaction.happenings import Decided, Happening
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Feed, Model
from listener.decide.audio_interaction.sampling import GREEDY, Sampling
from listener.decide.audio_interaction.scheduler import SPARE_POSITIONS, Scheduler
from listener.decide.audio_interaction.stream import Limits, Stream
from listener.decide.audio_interaction.tokens import BLOCK
from listener.types import CHUNK_SAMPLES, Samples

SMALL = Limits(window=420, reply_tokens=12, transcript_tokens=8, waiting_chunks=6)
"""The toy's prompt has 191 tokens, a byte each."""


@dataclass
class Ward:
    """A scheduler and what each room was told."""

    scheduler: Scheduler
    told: dict[str, list[Happening]] = field(default_factory=dict)

    def admit(self, name: str, threshold: float, sampling: Sampling = GREEDY) -> Stream:
        told = self.told.setdefault(name, [])
        return self.scheduler.admit(name, threshold, sampling, seed=1, sink=told.append)

    def settle(self) -> None:
        while self.scheduler.busy:
            self.scheduler.tick()

    def play(self, stream: Stream, chunks: list[Samples]) -> None:
        for chunk in chunks:
            self.scheduler.hear(stream, chunk)
            self.settle()


def ward(loaded: LoadedModel, rows: int = 1, limits: Limits = SMALL) -> Ward:
    return Ward(Scheduler(Model(loaded, rows, limits.window + SPARE_POSITIONS), limits))


def sound(seed: int, chunks: int) -> list[Samples]:
    rng = np.random.default_rng(seed)
    gains = 10.0 ** rng.uniform(-3, -0.3, chunks)
    return [(rng.standard_normal(CHUNK_SAMPLES) * gain).astype(np.float32) for gain in gains]


def probabilities(told: list[Happening]) -> list[float]:
    return [h.probability for h in told if isinstance(h, Decided)]


def margins(told: list[Happening]) -> np.ndarray:
    """By how much TEXT_BEGIN's logit is larger; the toy's probabilities are all near zero, and compare too easily."""
    found = np.asarray(probabilities(told))
    return np.log(found) - np.log1p(-found)


def median_threshold(loaded: LoadedModel, seed: int) -> float:
    """Half of the chunks of this sound are answered, whatever the toy's weights are."""
    quiet = ward(loaded)
    quiet.play(quiet.admit("kitchen", 1.0), sound(seed, 10))
    return float(np.median(probabilities(quiet.told["kitchen"])))


def next_logits(model: Model, stream: Stream, frames: torch.Tensor) -> torch.Tensor:
    (logits,) = model.feed([Feed(stream.row, [*stream.context.pending, *BLOCK], [frames])])
    return logits[0]
