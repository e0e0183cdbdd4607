"""What a device delivers that can be no sound: silence of zeros, a stuck value, a flood. Time is given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

import numpy as np
import pytest

from listener.sources import supervisor
from listener.sources.soundness import FLOOD_SECONDS, SILENT_SECONDS, Soundness
from listener.sources.supervisor import STUCK_SECONDS, SupervisedSource
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Outage

NOISE = np.random.default_rng(1).normal(0, 0.001, CHUNK_SAMPLES).astype(np.float32)
ZEROS = np.zeros(CHUNK_SAMPLES, np.float32)
STUCK = np.full(CHUNK_SAMPLES, 0.25, np.float32)


class Clock:
    """The monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class PacedSource:
    """Each opening plays a list of chunks; the clock moves by `pace` seconds before each."""

    live = True
    description = "fake microphone"

    def __init__(self, clock: Clock, *openings: Sequence[np.ndarray], pace: float = CHUNK_SECONDS) -> None:
        self._clock = clock
        self._openings = list(openings)
        self._pace = pace
        self.opened = 0

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        self.opened += 1
        for n, samples in enumerate(self._openings.pop(0)):
            self._clock.now += self._pace
            yield Chunk(samples, first_index + n, 1, 1)


async def told(source: PacedSource, clock: Clock, bounded: bool = True) -> list[int | str]:
    async with aclosing(cast(Any, SupervisedSource(source, bounded=bounded, clock=clock).items(0))) as found:
        return [item.detail if isinstance(item, Outage) else item.index async for item in found]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    really: Callable[[float], Any] = asyncio.sleep

    async def sleep(_seconds: float) -> None:
        await really(0)

    monkeypatch.setattr(supervisor.asyncio, "sleep", sleep)


@pytest.mark.parametrize(("samples", "words"), [(ZEROS, "digital silence"), (STUCK, "same value (0.250)")])
async def test_silence_of_a_machine_is_told_within_5_s_and_the_device_is_opened_again(
    samples: np.ndarray, words: str
) -> None:
    clock = Clock()
    source = PacedSource(clock, [NOISE] * 3 + [samples] * 20, [samples] * 3 + [NOISE] * 2)
    items = await told(source, clock)
    assert items[:3] == [0, 1, 2]
    outage = next(n for n, item in enumerate(items) if isinstance(item, str))
    assert (outage - 3 + 1) * CHUNK_SECONDS < 5
    assert words in str(items[outage])
    # Opened again and still silent is no recovery: nothing is heard of it until there is sound.
    assert items[outage + 1 :] == [outage + 3, outage + 4, "fake microphone has ended"]
    assert source.opened == 2


@pytest.mark.parametrize("place", [0, 1, CHUNK_SAMPLES // 2, CHUNK_SAMPLES - 1])
def test_one_click_in_a_chunk_is_sound_wherever_it_is(place: int) -> None:
    soundness, click = Soundness(), ZEROS.copy()
    click[place] = 0.1
    for n in range(30):
        assert soundness.fault(Chunk(click, n, 1, 1), 0.4 * n) is None
        assert soundness.flat_chunks == 0


async def test_a_pause_between_two_sounds_is_no_fault() -> None:
    clock = Clock()
    pause = int(SILENT_SECONDS / CHUNK_SECONDS) - 1
    items = await told(PacedSource(clock, ([ZEROS] * pause + [NOISE]) * 3), clock)
    assert items == [*range(3 * (pause + 1)), "fake microphone has ended"]


async def test_a_pipe_that_is_ahead_may_be_silent_and_fast() -> None:
    clock = Clock()
    items = await told(PacedSource(clock, [ZEROS] * 100 + [NOISE] * 100, pace=0.0), clock, bounded=False)
    assert items == [*range(200), "fake microphone has ended"]


async def test_a_silent_pipe_is_told_and_read_on() -> None:
    clock = Clock()
    source = PacedSource(clock, [ZEROS] * 30 + [NOISE] * 2)
    items = await told(source, clock, bounded=False)
    assert [item for item in items if isinstance(item, str)] == [
        "fake microphone delivers only digital silence (zeros); is it muted, at its switch or in the mixer",
        "fake microphone has ended",
    ]
    assert items[-3:-1] == [30, 31]
    assert source.opened == 1


async def test_ten_times_as_fast_as_life_is_cut_off_and_bounded() -> None:
    clock = Clock()
    items = await told(PacedSource(clock, [NOISE] * 1_000, [], pace=CHUNK_SECONDS / 10), clock)
    heard = [item for item in items if isinstance(item, int)]
    assert len(heard) * CHUNK_SECONDS < 5 * 1.5 + FLOOD_SECONDS + 1
    assert "more than 1.5 s of sound in a second" in str(items[len(heard)])


def test_a_clock_that_creeps_and_a_buffer_at_the_start_are_no_flood() -> None:
    soundness = Soundness()
    now = 0.0
    for n in range(10_000):
        now += 0.0 if n < FLOOD_SECONDS / CHUNK_SECONDS - 1 else CHUNK_SECONDS * 0.99
        assert soundness.fault(Chunk(NOISE, n, 1, 1), now) is None


async def test_who_does_not_come_back_for_the_next_chunk_is_stuck() -> None:
    clock = Clock()
    source = SupervisedSource(PacedSource(clock, [NOISE] * 2), clock=clock)
    async with aclosing(cast(Any, source.items(0))) as items:
        await anext(items)
        clock.now += STUCK_SECONDS - 1
        assert not source.is_stuck
        clock.now += 2
        assert source.is_stuck
        await anext(items)
        assert not source.is_stuck
    assert not source.is_stuck


async def test_a_source_that_does_not_let_itself_be_closed_is_stuck() -> None:
    clock = Clock()

    class Unclosable(PacedSource):
        async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
            yield Chunk(NOISE, first_index, 1, 1)
            try:
                await asyncio.Event().wait()
            finally:
                await release.wait()

    release = asyncio.Event()
    source = SupervisedSource(Unclosable(clock), 0.01, clock=clock)
    items = cast(Any, source.items(0))
    await anext(items)
    waiting = asyncio.create_task(items.__anext__())
    while not source.is_stuck:
        clock.now += 1
        await asyncio.sleep(0)
        assert clock.now < 10_000
    release.set()
    assert isinstance(await waiting, Outage)
    await items.aclose()
