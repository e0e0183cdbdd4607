"""The spare engine takes over within the chunk in which the big one failed."""

import asyncio
import itertools
from collections.abc import Iterable
from time import monotonic_ns

import numpy as np
import pytest
from fakes import RecordingPublisher

from listener.decide import fallback
from listener.decide.cascade import Cascade
from listener.decide.fallback import Fallback, FallbackSession
from listener.decide.grouping import SoundGroups
from listener.decide.keeper import Keeper
from listener.errors import EngineError, ModelError
from listener.publish.teller import RoomTeller
from listener.types import CHUNK_SAMPLES, Chunk, Control, Episode, Outcome, Percept, RoomSettings, SetMode, SetThreshold


class FakeSession:
    """Fails on the given chunks, hangs on others, and is silent otherwise."""

    def __init__(self, fails: set[int], hangs: set[int], blunders: set[int], probability: float) -> None:
        self._fails, self._hangs, self._blunders, self._probability = fails, hangs, blunders, probability
        self.heard: list[int] = []
        self.controls: list[Control] = []
        self.closed = False

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        self.heard.append(chunk.index)
        if chunk.index in self._hangs:
            await asyncio.Event().wait()
        if chunk.index in self._fails:
            raise EngineError("CUDA is gone")
        if chunk.index in self._blunders:
            raise ZeroDivisionError("oops")
        return Outcome("silent", self._probability)

    def apply(self, control: Control) -> None:
        self.controls.append(control)
        if isinstance(control, SetThreshold) and control.threshold == 0.0:
            raise EngineError("CUDA is gone")

    def interrupt(self) -> None:
        self.controls.clear()

    async def close(self) -> None:
        self.closed = True


class FakeEngine:
    name = "big"

    def __init__(
        self,
        fails: Iterable[int] = (),
        hangs: Iterable[int] = (),
        places: int = 1,
        blunders: Iterable[int] = (),
        probability: float = 0.125,
    ) -> None:
        self.session = FakeSession(set(fails), set(hangs), set(blunders), probability)
        self.settings: list[RoomSettings] = []
        self.closed = False
        self._places = places

    async def open(self, room: str, language: str, settings: RoomSettings) -> FakeSession:
        if not self._places:
            raise EngineError("no place for another room")
        self.settings.append(settings)
        return self.session

    async def close(self) -> None:
        self.closed = True


def chunk(index: int, live: bool = False) -> Chunk:
    return Chunk(np.zeros(CHUNK_SAMPLES, np.float32), index, monotonic_ns=monotonic_ns() if live else None)


def alarm(index: int) -> Percept:
    return Percept(0.4 * index, -20.0, started=(Episode("e", "smoke_alarm", 1.0, 0.0, by_pattern=True),))


class Stopped:
    """A clock for the keeper: whoever sleeps does so until `event` is set."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def sleep(self, _seconds: float) -> None:
        await self.event.wait()


async def fallback_of(*engines: FakeEngine | Exception, clock: Stopped | None = None) -> Fallback:
    numbers, script = itertools.count(), list(engines)

    async def build() -> FakeEngine:
        found = script.pop(0) if script else EngineError("no engine is left")
        if isinstance(found, Exception):
            raise found
        return found

    keeper = Keeper("big", build, sleep=(clock or Stopped()).sleep)
    await keeper.start()
    return Fallback(keeper, Cascade(["smoke_alarm"], {}, lambda: f"id {next(numbers)}"))


async def opened(*engines: FakeEngine | Exception, clock: Stopped | None = None) -> FallbackSession:
    engine = await fallback_of(*engines, clock=clock)
    assert engine.name == "big"
    return await engine.open("kitchen", "en", RoomSettings())


async def test_the_spare_answers_in_the_very_chunk_that_failed() -> None:
    session = await opened(FakeEngine(fails={1}))
    assert (await session.step(chunk(0), Percept(0.4, -60.0))).engine is None
    outcome = await session.step(chunk(1), alarm(1))
    assert outcome.decision == "respond"
    assert outcome.reply is not None
    assert (outcome.engine, outcome.flags) == ("cascade", {"degraded"})
    assert (await session.step(chunk(2), Percept(1.2, -60.0))).flags == frozenset()


BROKEN = [
    FakeEngine(fails=range(100)),
    FakeEngine(blunders=range(100)),
    FakeEngine(probability=float("nan")),
]


@pytest.mark.parametrize("big", BROKEN, ids=["it raises", "a fault of ours", "not a number"])
async def test_an_engine_that_keeps_failing_is_left_alone_until_there_is_another(big: FakeEngine) -> None:
    clock, other = Stopped(), FakeEngine()
    session = await opened(big, other, clock=clock)
    outcomes = [await session.step(chunk(k), Percept(0.4 * k, -60.0)) for k in range(10)]
    assert big.session.heard == [0, 1, 2]
    assert {o.engine for o in outcomes} == {"cascade"}
    assert {o.flags for o in outcomes} == {frozenset({"degraded"})}
    session.apply(SetThreshold(0.75))
    session.apply(SetMode("monitor"))
    clock.event.set()
    index = 10
    while other.session.heard == [] and index < 50:
        await asyncio.sleep(0)
        outcome = await session.step(chunk(index), Percept(0.4 * index, -60.0))
        index += 1
    assert big.closed
    assert (outcome.engine, outcome.flags) == (None, frozenset())
    assert other.settings == [RoomSettings(threshold=0.75, mode="monitor")]


async def test_an_engine_that_hangs_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    big = FakeEngine(hangs={0})
    session = await opened(big)
    monkeypatch.setattr(fallback, "LATE_SECONDS", 0.0)
    assert (await session.step(chunk(0, live=True), alarm(0))).decision == "respond"
    assert (await session.step(chunk(1, live=True), Percept(0.8, -60.0))).flags == {"degraded"}
    assert big.session.heard == [0]


async def test_an_engine_that_was_never_there_is_joined_when_it_comes() -> None:
    clock, late = Stopped(), FakeEngine()
    session = await opened(ModelError("no such folder"), late, clock=clock)
    assert (await session.step(chunk(0), alarm(0))).engine == "cascade"
    clock.event.set()
    for k in range(1, 20):
        await asyncio.sleep(0)
        outcome = await session.step(chunk(k), Percept(0.4 * k, -60.0))
    assert outcome.engine is None
    assert late.session.heard[-1] == 19


async def test_one_rooms_trouble_moves_all_rooms_to_the_spare_until_there_is_another() -> None:
    engine = await fallback_of(FakeEngine(fails=range(3)))
    kitchen, hall = [await engine.open(room, "en", RoomSettings()) for room in ("kitchen", "hall")]
    assert (await hall.step(chunk(5), Percept(2.0, -60.0))).engine is None
    for k in range(3):
        await kitchen.step(chunk(k), Percept(0.4 * k, -60.0))
    assert (await hall.step(chunk(6), Percept(2.4, -60.0))).engine == "cascade"
    await engine.close()


async def test_a_room_without_a_place_is_admitted_with_the_spare_alone() -> None:
    session = await opened(FakeEngine(places=0))
    assert (await session.step(chunk(0), alarm(0))).engine == "cascade"
    session.interrupt()
    session.apply(SetThreshold(0.5))
    await session.close()


async def test_controls_and_the_end_reach_both() -> None:
    big = FakeEngine()
    session = await opened(big)
    session.apply(SetThreshold(0.7))
    assert big.session.controls == [SetThreshold(0.7)]
    session.apply(SetThreshold(0.0))  # the big one fails on it: that is logged
    session.interrupt()
    assert big.session.controls == []
    await session.close()
    assert big.session.closed


async def test_the_status_says_degraded_and_the_decision_names_who_made_it() -> None:
    told = RecordingPublisher()
    teller = RoomTeller("kitchen", "big", [told], SoundGroups(lambda: "g").group_of)
    session = await opened(FakeEngine(fails={1}))
    for k in range(3):
        heard = chunk(k)
        teller.at(heard)
        percept = Percept(heard.t, -60.0)
        teller.heard(percept, await session.step(heard, percept))
    assert [e.engine for e in told.events if e.event == "decision"] == ["big", "cascade", "big"]  # type: ignore[attr-defined]
    assert [e.flags for e in told.events if e.event == "status"] == [(), ("degraded",), ()]  # type: ignore[attr-defined]
