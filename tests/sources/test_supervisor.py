"""The supervisor: outages are told, the source is closed and opened again, ever more patiently."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest
from fakes import FakeSource

from listener.errors import SourceError
from listener.sources import supervisor
from listener.sources.supervisor import HEALTHY_CHUNKS, SupervisedSource, UnsupervisedSource
from listener.types import Outage

GONE = SourceError("unplugged")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every wait between two openings, in s; none of them is waited."""
    slept: list[float] = []
    really = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await really(0)

    monkeypatch.setattr(supervisor.asyncio, "sleep", sleep)
    return slept


async def told(supervised: SupervisedSource, first_index: int = 0) -> list[int | str]:
    """The chunks' indices, and the outages in words."""
    items = [item async for item in supervised.items(first_index)]
    assert [item.final for item in items if isinstance(item, Outage)].count(True) == 1
    return [item.detail if isinstance(item, Outage) else item.index for item in items]


async def test_the_end_of_the_sound_is_a_final_outage_and_no_error() -> None:
    source = FakeSource([3])
    assert await told(SupervisedSource(source), 7) == [7, 8, 9, "fake microphone has ended"]
    assert (source.opened, source.closed) == (1, 1)


async def test_what_fails_is_told_and_opened_again_where_it_broke_off(waits: list[float]) -> None:
    source = FakeSource([2, GONE], [SourceError("not there")], [1])
    supervised = SupervisedSource(source)
    assert await told(supervised) == [0, 1, "unplugged", "not there", 2, "fake microphone has ended"]
    assert supervised.reopened == 2
    assert source.opened == source.closed == 3


async def test_patience_doubles_to_eight_seconds(waits: list[float]) -> None:
    await told(SupervisedSource(FakeSource(*[[GONE]] * 9, [])))
    assert waits == [0.5, 1, 2, 4, 8, 8, 8, 8, 8]


async def test_patience_begins_anew_after_ten_seconds_of_sound(waits: list[float]) -> None:
    unhealthy, healthy = [HEALTHY_CHUNKS - 1, GONE], [HEALTHY_CHUNKS, GONE]
    await told(SupervisedSource(FakeSource([GONE], unhealthy, unhealthy, healthy, [GONE], [])))
    assert waits == [0.5, 1, 2, 0.5, 1]


async def test_a_live_source_that_falls_silent_is_closed_and_opened_again(waits: list[float]) -> None:
    source = FakeSource([1, FakeSource.HANG], [1])
    told_ = await told(SupervisedSource(source, no_audio_seconds=0.01))
    assert told_[0::2] == [0, 1]
    assert str(told_[1]).startswith("fake microphone has delivered nothing for 0.01 s and is opened again")
    assert source.opened == source.closed == 2


async def test_a_recording_may_take_its_time() -> None:
    async with aclosing(
        cast(Any, SupervisedSource(FakeSource([FakeSource.HANG], live=False), 0.001).items(0))
    ) as items:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(items)


async def test_closing_in_the_middle_closes_the_source() -> None:
    source = FakeSource([5])
    async with aclosing(cast(Any, SupervisedSource(source).items(0))) as items:
        await anext(items)
        assert source.closed == 0
    assert source.closed == 1


async def test_being_cancelled_while_the_source_is_silent_closes_it() -> None:
    source = FakeSource([1, FakeSource.HANG])
    items = cast(Any, SupervisedSource(source).items(0))
    await anext(items)
    waiting = asyncio.create_task(items.__anext__())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert source.closed == 1


async def test_a_fault_of_ours_is_not_taken_for_an_outage() -> None:
    with pytest.raises(ZeroDivisionError):
        await told(SupervisedSource(FakeSource([1, ZeroDivisionError()])))


async def test_unsupervised_means_opened_once_and_raised() -> None:
    source = FakeSource([2, GONE], [1])
    items = cast(Any, UnsupervisedSource(source).items(4))
    assert [(await anext(items)).index for _ in range(2)] == [4, 5]
    with pytest.raises(SourceError, match="unplugged"):
        await anext(items)
    assert source.opened == source.closed == 1
