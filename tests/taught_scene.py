"""A washing machine's tune in a quiet room, as a person would let it play for a lesson."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import soundfile

from listener.bench.synthesis import Note, at_level, pink_noise, silence, struck
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Chunk, Samples

TUNE = ((0.0, 1047.0), (0.22, 1319.0), (0.44, 1568.0), (0.66, 1319.0), (0.88, 2093.0))


def washer(seed: int) -> Samples:
    """2 s: five notes and what rings on, never quite the same."""
    rng = np.random.default_rng(seed)
    pitch = float(rng.uniform(0.997, 1.003))
    tune = struck(1.6, [Note(t, f * pitch, 0.9) for t, f in TUNE])
    return np.concatenate([at_level(tune, float(rng.uniform(-16, -10))), silence(0.4)])


def in_the_room(sound: Samples, seed: int) -> Samples:
    """With the noise of a quiet room."""
    noise = pink_noise(np.random.default_rng(seed), len(sound) / SAMPLE_RATE_HZ + 0.1)[: len(sound)]
    return (sound + at_level(noise, -52.0)).astype(np.float32)


def lesson(takes: int = 5) -> Samples:
    """6 s of quiet, then the tune `takes` times with 2.8 s between."""
    pieces = [silence(6.0)]
    for seed in range(takes):
        pieces += [washer(seed), silence(2.8)]
    return in_the_room(np.concatenate(pieces), 99)


def again() -> Samples:
    """The tune once more, as it was not heard before."""
    return in_the_room(np.concatenate([silence(2.0), washer(77), silence(4.0)]), 7)


def quiet(seconds: float) -> Samples:
    return in_the_room(silence(seconds), 5)


def write(path: Path, samples: Samples) -> Path:
    soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16")
    return path


class Fed:
    """A source that a test feeds; as fast as it is heard, and without an end."""

    description = "a test"
    live = False

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Samples] = asyncio.Queue()

    def feed(self, samples: Samples) -> None:
        padded = np.concatenate([samples, np.zeros(-len(samples) % CHUNK_SAMPLES, np.float32)])
        for start in range(0, len(padded), CHUNK_SAMPLES):
            self._waiting.put_nowait(padded[start : start + CHUNK_SAMPLES])

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        index = first_index
        while True:
            yield Chunk(await self._waiting.get(), index)
            index += 1
