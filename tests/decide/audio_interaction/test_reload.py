"""The real engine, lost and built again behind the cascade: what hangs, what dies, what is out of memory."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from listener.decide import fallback
from listener.decide.audio_interaction.engine import AudioInteraction, build_engine
from listener.decide.audio_interaction.model import Model
from listener.decide.audio_interaction.scheduler import Scheduler
from listener.decide.audio_interaction.stream import Limits
from listener.decide.cascade import Cascade
from listener.decide.fallback import Fallback
from listener.decide.keeper import Keeper
from listener.types import CHUNK_SAMPLES, Chunk, Episode, Outcome, Percept, RoomSettings, Session

LIMITS = Limits(window=420, reply_tokens=6, transcript_tokens=6)


class Bench:
    """Builds the engine as often as it is asked to, and keeps what it built."""

    def __init__(self, checkpoint: Path, limits: Limits = LIMITS) -> None:
        self._checkpoint, self._limits = checkpoint, limits
        self.built: list[AudioInteraction] = []

    async def build(self) -> AudioInteraction:
        engine = await asyncio.to_thread(
            lambda: build_engine(self._checkpoint, "cpu", "float32", str, greedy=True, limits=self._limits, threads=1)
        )
        self.built.append(engine)
        return engine

    async def fallback(self) -> Fallback:
        keeper = Keeper("audio-interaction", self.build, sleep=lambda _seconds: asyncio.sleep(0))
        await keeper.start()
        return Fallback(keeper, Cascade(["smoke_alarm"], {}, lambda: "id"))


async def hear(session: Session, index: int, *episodes: Episode, live: bool = False) -> Outcome:
    samples = (np.random.default_rng(index).standard_normal(CHUNK_SAMPLES) * 0.1).astype(np.float32)
    chunk = Chunk(samples, index, monotonic_ns=400_000_000 * index if live else None)
    return await session.step(chunk, Percept(chunk.t, -40.0, started=episodes))


async def until_it_decides(session: Session, index: int) -> int:
    while (await hear(session, index)).engine is not None:
        index += 1
        await asyncio.sleep(0.001)
    return index


ALARM = Episode("e", "smoke_alarm", 1.0, 0.0, by_pattern=True)


async def test_a_worker_that_dies_is_replaced_and_the_cascade_answers_meanwhile(checkpoint: Path) -> None:
    def blunder(_: Scheduler) -> None:
        raise ZeroDivisionError("oops")

    bench = Bench(checkpoint)
    engine = await bench.fallback()
    session = await engine.open("kitchen", "en", RoomSettings(threshold=1.0))
    assert (await hear(session, 0)).engine is None
    bench.built[0]._worker.tell(blunder)
    outcome = await hear(session, 1, ALARM)
    assert (outcome.engine, outcome.decision, outcome.flags) == ("cascade", "respond", {"degraded"})
    await until_it_decides(session, 2)
    assert len(bench.built) == 2
    await engine.close()


async def test_an_engine_without_memory_is_replaced(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(checkpoint)
    engine = await bench.fallback()
    session = await engine.open("kitchen", "en", RoomSettings(threshold=1.0))
    before = Model._pass

    def full(*_: object) -> list[torch.Tensor]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr(Model, "_pass", full)
    outcomes = [await hear(session, k) for k in range(3)]
    assert {o.engine for o in outcomes} == {"cascade"}
    monkeypatch.setattr(Model, "_pass", before)
    await until_it_decides(session, 3)
    assert len(bench.built) == 2
    await engine.close()


async def test_nan_logits_lead_to_another_engine(checkpoint: Path) -> None:
    bench = Bench(checkpoint)
    engine = await bench.fallback()
    session = await engine.open("kitchen", "en", RoomSettings(threshold=1.0))
    bench.built[0]._worker.ask(lambda s: s._model.loaded.language_model.lm_head.weight.data.fill_(float("nan"))).result(
        10
    )
    outcomes = [await hear(session, k) for k in range(3)]
    assert {o.engine for o in outcomes} == {"cascade"}
    await until_it_decides(session, 3)
    assert len(bench.built) == 2
    await engine.close()


async def test_a_reply_of_an_engine_that_is_lost_ends(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread hangs in the middle of it; nobody may wait for the rest for ever."""
    go_on = threading.Event()
    bench = Bench(checkpoint, Limits(window=900, reply_tokens=400))
    engine = await bench.fallback()
    session = await engine.open("kitchen", "en", RoomSettings(threshold=0.0))
    index, reply = 0, None
    while reply is None:
        reply = (await hear(session, index, live=True)).reply
        index += 1
    bench.built[0]._worker.tell(lambda _: go_on.wait(60))
    monkeypatch.setattr(fallback, "LATE_SECONDS", 0.05)
    outcome = await hear(session, index, live=True)
    assert outcome.engine == "cascade"
    monkeypatch.undo()
    async with asyncio.timeout(30):
        [piece async for piece in reply.pieces]
    assert reply.reason() == "interrupted"
    go_on.set()
    await engine.close()
    for built in bench.built:
        await built.close()
