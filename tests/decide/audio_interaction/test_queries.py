"""Transcripts asked of the model beside its streams, which must not notice."""

import logging
from typing import Any

import numpy as np
import pytest
import torch

from audio_interaction.ward import SMALL, median_threshold, sound, ward
from listener.decide.audio_interaction import queries
from listener.decide.audio_interaction.happenings import Begun, Ended, Happening, Transcribed
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Model
from listener.decide.audio_interaction.offline import Said, answer
from listener.decide.audio_interaction.queries import MAX_QUERIES, TRANSCRIBE, Query


def utterance(seconds: float = 2.0) -> np.ndarray:
    return np.concatenate(sound(11, 50))[: round(16_000 * seconds)]


def heard(told: list[Happening]) -> list[Happening]:
    return [h for h in told if not isinstance(h, Transcribed)]


def test_a_query_gives_what_the_offline_mode_gives(loaded: LoadedModel) -> None:
    room = ward(loaded)
    stream = room.admit("kitchen", 1.0)
    room.scheduler.transcribe(stream, 7, utterance())
    room.settle()
    (said,) = room.told["kitchen"]
    assert isinstance(said, Transcribed)
    alone = "".join(answer(Model(loaded, 1, 1200), 0, utterance(), TRANSCRIBE, limit=SMALL.transcript_tokens))
    assert (said.number, said.text) == (7, alone.strip())
    assert said.text
    assert 0.0 < said.confidence <= 1.0


def test_queries_change_nothing_of_what_streams_decide_and_say(loaded: LoadedModel) -> None:
    """The very tokens, beside another room, through replies and rolls, with a query at every third chunk."""
    threshold = median_threshold(loaded, 5)
    chunks = {"kitchen": sound(5, 24), "hall": sound(6, 24)}
    contexts, told = [], []
    for asks in (False, True):
        rooms = ward(loaded, rows=2)
        streams = {name: rooms.admit(name, threshold) for name in chunks}
        for k in range(24):
            for name, stream in streams.items():
                if asks and k % 3 == 0:
                    rooms.scheduler.transcribe(stream, k, utterance(0.4 + 0.1 * k))
                rooms.scheduler.hear(stream, chunks[name][k])
            rooms.settle()
        assert all(stream.rolled for stream in streams.values())
        contexts.append([stream.context.fed()[0] + stream.context.pending for stream in streams.values()])
        told.append([heard(rooms.told[name]) for name in streams])
        assert [isinstance(h, Transcribed) for h in rooms.told["hall"]].count(True) == (8 if asks else 0)
    assert contexts[0] == contexts[1]
    assert told[0] == told[1]


def test_a_reply_is_not_delayed_by_a_transcript(loaded: LoadedModel) -> None:
    room = ward(loaded)
    stream = room.admit("kitchen", 0.0)
    room.scheduler.hear(stream, sound(4, 1)[0])
    room.scheduler.tick()
    room.scheduler.transcribe(stream, 0, utterance(20.0))
    room.settle()
    kinds = [type(h) for h in room.told["kitchen"]]
    assert kinds.index(Begun) < kinds.index(Ended) < kinds.index(Transcribed)


class Recorder(list[Happening]):
    def sink(self, happening: Happening) -> None:
        self.append(happening)


def query(number: int, told: Recorder, samples: np.ndarray) -> Query:
    return Query("kitchen", number, samples, told.sink)


def test_too_many_queries_drop_the_oldest_and_say_so(loaded: LoadedModel, caplog: pytest.LogCaptureFixture) -> None:
    waiting, told = queries.Queries(Model(loaded, 1, 1), 8), Recorder()
    for number in range(MAX_QUERIES + 2):
        waiting.put(query(number, told, utterance(0.5)))
    assert told == [Transcribed(0, "", 0.0), Transcribed(1, "", 0.0)]
    assert waiting.dropped == 2
    assert "kitchen: 16 utterances wait to be transcribed" in caplog.text
    while waiting.busy:
        waiting.step()
    assert [h.number for h in told if isinstance(h, Transcribed)] == list(range(MAX_QUERIES + 2))


@pytest.mark.parametrize(
    ("samples", "why"), [(np.full(16_000, np.nan, np.float32), "NaN"), (utterance()[:100], "6 ms long")]
)
def test_a_query_that_fails_is_logged_answered_and_forgotten(
    loaded: LoadedModel, samples: np.ndarray, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    waiting, told = queries.Queries(Model(loaded, 1, 1), 8), Recorder()
    waiting.put(query(0, told, samples))
    waiting.put(query(1, told, utterance()))
    while waiting.busy:
        waiting.step()
    first, second = told
    assert first == Transcribed(0, "", 0.0)
    assert isinstance(second, Transcribed)
    assert second.text
    assert "kitchen: an utterance could not be transcribed" in caplog.text
    assert why in caplog.text


def test_a_device_without_memory_for_a_query_leaves_the_streams_alone(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        yield Said("", 0.0)

    monkeypatch.setattr(queries, "tokens", full)
    room = ward(loaded)
    stream = room.admit("kitchen", 1.0)
    room.scheduler.transcribe(stream, 0, utterance())
    with caplog.at_level(logging.ERROR):
        room.play(stream, sound(1, 2))
    assert stream.heard_chunks == 2
    assert "20.00 GiB" in caplog.text


def test_a_room_that_left_is_not_told(loaded: LoadedModel) -> None:
    room = ward(loaded)
    stream = room.admit("kitchen", 1.0)
    room.scheduler.transcribe(stream, 0, utterance())
    room.scheduler.transcribe(stream, 1, utterance())
    room.scheduler.tick()
    room.scheduler.leave(stream)
    assert not room.scheduler.busy
    assert room.told["kitchen"] == []
