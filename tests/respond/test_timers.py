"""Timers: what runs, what is paused, what rings, and what stays on disk."""

import logging
from collections.abc import Awaitable, Callable

import pytest
from alarm_clock import FakeAlarm, FakeTimerStore

from listener.errors import StoreError
from listener.respond.timers import MAX_SECONDS, TimerQuery, Timers
from listener.types import Timer


class House:
    def __init__(self, *kept: Timer) -> None:
        self.alarm = FakeAlarm()
        self.store = FakeTimerStore(*kept)
        self.rung: list[tuple[str, float]] = []
        self.said: list[Callable[[], Awaitable[None]]] = []
        self.timers = Timers(self.store, self.alarm, self.ring, lambda: self.alarm.now)

    async def ring(self, timer: Timer, late_seconds: float, said: Callable[[], Awaitable[None]]) -> None:
        self.rung.append((timer.id, late_seconds))
        self.said.append(said)

    def left(self) -> list[float]:
        return [timer.remaining(self.alarm.now) for timer in self.timers.running()]

    @property
    def only(self) -> Timer:
        (timer,) = self.timers.running()
        return timer


async def test_a_timer_is_on_disk_until_its_ring_has_been_said() -> None:
    house = House()
    assert await house.timers.add("1", "kitchen", "timer", "pasta", 540)
    assert set(house.store.timers) == {"1"}
    await house.alarm.pass_seconds(539)
    assert house.rung == []
    await house.alarm.pass_seconds(1)
    assert house.rung == [("1", 0.0)]
    assert house.timers.running() == []
    assert set(house.store.timers) == {"1"}
    await house.said[0]()
    assert house.store.timers == {}


async def test_after_a_restart_what_is_due_rings_and_the_rest_goes_on() -> None:
    now = FakeAlarm().now
    late = Timer("late", "kitchen", "timer", "", 60, now - 90)
    soon = Timer("soon", "kitchen", "timer", "", 60, now + 30)
    paused = Timer("paused", "kitchen", "timer", "", 60, None, 45.0)
    house = House(late, soon, paused)
    await house.timers.start()
    await house.alarm.pass_seconds(0)
    assert house.rung == [("late", 90.0)]
    await house.said[0]()
    assert [timer.id for timer in house.timers.running()] == ["soon", "paused"]
    await house.alarm.pass_seconds(1_000)
    assert [timer_id for timer_id, _ in house.rung] == ["late", "soon"]


async def test_pause_and_resume() -> None:
    house = House()
    await house.timers.add("1", "kitchen", "timer", "", 60)
    await house.alarm.pass_seconds(20)
    await house.timers.pause(house.only)
    await house.alarm.pass_seconds(1_000)
    assert house.left() == [40.0]
    assert house.store.timers["1"].due is None
    await house.timers.pause(house.only)
    await house.timers.resume(house.only)
    await house.timers.resume(house.only)
    assert house.left() == [40.0]
    await house.alarm.pass_seconds(40)
    assert house.rung == [("1", 0.0)]


@pytest.mark.parametrize(("change", "left"), [(60, 120), (-30, 30), (-90, 0), (1e9, MAX_SECONDS)])
@pytest.mark.parametrize("paused", [False, True])
async def test_time_is_added_and_taken_away(change: float, left: float, paused: bool) -> None:
    house = House()
    await house.timers.add("1", "kitchen", "timer", "", 60)
    if paused:
        await house.timers.pause(house.only)
    await house.timers.extend(house.only, change)
    assert house.left() == [left]
    await house.alarm.pass_seconds(left)
    assert house.rung == ([] if paused else [("1", 0.0)])


async def test_a_cancelled_timer_never_rings() -> None:
    house = House()
    await house.timers.add("1", "kitchen", "timer", "", 60)
    await house.timers.cancel(house.only)
    await house.alarm.pass_seconds(100)
    await house.timers._due("1")  # it was ringing at the very moment
    assert (house.rung, house.store.timers) == ([], {})


async def test_a_ring_that_is_not_said_is_offered_again_until_it_is() -> None:
    house = House()
    await house.timers.add("1", "kitchen", "timer", "", 60)
    await house.alarm.pass_seconds(60)
    await house.alarm.pass_seconds(59)
    assert house.rung == [("1", 0.0)]
    await house.alarm.pass_seconds(1)
    assert house.rung == [("1", 0.0), ("1", 60.0)]
    await house.said[0]()
    await house.alarm.pass_seconds(1_000)
    assert len(house.rung) == 2


async def test_which_timer_is_meant() -> None:
    house = House()
    for timer_id, room, name, seconds in (
        ("a", "kitchen", "Pasta", 540),
        ("b", "kitchen", "", 300),
        ("c", "hall", "laundry", 3_600),
    ):
        await house.timers.add(timer_id, room, "timer", name, seconds)

    def found(room: str, name: str = "", seconds: float = 0.0) -> list[str]:
        return [timer.id for timer in house.timers.find(room, TimerQuery(name, seconds))]

    assert found("kitchen") == ["b", "a"]
    assert found("hall") == ["c"]
    assert found("bath") == ["b", "a", "c"]
    assert found("hall", "pasta") == ["a"]
    assert found("kitchen", seconds=300) == ["b"]
    assert found("kitchen", "egg") == []


async def test_nine_minutes_are_nine_minutes_though_the_clock_is_set() -> None:
    kept = Timer("kept", "kitchen", "timer", "", 600, FakeAlarm().now + 600)
    house = House(kept)
    await house.timers.start()
    await house.timers.add("new", "kitchen", "timer", "", 540)
    house.alarm.now += 1e6
    await house.timers.clock_set(1e6)
    await house.alarm.pass_seconds(0)
    assert [timer_id for timer_id, _ in house.rung] == ["kept"]
    assert house.left() == [540.0]
    assert house.store.timers["new"].due == house.alarm.now + 540


async def test_without_a_disk_timers_ring_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.store.fault = StoreError("/var/timers: timers cannot be kept: disk is full")
    with caplog.at_level(logging.ERROR):
        await house.timers.start()
        assert not await house.timers.add("1", "kitchen", "timer", "", 60)
        await house.alarm.pass_seconds(60)
        await house.said[0]()
    assert house.rung == [("1", 0.0)]
    assert house.timers.unsaved == 2
    assert "disk is full. Timers from before the start are not known" in caplog.text
    assert "disk is full (2 so far). Timers set now are lost with a restart; make room" in caplog.text
