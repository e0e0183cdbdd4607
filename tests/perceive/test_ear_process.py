"""Perception in a process of its own: the same percepts, and what happens when the process dies or hangs."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ears import MODEL, needs_model

from listener.config import SoundsConfig
from listener.errors import ModelError, PerceiveError
from listener.perceive.ears import EarPlan, RoomPlan
from listener.perceive.process import client
from listener.perceive.process.child import Rooms
from listener.perceive.process.client import EarProcess, RemotePerceiver
from listener.perceive.process.wire import Kind, Request
from listener.perceive.sounds.yamnet import YamnetTagger
from listener.types import CHUNK_SAMPLES, Chunk, Percept, SetStrictness, Test
from listener.vocabulary import URGENT_LABELS

PLAN = EarPlan(SoundsConfig(), URGENT_LABELS, None)


def chunks(seconds: float, seed: int) -> list[Chunk]:
    rng = np.random.default_rng(seed)
    noise = (0.05 * rng.standard_normal((round(seconds / 0.4), CHUNK_SAMPLES))).astype(np.float32)
    return [Chunk(samples, index) for index, samples in enumerate(noise)]


@pytest.fixture
async def ear() -> AsyncIterator[EarProcess]:
    async with EarProcess(PLAN, "ear 1 of 1") as process:
        yield process


@needs_model
async def test_percepts_are_those_of_the_same_room_in_this_process() -> None:
    plan = EarPlan(SoundsConfig(), URGENT_LABELS, MODEL)
    here = plan.load()
    tagger, rooms = here.senses().tagger, [here.room(RoomPlan(f"r{n}")) for n in range(3)]
    async with EarProcess(plan, "ear") as process:
        remote = [RemotePerceiver(process, RoomPlan(f"r{n}")) for n in range(3)]
        for together in zip(*(chunks(4.0, seed) for seed in range(3)), strict=True):
            found = await asyncio.gather(*(r.perceive(c) for r, c in zip(remote, together, strict=True)))
            expected = [room.perceive(c, tagger) for room, c in zip(rooms, together, strict=True)]
            assert list(found) == expected


async def test_rooms_are_heard_together_by_a_process_that_says_that_it_is_busy(ear: EarProcess) -> None:
    """Chunks that come late say so; before that the first is sent at once, and the others when it is done."""
    rooms = [RemotePerceiver(ear, RoomPlan(f"r{n}")) for n in range(4)]
    stale = time.monotonic_ns() - 60 * 10**9

    async def sent_for(index: int) -> int:
        before = ear.sent
        late = Chunk(np.zeros(CHUNK_SAMPLES, np.float32), index, monotonic_ns=stale)
        assert [p.t for p in await asyncio.gather(*(room.perceive(late) for room in rooms))] == [late.t] * 4
        return ear.sent - before

    await asyncio.gather(*(room.perceive(Chunk(np.zeros(CHUNK_SAMPLES, np.float32), 0)) for room in rooms))
    assert [await sent_for(index) for index in (1, 2, 3)] == [2, 1, 1]


async def test_controls_and_the_end_of_a_room_reach_the_process(ear: EarProcess) -> None:
    room = RemotePerceiver(ear, RoomPlan("kitchen"))
    room.apply(Test("smoke_alarm"))
    first, *_ = chunks(0.4, 0)
    (episode,) = (await room.perceive(first)).started
    assert (episode.label, episode.test) == ("smoke_alarm", True)
    (ended,) = (await room.finish(0.8)).ended
    assert (ended.id, ended.duration) == (episode.id, 0.8)
    assert (await room.finish(0.8)).ended == ()


async def test_what_does_not_exist_is_refused_and_hearing_goes_on(
    ear: EarProcess, caplog: pytest.LogCaptureFixture
) -> None:
    room = RemotePerceiver(ear, RoomPlan("kitchen"))
    with pytest.raises(PerceiveError, match="nonsense"):
        room.apply(SetStrictness("nonsense"))
    room.apply(Test("humming"))
    (chunk,) = chunks(0.4, 0)
    assert (await room.perceive(chunk)).t == 0.4
    assert "kitchen: no sound is called 'humming'" in caplog.text


async def test_a_process_that_dies_is_started_again_and_what_it_heard_ends(ear: EarProcess) -> None:
    room = RemotePerceiver(ear, RoomPlan("kitchen"))
    room.apply(Test("smoke_alarm"))
    heard = chunks(60.0, 1)
    (episode,) = (await room.perceive(heard[0])).started
    assert ear.pid is not None
    os.kill(ear.pid, signal.SIGKILL)
    percept = await first_percept(room, heard[1:])
    assert [(e.id, e.label) for e in percept.ended] == [(episode.id, "smoke_alarm")]
    assert ear.generation == 2


async def test_a_process_that_hangs_is_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    async with EarProcess(PLAN, "ear") as process:
        room = RemotePerceiver(process, RoomPlan("kitchen"))
        heard = chunks(60.0, 2)
        await room.perceive(heard[0])
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(PerceiveError, match="started again"):
            await room.perceive(heard[1])
        assert (await first_percept(room, heard[2:])).ended == ()


async def test_a_process_that_answers_nonsense_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(client, "MODULE", "nonsense_ear")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        process = await EarProcess(PLAN, "ear").__aenter__()
    room = RemotePerceiver(process, RoomPlan("kitchen"))
    heard = chunks(60.0, 3)
    with pytest.raises(PerceiveError, match="started again"):
        await room.perceive(heard[0])
    assert (await first_percept(room, heard[1:])).ended == ()
    assert "ear answers nonsense" in caplog.text
    await process.__aexit__()


async def first_percept(room: RemotePerceiver, heard: list[Chunk]) -> Percept:
    """The first that comes when the process hears again; until then every chunk says that it does not."""
    async with asyncio.timeout(30):
        for chunk in heard:
            try:
                return await room.perceive(chunk)
            except PerceiveError:
                await asyncio.sleep(0.1)
    raise AssertionError("the process did not come back")


async def test_a_model_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "yamnet.tflite").write_bytes(b"no model")
    plan = EarPlan(SoundsConfig(), URGENT_LABELS, tmp_path / "yamnet.tflite")
    with pytest.raises(ModelError, match=r"yamnet\.tflite"):
        async with EarProcess(plan, "ear"):
            pass


async def test_nothing_is_left_behind() -> None:
    async with EarProcess(PLAN, "ear") as process:
        pid = process.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@needs_model
async def test_a_recording_is_never_spared() -> None:
    """Nor said to be too much: the same chunks with a time of their own are."""
    plan = EarPlan(SoundsConfig(), URGENT_LABELS, MODEL)
    rooms = Rooms(plan.load())
    rooms.answer(Request(Kind.OPEN, 1, 0, RoomPlan("r")))
    tagger = rooms._senses.tagger
    assert isinstance(tagger, YamnetTagger)

    def runs_for(live: bool) -> int:
        before = tagger.runs
        for n, chunk in enumerate(chunks(8.0, 1)):
            heard = replace(chunk, samples=chunk.samples / 50, index=n, monotonic_ns=n if live else None)
            assert list(rooms.hear([Request(Kind.HEAR, 1, n, heard)], spare=True))
        return tagger.runs - before

    assert runs_for(live=False) == 20
    assert runs_for(live=True) < 20


async def test_a_room_that_is_gone_is_forgotten_by_its_process(ear: EarProcess) -> None:
    stays, goes = RemotePerceiver(ear, RoomPlan("stays")), RemotePerceiver(ear, RoomPlan("goes"))
    for room in (stays, goes):
        await room.perceive(Chunk(np.zeros(CHUNK_SAMPLES, np.float32), 0))
    number = goes._room
    del goes, room
    gc.collect()
    assert ear.rooms == 1
    assert (await stays.perceive(Chunk(np.zeros(CHUNK_SAMPLES, np.float32), 1))).t == 0.8
    with pytest.raises(PerceiveError):
        await ear.ask(Kind.FINISH, number, 0.8)


async def test_what_a_dead_process_was_hearing_ends_even_if_the_next_one_fails_at_once(ear: EarProcess) -> None:
    room = RemotePerceiver(ear, RoomPlan("kitchen"))
    room.apply(Test("smoke_alarm"))
    first, second, third = chunks(1.2, 0)
    ((started,), *_) = ((await room.perceive(first)).started,)
    assert ear.pid is not None
    os.kill(ear.pid, signal.SIGKILL)
    while ear.generation != 0:
        await asyncio.sleep(0.01)
    while ear.generation == 0:
        await asyncio.sleep(0.01)
    broken = replace(second, samples=second.samples[:7])
    with pytest.raises(PerceiveError):
        await room.perceive(broken)
    (ended,) = (await room.perceive(third)).ended
    assert ended.id == started.id
