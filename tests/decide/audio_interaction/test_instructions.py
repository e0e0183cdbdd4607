"""Another prompt while a room is heard: what was heard is kept, and the session is what a fresh one would be."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_interaction.ward import SMALL, Ward, median_threshold, next_logits, sound, ward
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Feed
from listener.decide.audio_interaction.stream import Limits, Stream
from listener.decide.audio_interaction.tokens import BLOCK, online_prefix
from listener.errors import EngineError

WIDE = Limits(window=900, reply_tokens=12)


def assert_as_fresh(room: Ward, stream: Stream, prompt: str, seed: int) -> None:
    """A new row fed with the new prefix and the kept frames and turns, one after the other, answers the same."""
    model = room.scheduler._model
    fresh = room.scheduler.admit("fresh", 1.0, stream.sampling, 0, lambda _: None, prompt)
    assert stream.context.prefix == fresh.context.prefix == online_prefix(model.loaded.encode_text, prompt)
    fed, _ = stream.context.fed()
    assert model.cache.lengths[stream.row] == len(fed)
    ids = list(stream.context.prefix)
    for turn in stream.context.turns:
        model.feed([Feed(fresh.row, [*ids, *BLOCK], [turn.frames])])
        ids = list(turn.tokens)
    fresh.context.pending = ids
    new = torch.randn((10, model.loaded.shape.width), generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(next_logits(model, stream, new), next_logits(model, fresh, new), atol=1e-3)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12), st.sampled_from(["Be quiet.", "Translate.", "You hear. " * 20]))
def test_a_session_with_another_prompt_equals_a_fresh_one(
    loaded: LoadedModel, seed: int, chunks: int, prompt: str
) -> None:
    room = ward(loaded, rows=2, limits=WIDE)
    stream = room.admit("kitchen", median_threshold(loaded, seed))
    room.play(stream, sound(seed, chunks))
    turns = len(stream.context.turns)
    room.scheduler.instruct(stream, prompt)
    room.play(stream, sound(seed + 1, 1))
    assert len(stream.context.turns) == turns + 1
    assert_as_fresh(room, stream, prompt, seed)


def test_in_a_full_window_a_longer_prompt_drops_the_oldest_chunks(loaded: LoadedModel) -> None:
    room = ward(loaded, rows=2)
    stream = room.admit("kitchen", 1.0)
    played = 0
    while stream.room_left >= 13:
        room.play(stream, sound(played, 1))
        played += 1
    prompt = "You hear a house, and you are quiet. " * 6
    room.scheduler.instruct(stream, prompt)
    room.play(stream, sound(99, 1))
    assert stream.rolled == 1
    assert room.scheduler._model.cache.lengths[0] <= SMALL.window
    assert stream.ear.remembered == len(stream.context.turns) < played + 1
    assert_as_fresh(room, stream, prompt, 1)


def test_a_prompt_that_comes_during_a_reply_waits_for_its_end(loaded: LoadedModel) -> None:
    room = ward(loaded, rows=2, limits=WIDE)
    stream = room.admit("kitchen", 0.0)
    before = stream.context.prefix
    room.scheduler.hear(stream, sound(4, 1)[0])
    room.scheduler.tick()
    assert stream.speech is not None
    room.scheduler.instruct(stream, "Be quiet.")
    room.scheduler.tick()
    assert stream.context.prefix == before
    room.settle()
    stream.threshold = 1.0
    room.play(stream, sound(5, 1))
    assert_as_fresh(room, stream, "Be quiet.", 4)


def test_a_prompt_before_the_first_chunk_is_the_one_that_is_fed(loaded: LoadedModel) -> None:
    room = ward(loaded, rows=2, limits=WIDE)
    stream = room.admit("kitchen", 1.0)
    room.scheduler.instruct(stream, "Be quiet.")
    room.play(stream, sound(4, 1))
    assert_as_fresh(room, stream, "Be quiet.", 4)


def test_a_prompt_that_does_not_fit_is_refused_and_changes_nothing(loaded: LoadedModel) -> None:
    room = ward(loaded)
    stream = room.admit("kitchen", 1.0)
    with pytest.raises(EngineError, match="window of 420 positions is too small"):
        room.scheduler.instruct(stream, "x" * 400)
    assert stream.next_prefix is None
    room.play(stream, sound(1, 2))
    assert stream.heard_chunks == 2
