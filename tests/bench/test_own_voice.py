"""Our own voice in our own microphone: a short form of benchmarks/own_voice.py, and the air that it goes through."""

import asyncio
import importlib.util
import shutil

import numpy as np
import pytest

from listener.bench.air import Air
from listener.bench.own_voice import Scene, measure
from listener.respond.output import Clip
from listener.types import CHUNK_SAMPLES, Chunk

needs_voices = pytest.mark.skipif(
    shutil.which("flite") is None or importlib.util.find_spec("espeakng_loader") is None,
    reason="needs the extra `voice`, and flite (apt-get install flite)",
)


async def at_once() -> None:
    await asyncio.sleep(0)


def direct(seconds: float = 4.0, echo_db: float = -20.0) -> Air:
    """A room without an echo, 0.1 s away."""
    return Air(np.zeros(round(seconds * 16_000), np.float32), np.ones(1, np.float32), echo_db, 0.1, at_once)


async def recorded(air: Air) -> np.ndarray:
    chunks = [item.samples async for item in air.items(0) if isinstance(item, Chunk)]
    return np.concatenate(chunks)


async def test_what_is_played_comes_back_fainter_and_later() -> None:
    air = direct()

    async def play() -> None:
        async with air.open() as track:
            await track.play(Clip(np.full(8_000, 16_384, np.int16), 16_000))
            await track.finish()

    playing = asyncio.create_task(play())
    heard = await recorded(air)
    await playing
    (loud,) = np.nonzero(heard > 0.01)
    assert len(loud) == 8_000
    assert np.allclose(heard[loud], 0.05, atol=1e-4)
    assert (loud[0] - 1_600) % CHUNK_SAMPLES == 0
    assert air.own_seconds == pytest.approx(0.5, abs=0.02)


async def test_who_leaves_early_is_silent_at_once() -> None:
    air = direct()

    async def begin() -> None:
        async with air.open() as track:
            await track.play(Clip(np.full(48_000, 16_384, np.int16), 16_000))

    beginning = asyncio.create_task(begin())
    heard = await recorded(air)
    await beginning
    assert 0 < np.count_nonzero(heard > 0.01) < 48_000, "play returns a second before the end"


@needs_voices
@pytest.mark.parametrize("addressing", ["open", "wake_word"])
async def test_we_obey_no_command_of_our_own_and_do_not_answer_ourselves(addressing: str) -> None:
    outcome = await measure(Scene(addressing, 32.0, person_every=1_000))  # type: ignore[arg-type]
    assert outcome.replies >= 4
    assert outcome.own_seconds > 8
    assert (outcome.commands, outcome.answers, outcome.interrupted, outcome.transcripts) == ([], [], 0, [])


@needs_voices
async def test_the_witness_sees_what_comes_from_a_person() -> None:
    """In the pauses everybody is understood: if nothing got through, the zeros above would prove nothing."""
    outcome = await measure(Scene("open", 24.0, sayings=("Hm.",), person_every=1, person_dbfs=-14.0))
    assert outcome.person >= 2
    assert outcome.got_through >= 1
    assert outcome.clean
