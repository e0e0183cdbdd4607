"""What sounds at the end of a recording is heard out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from listener.errors import SourceError
from listener.sources.file import Recording
from listener.sources.heard_out import SILENCE_CHUNKS, HeardOut
from listener.types import CHUNK_SAMPLES, Chunk, Source


async def _all(source: Source, first_index: int = 0) -> list[Chunk]:
    return [chunk async for chunk in source.chunks(first_index)]


@dataclass
class Stamped:
    """A source of one chunk that came at 1 s."""

    live: bool = True
    description: str = "one chunk"

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        yield Chunk(np.ones(CHUNK_SAMPLES, np.float32), first_index, 1_000_000_000, 2_000_000_000)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "door.flac"
    soundfile.write(path, np.full(CHUNK_SAMPLES + 1, 0.5), 16_000)
    return path


def test_all_of_it_comes_and_then_silence(recording: Path) -> None:
    chunks = asyncio.run(_all(HeardOut(Recording(recording)), first_index=7))
    bare = asyncio.run(_all(Recording(recording), first_index=7))
    assert [chunk.index for chunk in chunks] == list(range(7, 7 + len(bare) + SILENCE_CHUNKS))
    for ours, theirs in zip(chunks, bare, strict=False):
        np.testing.assert_array_equal(ours.samples, theirs.samples)
    assert not any(chunk.samples.any() for chunk in chunks[len(bare) :])
    assert all(chunk.captured_at_ns is None for chunk in chunks)


def test_silence_is_stamped_as_the_sound_was() -> None:
    chunks = asyncio.run(_all(HeardOut(Stamped())))
    assert [chunk.captured_at_ns for chunk in chunks[:3]] == [1_000_000_000, 1_400_000_000, 1_800_000_000]
    assert chunks[-1].monotonic_ns == 2_000_000_000 + SILENCE_CHUNKS * 400_000_000


def test_what_is_wrong_with_it_is_told_after_the_silence(recording: Path) -> None:
    whole = recording.read_bytes()
    longer = recording.with_name("long.flac")
    rng = np.random.default_rng(0)
    soundfile.write(longer, rng.uniform(-0.5, 0.5, 50 * CHUNK_SAMPLES), 16_000)
    longer.write_bytes(longer.read_bytes()[: len(whole) + 200_000])
    source, chunks = HeardOut(Recording(longer)), []

    async def hear() -> None:
        async for chunk in source.chunks():
            chunks.append(chunk)  # noqa: PERF401 (what came before the error is kept)

    with pytest.raises(SourceError, match="damaged or cut off"):
        asyncio.run(hear())
    assert chunks[0].samples.any()
    assert not any(chunk.samples.any() for chunk in chunks[-SILENCE_CHUNKS:])


def test_a_source_that_never_opened_has_no_silence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.wav"):
        asyncio.run(_all(HeardOut(Recording(tmp_path / "none.wav"))))
