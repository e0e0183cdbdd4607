"""What a room was taught reaches the process that hears for it, stays there over its death, and works beside YAMNet."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from ears import AUDIO, MODEL, needs_audio, needs_model
from taught_scene import again, lesson
from test_ear_process import first_percept

from listener.config import SoundsConfig
from listener.perceive.ears import EarPlan, RoomPlan
from listener.perceive.process.client import EarProcess, RemotePerceiver
from listener.perceive.sounds.embeddings import Embedder, SenseStream
from listener.perceive.sounds.taught import takes_in, taught_sound
from listener.sources.file import Recording
from listener.types import CHUNK_SAMPLES, Attend, Chunk, Episode, Know, Samples
from listener.types.taught import Correction, Knowledge
from listener.vocabulary import URGENT_LABELS

PLAN = EarPlan(SoundsConfig(), URGENT_LABELS, None, own=True)


def chunks(sound: Samples, first: int = 0) -> list[Chunk]:
    pieces = range(len(sound) // CHUNK_SAMPLES)
    return [Chunk(sound[i * CHUNK_SAMPLES : (i + 1) * CHUNK_SAMPLES], first + i) for i in pieces]


def washing_machine() -> Knowledge:
    stream = SenseStream(Embedder())
    takes, background, _ = takes_in([stream.sense(chunk) for chunk in chunks(lesson())])
    return Knowledge((taught_sound("Washer", (), takes, background),))


async def labels(room: RemotePerceiver, first: int) -> list[str]:
    percepts = [await room.perceive(chunk) for chunk in chunks(again(), first)]
    return [episode.label for percept in percepts for episode in percept.started]


async def test_a_process_is_told_without_being_started_again_and_a_new_one_is_told_too() -> None:
    async with EarProcess(PLAN, "ear") as process:
        room = RemotePerceiver(process, RoomPlan("kitchen"))
        assert "washer" not in await labels(room, 0)
        room.apply(Know(washing_machine()))
        assert "washer" in await labels(room, 40)
        assert process.generation == 1
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await first_percept(room, chunks(np.zeros(200 * CHUNK_SAMPLES, np.float32), 80))
        assert process.generation == 2
        assert "washer" in await labels(room, 300)


async def test_a_room_is_opened_with_what_it_was_taught_and_a_lesson_is_held_there() -> None:
    async with EarProcess(PLAN, "ear") as process:
        room = RemotePerceiver(process, RoomPlan("kitchen", knowledge=washing_machine()))
        room.apply(Attend(True))
        (chunk, *_) = chunks(again())
        percept = await room.perceive(chunk)
        assert percept.sense is not None
        assert len(percept.sense.levels_dbfs) == 8
        assert "washer" in await labels(room, 1)


@needs_model
@needs_audio
@pytest.mark.parametrize("together", [False, True])
async def test_beside_yamnet_an_episode_has_embeddings_and_told_wrong_it_does_not_start_again(together: bool) -> None:
    ear = EarPlan(SoundsConfig(), URGENT_LABELS, MODEL, own=together).load()
    tagger = ear.senses().tagger
    heard = [chunk async for chunk in Recording(bark()).chunks()]

    def barks(knowledge: Knowledge) -> tuple[list[Episode], set[str]]:
        room = ear.room(RoomPlan("kitchen", knowledge=knowledge))
        percepts = [room.perceive(chunk, tagger) for chunk in heard]
        said = {line.reason or "" for p in percepts for line in p.hearing if line.label == "dog_bark"}
        started = [episode for p in percepts for episode in p.started if episode.label == "dog_bark"]
        return [*started, *(e for p in percepts for e in p.ended if e.label == "dog_bark")], said

    episodes, _ = barks(Knowledge())
    assert episodes
    assert all(episode.embeddings for episode in episodes)
    told = Correction("c", episodes[-1].id, "kitchen", "dog_bark", "2026-11-23T10:00:00Z", episodes[-1].embeddings)
    after, said = barks(Knowledge((), (told,)))
    assert after == []
    assert f"suppressed: like {told.episode[:8]}, told wrong on 2026-11-23" in said


def bark() -> Path:
    return AUDIO / "esc10" / "dog_bark" / "1-100032-A.ogg"
