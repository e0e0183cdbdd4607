"""The offline mode: one question about one whole recording, one answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from listener.decide.audio_interaction.features import HALF_WINDOW
from listener.decide.audio_interaction.load import Progress, load, out_of_memory_named
from listener.decide.audio_interaction.model import MERGE_TOKENS, Feed, Model
from listener.decide.audio_interaction.replies import Pieces
from listener.decide.audio_interaction.sampling import GREEDY, Sampling
from listener.decide.audio_interaction.tokens import EMOTIONS, TEXT_BEGIN, TEXT_END, offline_sequence
from listener.errors import EngineError
from listener.types import SAMPLE_RATE_HZ, Samples

LONGEST_SECONDS: Final = 20.0
"""What the model was trained to hear at once."""
SHORTEST_SAMPLES: Final = HALF_WINDOW + 640
"""Enough for one frame of the encoder, and for the reflected edges."""


@dataclass(frozen=True, slots=True)
class Said:
    """One token of an answer: the text that it completes (often none), and how sure the model was of it, 0 to 1."""

    text: str
    probability: float


def tokens(
    model: Model,
    row: int,
    samples: Samples,
    question: str,
    *,
    limit: int = 512,
    sampling: Sampling = GREEDY,
    seed: int = 0,
) -> Iterator[Said]:
    """Yield the answer token by token, so that a caller can do other things between two of them.

    `samples` `[n]`, at most 20 s; empty: the question alone. Raises EngineError: too long, too short, not finite, or
    NaN logits.
    """
    frames = _frames(model, samples)
    ids = offline_sequence(model.loaded.encode_text, 0 if frames is None else len(frames), question)
    if len(ids) + limit + MERGE_TOKENS > model.cache.capacity:
        raise EngineError(
            f"recording and question are {len(ids)} positions; with {limit} for the answer and {MERGE_TOKENS} to "
            f"spare that is more than {model.cache.capacity}; ask more briefly"
        )
    model.cache.clear(row)
    model.feed([Feed(row, ids, () if frames is None else [frames], answers=())])
    generator, pieces = torch.Generator().manual_seed(seed), Pieces(model.loaded.tokenizer)
    token = TEXT_BEGIN  # the sequence asks for nothing else
    for number in range(limit):
        (logits,) = model.feed([Feed(row, [token])])
        if not bool(torch.isfinite(logits).all()):
            raise EngineError(f"the model's logits are not finite after {number + 1} tokens; try another dtype")
        token = sampling.choose(logits[0], number == 0, generator)
        if token == TEXT_END:
            return
        text = "" if token in EMOTIONS else pieces.add(token)
        yield Said(text, float(torch.softmax(logits[0], dim=-1)[token]))


def answer(
    model: Model,
    row: int,
    samples: Samples,
    question: str,
    *,
    limit: int = 512,
    sampling: Sampling = GREEDY,
    seed: int = 0,
) -> Iterator[str]:
    """Yield the answer's text in pieces; otherwise as `tokens`."""
    for said in tokens(model, row, samples, question, limit=limit, sampling=sampling, seed=seed):
        if said.text:
            yield said.text


def ask(
    folder: Path,
    samples: Samples,
    question: str,
    device: str = "cpu",
    dtype: str = "float32",
    limit: int = 512,
    progress: Progress | None = None,
) -> Iterator[str]:
    """Load the checkpoint and answer one question. Raises ModelError, EngineError."""
    loaded = load(folder, device, dtype, progress)
    with out_of_memory_named("answering", EngineError):
        yield from answer(Model(loaded, 1, loaded.shape.positions), 0, samples, question, limit=limit)


def _frames(model: Model, samples: Samples) -> torch.Tensor | None:
    if samples.size == 0:
        return None
    seconds = samples.size / SAMPLE_RATE_HZ
    if seconds > LONGEST_SECONDS:
        raise EngineError(f"the recording is {seconds:.1f} s long; the model hears {LONGEST_SECONDS:g} s: cut it")
    if samples.size < SHORTEST_SAMPLES:
        raise EngineError(f"the recording is {1e3 * seconds:.0f} ms long; the model hears from 53 ms: give more")
    clip = torch.from_numpy(samples)
    if not bool(torch.isfinite(clip).all()):
        raise EngineError("the recording holds NaN or infinite samples; convert it again")
    return model.encode_clip(clip)
