"""The engine from the event loop: the protocols of `listener.types`, with the real worker and a tiny checkpoint."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from listener.decide.audio_interaction.engine import AudioInteraction, build_engine
from listener.decide.audio_interaction.load import load
from listener.decide.audio_interaction.modes import system_prompt
from listener.decide.audio_interaction.session import RecentSounds, ReplyText, trigger_of
from listener.decide.audio_interaction.stream import Limits
from listener.decide.audio_interaction.tokens import online_prefix
from listener.errors import EngineError, ModelError
from listener.types import (
    CHUNK_SAMPLES,
    Chunk,
    Engine,
    Episode,
    Outcome,
    Percept,
    RoomSettings,
    Session,
    SetMode,
    SetThreshold,
    SpeechPercept,
    Spoken,
)

LIMITS = Limits(window=420, reply_tokens=6)


@asynccontextmanager
async def engine(checkpoint: Path, **options: Any) -> AsyncIterator[AudioInteraction]:
    numbers = itertools.count()
    options = {"limits": LIMITS, "greedy": True, "threads": 1, **options}
    built = await asyncio.to_thread(
        lambda: build_engine(checkpoint, "cpu", "float32", lambda: f"id {next(numbers)}", **options)
    )
    try:
        yield built
    finally:
        await built.close()


def chunk(index: int, seed: int = 0) -> Chunk:
    rng = np.random.default_rng(1000 * seed + index)
    return Chunk((rng.standard_normal(CHUNK_SAMPLES) * 10 ** rng.uniform(-3, -0.5)).astype(np.float32), index)


async def hear(session: Session, index: int, seed: int = 0, *episodes: Episode) -> Outcome:
    heard = chunk(index, seed)
    return await session.step(heard, Percept(heard.t, -40.0, started=episodes))


async def said(outcome: Outcome) -> str:
    assert outcome.reply is not None
    return "".join([piece async for piece in outcome.reply.pieces])


async def test_every_chunk_gets_a_decision_and_a_reply_its_text(checkpoint: Path) -> None:
    async with engine(checkpoint) as built:
        as_engine: Engine = built
        assert as_engine.name == "audio-interaction"
        session = await built.open("kitchen", "en", RoomSettings(threshold=1.0))
        silent = [await hear(session, k) for k in range(5)]
        assert {o.decision for o in silent} == {"silent"}
        assert all(0.0 <= o.probability < 1.0 and o.reply is None for o in silent)
        session.apply(SetThreshold(0.0))
        replies = []
        for k in range(5, 10):
            outcome = await hear(session, k)
            assert outcome.decision == "respond"
            if outcome.reply:
                assert await said(outcome)
                replies.append(outcome.reply)
        assert replies
        assert all(r.trigger == "model" and r.sounds == () and r.utterance is None for r in replies)
        assert len({r.id for r in replies}) == len(replies)


async def test_greedy_is_the_same_again(checkpoint: Path) -> None:
    async def heard() -> list[object]:
        async with engine(checkpoint) as built:
            session = await built.open("kitchen", "en", RoomSettings(threshold=0.3))
            events: list[object] = []
            for k in range(30):
                outcome = await hear(session, k)
                events.append((outcome.decision, outcome.probability))
                if outcome.reply:
                    events.append((await said(outcome), outcome.reply.reason(), outcome.reply.emotion))
            assert session.stream.rolled > 0
            return events

    assert await heard() == await heard()


async def test_a_reply_names_the_sounds_that_led_to_it(checkpoint: Path) -> None:
    episode = Episode("e1", "glass_break", 0.9, 0.0)
    async with engine(checkpoint) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=0.0))
        outcomes = [await hear(session, k, 0, *([episode] if k == 0 else [])) for k in range(6)]
        reply = next(o.reply for o in outcomes if o.reply)
        assert reply.sounds == ("e1",)
        assert reply.trigger == "sound"


async def test_while_it_speaks_chunks_are_answered_at_once_and_none_is_lost(checkpoint: Path) -> None:
    async with engine(checkpoint, limits=Limits(window=900, reply_tokens=60)) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=0.0))
        outcomes = [await hear(session, k) for k in range(12)]  # nobody reads the replies
        assert any(o.decision == "silent" for o in outcomes)
        session.apply(SetThreshold(1.0))
        session.interrupt()
        for k in range(12, 16):
            await hear(session, k)
        stream = session.stream
        while stream.heard_chunks + len(stream.waiting) < 16:
            await asyncio.sleep(0)
        assert stream.lost_chunks == 0


async def test_an_interruption_ends_the_pieces_and_gives_the_reason(checkpoint: Path) -> None:
    async with engine(checkpoint, limits=Limits(window=1500, reply_tokens=300)) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=0.0))
        reply = None
        index = itertools.count()
        while reply is None:
            reply = (await hear(session, next(index))).reply
        session.interrupt()
        assert [piece async for piece in reply.pieces] == []
        assert reply.reason() == "interrupted"
        session.apply(SetThreshold(1.0))
        while session.stream.speech:
            await asyncio.sleep(0)
        assert (await hear(session, next(index))).decision == "silent"


async def test_places_are_bounded_and_a_closed_session_gives_its_own_back(checkpoint: Path) -> None:
    async with engine(checkpoint, max_rooms=1) as built:
        session = await built.open("kitchen", "en", RoomSettings())
        with pytest.raises(EngineError, match="hall: no place for another room"):
            await built.open("hall", "en", RoomSettings())
        await session.close()
        assert await hear(await built.open("hall", "en", RoomSettings()), 0)


async def test_a_chunk_that_cannot_be_heard_raises_and_the_next_is_heard(checkpoint: Path) -> None:
    async with engine(checkpoint) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=1.0))
        with pytest.raises(EngineError, match="kitchen: samples that are NaN"):
            await session.step(Chunk(np.full(CHUNK_SAMPLES, np.nan, np.float32), 0), Percept(0.4, -40.0))
        assert (await hear(session, 1)).decision == "silent"


async def test_a_closed_engine_says_so(checkpoint: Path) -> None:
    async with engine(checkpoint) as built:
        session = await built.open("kitchen", "en", RoomSettings())
    with pytest.raises(EngineError, match="it was closed"):
        await hear(session, 0)
    session.interrupt()
    await session.close()


async def test_a_mistake_in_the_worker_reaches_every_room(checkpoint: Path, caplog: pytest.LogCaptureFixture) -> None:
    def blunder(_: object) -> None:
        raise ZeroDivisionError("oops")

    async with engine(checkpoint, max_rooms=2) as built:
        sessions = [await built.open(name, "en", RoomSettings()) for name in ("kitchen", "hall")]
        built._worker.tell(blunder)
        for session in sessions:
            with pytest.raises(EngineError, match="ZeroDivisionError: oops"):
                await hear(session, 0)
    assert "the Audio-Interaction engine has stopped" in caplog.text


WIDE = Limits(window=900, reply_tokens=6, transcript_tokens=6)
SPEECH = Episode("s", "speech", 0.9, 0.0)


async def heard_speech(session: Session, live: bool) -> list[Outcome]:
    """Speech from the second chunk on; replies are taken, and their text is read."""
    outcomes = []
    for k in range(12):
        heard = replace(chunk(k), monotonic_ns=400_000_000 * k if live else None)
        outcome = await session.step(heard, Percept(heard.t, -40.0, started=(SPEECH,) if k == 1 else ()))
        outcomes.append(outcome)
        if outcome.reply:
            await said(outcome)
    return outcomes


async def test_speech_that_led_to_a_reply_is_transcribed(checkpoint: Path) -> None:
    """A recording waits for it, so that the reply has it and the events have one order."""
    async with engine(checkpoint, limits=WIDE) as built:
        runs = []
        for _ in range(2):
            session = await built.open("kitchen", "en", RoomSettings(threshold=0.0))
            runs.append(await heard_speech(session, live=False))
            await session.close()
    first, again = ([(o.transcripts, o.reply.utterance if o.reply else None) for o in run] for run in runs)
    assert first == again
    replies = [o for o in runs[0] if o.reply]
    assert replies
    for outcome in replies:
        assert outcome.reply is not None
        texts = [spoken.text for spoken in outcome.transcripts]
        assert (outcome.reply.utterance in texts) if outcome.reply.sounds else (texts == [])
        assert outcome.reply.trigger == ("speech" if outcome.reply.sounds else "model")
    spoken = [s for o in runs[0] for s in o.transcripts]
    assert spoken
    assert all(s.final and s.text and 0.0 <= s.start < s.end <= 4.8 and 0 < s.confidence <= 1 for s in spoken)


async def test_a_live_reply_does_not_wait_for_the_transcript(checkpoint: Path) -> None:
    async with engine(checkpoint, limits=WIDE) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=0.0))
        outcomes = await heard_speech(session, live=True)
        index = 12
        while not any(o.transcripts for o in outcomes):
            heard = replace(chunk(index), monotonic_ns=400_000_000 * index)
            outcomes.append(await session.step(heard, Percept(heard.t, -40.0)))
            index += 1
        first = next(k for k, o in enumerate(outcomes) if o.reply and o.reply.sounds)
        reply = outcomes[first].reply
        assert reply is not None
        assert reply.utterance is None
        assert outcomes[first].transcripts == ()


async def test_what_a_recognizer_knows_is_not_asked_again(checkpoint: Path) -> None:
    known = SpeechPercept(spoken=(Spoken("lights on", True, 0.9, 0.0, 0.4),))
    async with engine(checkpoint, limits=WIDE) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=0.0))
        outcomes = [await session.step(chunk(k), Percept(chunk(k).t, -40.0, speech=known)) for k in range(3)]
    reply = next(o.reply for o in outcomes if o.reply)
    assert (reply.trigger, reply.utterance) == ("speech", "lights on")
    assert not any(o.transcripts for o in outcomes)


async def test_a_mode_is_an_instruction_from_the_next_chunk_on(
    checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with engine(checkpoint, limits=WIDE) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=1.0, mode="monitor"))
        encode = built_tokens(checkpoint)
        await hear(session, 0)
        assert session.stream.context.prefix == online_prefix(encode, system_prompt("monitor"))
        session.apply(SetMode("translate to Greek"))
        await hear(session, 1)
        assert session.stream.context.prefix == online_prefix(encode, system_prompt("translate to Greek"))
        assert session.stream.heard_chunks == 2
    async with engine(checkpoint, limits=Limits(window=400, reply_tokens=6)) as built:
        session = await built.open("kitchen", "en", RoomSettings(threshold=1.0))
        session.apply(SetMode("translate to " + "Elbonian" * 5))
        await hear(session, 0)
        assert session.stream.context.prefix == online_prefix(encode, system_prompt("assistant"))
    assert "kitchen: the mode stays as it was: a window of 400" in caplog.text


def built_tokens(checkpoint: Path) -> Callable[[str], list[int]]:
    return load(checkpoint).encode_text


def test_what_is_wrong_with_the_checkpoint_is_raised_while_building(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no Audio-Interaction checkpoint"):
        build_engine(tmp_path, "cpu", "float32", str)


def test_a_window_beyond_the_model_is_refused(checkpoint: Path) -> None:
    with pytest.raises(EngineError, match="window of 9000 positions is more than the 4096"):
        build_engine(checkpoint, "cpu", "float32", str, limits=Limits(window=9000))


async def test_pieces_of_a_reply_that_fails_raise() -> None:
    text = ReplyText(lambda: None)
    text.add("fire")
    text.fail(EngineError("gone"))
    pieces = text.pieces()
    assert await anext(pieces) == "fire"
    with pytest.raises(EngineError, match="gone"):
        await anext(pieces)


async def test_who_stops_reading_interrupts_the_reply() -> None:
    stopped: list[bool] = []
    text = ReplyText(lambda: stopped.append(True))
    text.add("one")
    pieces = text.pieces()
    assert await anext(pieces) == "one"
    await pieces.aclose()  # type: ignore[attr-defined]
    assert stopped == [True]
    assert text.reason() == "interrupted"


def test_what_triggered_a_reply() -> None:
    speech, bark = Episode("a", "speech", 0.9, 0.0), Episode("b", "dog_bark", 0.9, 0.0, 1.0)
    assert trigger_of(()) == "model"
    assert trigger_of((), spoken=True) == "speech"
    assert trigger_of((speech,)) == "speech"
    assert trigger_of((speech, bark)) == "sound"
    sounds = RecentSounds()
    sounds.follow(Percept(1.0, -40.0, started=(speech, bark)))
    sounds.follow(Percept(2.0, -40.0, ended=(bark,)))
    assert {e.id for e in sounds.at(5.0)} == {"a", "b"}
    assert {e.id for e in sounds.at(9.0)} == {"a"}
