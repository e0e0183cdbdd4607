"""Rooms in the worker: rolling windows, catching up, batches, replies, and what goes wrong."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_interaction.ward import SMALL, Ward, margins, median_threshold, next_logits, sound, ward
from listener.decide.audio_interaction.happenings import Begun, Decided, Ended, Failed, Piece, Settled
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Feed, Model
from listener.decide.audio_interaction.sampling import Sampling
from listener.decide.audio_interaction.scheduler import SPARE_POSITIONS, Scheduler
from listener.decide.audio_interaction.stream import Limits
from listener.decide.audio_interaction.tokens import BLOCK, KEEP_SILENCE, TEXT_BEGIN, TEXT_END
from listener.errors import EngineError
from listener.types import CHUNK_SAMPLES, Samples


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000), st.integers(15, 30))
def test_a_rolled_session_equals_a_fresh_one_fed_with_what_is_kept(loaded: LoadedModel, seed: int, chunks: int) -> None:
    rolling = ward(loaded, rows=2)
    stream = rolling.admit("kitchen", median_threshold(loaded, seed))
    rolling.play(stream, sound(seed, chunks))
    assert stream.rolled > 0
    model = rolling.scheduler._model
    fresh = rolling.admit("fresh", 1.0)
    ids, pending = list(stream.context.prefix), stream.context.pending
    for turn in stream.context.turns:
        model.feed([Feed(fresh.row, [*ids, *BLOCK], [turn.frames])])
        ids = list(turn.tokens)
    fresh.context.pending = ids
    assert ids[-len(pending) :] == pending
    frames = torch.randn((10, loaded.shape.width), generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(next_logits(model, stream, frames), next_logits(model, fresh, frames), atol=1e-3)
    assert stream.ear.remembered == len(stream.context.turns)


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 3))
def test_rooms_beside_others_decide_and_say_what_they_do_alone(loaded: LoadedModel, seed: int, rooms: int) -> None:
    """The first is nearly silent beside the others, whose loudness must not floor what it hears."""
    threshold = median_threshold(loaded, seed)
    sounds = {f"room {room}": sound(seed + room, 14) for room in range(rooms)}
    sounds["room 0"] = [chunk * np.float32(1e-4) for chunk in sounds["room 0"]]
    together = ward(loaded, rooms)
    streams = {name: together.admit(name, threshold) for name in sounds}
    for k in range(14):
        for name, stream in streams.items():
            together.scheduler.hear(stream, sounds[name][k])
        together.settle()
    for name, chunks in sounds.items():
        alone = ward(loaded)
        alone.play(alone.admit(name, threshold), chunks)
        ours, theirs = alone.told[name], together.told[name]
        assert [h for h in ours if not isinstance(h, Decided)] == [h for h in theirs if not isinstance(h, Decided)]
        assert np.allclose(margins(ours), margins(theirs), atol=1e-3)


def test_chunks_that_arrive_during_a_reply_are_all_heard_after_it_as_one_by_one(loaded: LoadedModel) -> None:
    """`Settled` comes at once while it speaks, and the decisions are those of a room that waited."""
    limits = Limits(window=900, reply_tokens=12, waiting_chunks=50)
    threshold, chunks = median_threshold(loaded, 3), sound(3, 24)
    patient, eager = ward(loaded, limits=limits), ward(loaded, limits=limits)
    patient.play(patient.admit("kitchen", threshold), chunks)
    stream = eager.admit("kitchen", threshold)
    for chunk in chunks:
        eager.scheduler.hear(stream, chunk)
        while stream.asked:
            eager.scheduler.tick()
    assert stream.speech or not stream.waiting
    eager.settle()
    assert stream.heard_chunks == len(chunks)
    assert stream.lost_chunks == 0
    ours, theirs = eager.told["kitchen"], patient.told["kitchen"]
    assert any(isinstance(h, Begun) for h in theirs)
    drop = Decided | Settled
    assert [h for h in ours if not isinstance(h, drop)] == [h for h in theirs if not isinstance(h, drop)]
    assert np.allclose(margins(ours), margins(theirs), atol=1e-3)


def test_a_full_queue_drops_its_oldest_chunk_and_counts_it(loaded: LoadedModel) -> None:
    crowded = ward(loaded, limits=Limits(window=900, reply_tokens=60, waiting_chunks=3))
    stream = crowded.admit("kitchen", 0.0)
    for chunk in sound(1, 10):
        crowded.scheduler.hear(stream, chunk)
        crowded.scheduler.tick()
        crowded.scheduler.tick()
    assert stream.lost_chunks > 0
    assert stream.ear.remembered == len(stream.context.turns) + len(stream.waiting)
    crowded.settle()
    assert stream.heard_chunks + stream.lost_chunks == 10


@pytest.mark.parametrize("after", [1, 2, 5, 9])
def test_an_interrupted_reply_ends_and_the_context_stays_valid(loaded: LoadedModel, after: int) -> None:
    room = ward(loaded, rows=2, limits=Limits(window=900, reply_tokens=10))
    stream = room.admit("kitchen", 0.0)
    room.scheduler.hear(stream, sound(4, 1)[0])
    for _ in range(after):
        room.scheduler.tick()
    assert stream.speech is not None
    room.scheduler.interrupt(stream)
    room.scheduler.tick()
    assert stream.speech is None
    assert room.told["kitchen"][-1] in (Ended("interrupted"), Settled())
    tokens = stream.context.turns[-1].tokens
    assert tokens[0] == TEXT_BEGIN
    assert tokens[-1] == TEXT_END
    assert len(tokens) == after + 2
    ids, frames = stream.context.fed()
    assert room.scheduler._model.cache.lengths[stream.row] == len(ids)
    other = room.admit("other", 1.0)
    room.scheduler._model.feed([Feed(other.row, ids, frames)])
    other.context.pending = stream.context.pending
    new = torch.ones((10, loaded.shape.width))
    model = room.scheduler._model
    assert torch.allclose(next_logits(model, stream, new), next_logits(model, other, new), atol=1e-3)


def test_a_reply_ends_at_its_limit(loaded: LoadedModel) -> None:
    room = ward(loaded, limits=Limits(window=600, reply_tokens=5))
    told = room.told.setdefault("kitchen", [])
    stream = room.scheduler.admit("kitchen", 0.0, Sampling(temperature=5.0, top_k=50), seed=3, sink=told.append)
    room.play(stream, sound(2, 12))
    reasons = [h.reason for h in told if isinstance(h, Ended)]
    assert "limit" in reasons
    assert all(sum(t < TEXT_END - 42 for t in turn.tokens) <= 5 for turn in stream.context.turns)
    assert all(turn.tokens[-1] in (TEXT_END, KEEP_SILENCE) for turn in stream.context.turns)


def test_sampling_is_the_same_for_the_same_room_and_seed(loaded: LoadedModel) -> None:
    def said() -> list[str]:
        room = ward(loaded, limits=Limits(window=600, reply_tokens=20))
        room.play(room.admit("kitchen", 0.3, Sampling()), sound(6, 6))
        return [h.text for h in room.told["kitchen"] if isinstance(h, Piece)]

    assert said() == said()


def test_a_long_stream_neither_grows_nor_forgets_to_roll(loaded: LoadedModel) -> None:
    room = ward(loaded)
    stream = room.admit("kitchen", 1.0)
    longest = 0
    for chunk in sound(7, 150):
        room.play(stream, [chunk])
        longest = max(longest, len(stream.context.turns))
        assert room.scheduler._model.cache.lengths[0] <= SMALL.window
    assert stream.rolled > 5
    assert longest * 13 < SMALL.window
    assert stream.heard_chunks == 150


def test_places_are_bounded_and_given_back(loaded: LoadedModel) -> None:
    small = ward(loaded, rows=2)
    first = small.admit("kitchen", 0.5)
    small.admit("hall", 0.5)
    with pytest.raises(EngineError, match=r"attic: no place for another room: 2 of 2 are taken"):
        small.admit("attic", 0.5)
    small.scheduler.leave(first)
    assert small.admit("attic", 0.5).row == first.row


def test_a_window_that_holds_no_reply_is_refused(loaded: LoadedModel) -> None:
    with pytest.raises(EngineError, match="window of 300 positions is too small"):
        ward(loaded, limits=Limits(window=300, reply_tokens=200))


@pytest.mark.parametrize("samples", [np.full(CHUNK_SAMPLES, np.nan, np.float32), np.zeros(5, np.float32)])
def test_sound_that_is_none_is_refused_and_the_room_goes_on(loaded: LoadedModel, samples: Samples) -> None:
    room = ward(loaded)
    stream = room.admit("kitchen", 1.0)
    room.scheduler.hear(stream, samples)
    (failed,) = room.told["kitchen"]
    assert isinstance(failed, Failed)
    assert "kitchen" in str(failed.error)
    room.play(stream, sound(1, 2))
    assert stream.heard_chunks == 2


@pytest.fixture
def poisoned(loaded: LoadedModel) -> Iterator[LoadedModel]:
    """While it lasts, the head answers NaN."""
    weight = loaded.language_model.lm_head.weight
    kept = weight.detach().clone()
    weight.data.fill_(float("nan"))
    yield loaded
    weight.data.copy_(kept)


def test_nan_logits_are_told_with_the_figure_and_the_session_begins_anew(poisoned: LoadedModel) -> None:
    room = ward(poisoned)
    stream = room.admit("kitchen", 0.5)
    room.play(stream, sound(1, 1))
    (failed,) = room.told["kitchen"]
    assert isinstance(failed, Failed)
    assert "nan" in str(failed.error)
    assert "position 203" in str(failed.error)
    assert room.scheduler._model.cache.lengths[0] == 0
    assert stream.context.positions == len(stream.context.prefix)


class _Exhausted(Model):
    """A model whose device has no memory for a pass while `full`."""

    full = True

    def _pass(self, feeds: Any, only: Any) -> list[torch.Tensor]:
        if self.full:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nmore")
        return super()._pass(feeds, only)


def test_running_out_of_memory_is_told_with_the_figure_and_heals(loaded: LoadedModel) -> None:
    model = _Exhausted(loaded, 1, SMALL.window + SPARE_POSITIONS)
    room = Ward(Scheduler(model, SMALL))
    stream = room.admit("kitchen", 1.0)
    room.play(stream, sound(1, 1))
    (failed,) = room.told["kitchen"]
    assert isinstance(failed, Failed)
    assert "20.00 GiB" in str(failed.error)
    model.full = False
    room.play(stream, sound(1, 2))
    assert (stream.heard_chunks, stream.lost_chunks) == (2, 1)
