"""The spare engine takes over within the chunk in which the big one failed."""

import asyncio
import itertools
from collections.abc import Iterator
from time import monotonic_ns

import numpy as np
import pytest
from fakes import RecordingPublisher

from listener.decide import fallback
from listener.decide.cascade import Cascade
from listener.decide.fallback import Fallback, FallbackSession
from listener.decide.grouping import SoundGroups
from listener.errors import EngineError
from listener.publish.teller import RoomTeller
from listener.types import CHUNK_SAMPLES, Chunk, Control, Episode, Outcome, Percept, RoomSettings, SetThreshold


class FakeSession:
    """Fails on the given chunks, hangs on others, and is silent otherwise."""

    def __init__(self, fails: set[int], hangs: set[int]) -> None:
        self._fails, self._hangs = fails, hangs
        self.heard: list[int] = []
        self.controls: list[Control] = []
        self.closed = False

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        self.heard.append(chunk.index)
        if chunk.index in self._hangs:
            await asyncio.Event().wait()
        if chunk.index in self._fails:
            raise EngineError("CUDA is gone")
        return Outcome("silent", 0.125)

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

    def __init__(self, fails: Iterator[int] | set[int] = frozenset(), hangs: set[int] = frozenset(), places: int = 1):
        self.session = FakeSession(set(fails), set(hangs))
        self._places = places

    async def open(self, room: str, language: str, settings: RoomSettings) -> FakeSession:
        if not self._places:
            raise EngineError("no place for another room")
        return self.session

    async def close(self) -> None:
        self._places = 0


def chunk(index: int, live: bool = False) -> Chunk:
    return Chunk(np.zeros(CHUNK_SAMPLES, np.float32), index, monotonic_ns=monotonic_ns() if live else None)


def alarm(index: int) -> Percept:
    return Percept(0.4 * index, -20.0, started=(Episode("e", "smoke_alarm", 1.0, 0.0, by_pattern=True),))


async def opened(big: FakeEngine) -> FallbackSession:
    numbers = itertools.count()
    engine = Fallback(big, Cascade(["smoke_alarm"], {}, lambda: f"id {next(numbers)}"))
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


async def test_an_engine_that_keeps_failing_is_left_alone_and_tried_again() -> None:
    big = FakeEngine(fails=set(range(3)))
    session = await opened(big)
    outcomes = [await session.step(chunk(k), Percept(0.4 * k, -60.0)) for k in range(90)]
    assert big.session.heard == [0, 1, 2, *range(78, 90)]
    assert [bool(o.flags) for o in outcomes] == [True] * 78 + [False] * 12


async def test_an_engine_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "LATE_SECONDS", 0.0)
    session = await opened(FakeEngine(hangs={0}))
    assert (await session.step(chunk(0, live=True), alarm(0))).decision == "respond"


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
