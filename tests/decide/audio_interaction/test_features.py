"""Streaming hearing equals the whole recording, heard again at every chunk."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.decide.audio_interaction.features import EarState, MelBank, hear
from listener.decide.audio_interaction.turns import Ear
from listener.types import CHUNK_SAMPLES

BANK = MelBank(torch.device("cpu"))


def _sound(seed: int, chunks: int, levels: list[float]) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(chunks * CHUNK_SAMPLES)
    gain = np.repeat(np.resize(10.0 ** np.array(levels), chunks), CHUNK_SAMPLES)
    tone = np.sin(2 * np.pi * rng.uniform(50, 7000) * np.arange(noise.size) / 16_000)
    return torch.from_numpy(((noise + 3 * tone) * gain * 0.05).astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.lists(st.floats(-5, 0), min_size=1, max_size=6))
def test_streaming_equals_hearing_the_whole_history_again(seed: int, chunks: int, levels: list[float]) -> None:
    sound, ear = _sound(seed, chunks, levels), Ear(EarState())
    for k in range(chunks):
        end = (k + 1) * CHUNK_SAMPLES
        (log_mel,) = hear(BANK, [ear.state], sound[None, k * CHUNK_SAMPLES : end])
        streamed = ear.normalised(log_mel)
        assert torch.allclose(streamed, BANK.whole(sound[:end])[:, -40:], atol=2e-5)


@pytest.mark.parametrize("frequency_hz", [333.0, 1111.0, 3000.0])
def test_a_loudest_frame_at_the_edge_counts_with_its_true_edge(frequency_hz: float) -> None:
    """A tone that swells until its chunk ends, then digital silence, whose floor shows the running maximum."""
    seconds = torch.arange(CHUNK_SAMPLES) / 16_000
    swell = torch.sin(2 * torch.pi * frequency_hz * seconds) * torch.linspace(0.0, 0.9, CHUNK_SAMPLES) ** 2
    sound, ear = torch.cat([swell, torch.zeros(2 * CHUNK_SAMPLES)]), Ear(EarState())
    for k in range(3):
        end = (k + 1) * CHUNK_SAMPLES
        (log_mel,) = hear(BANK, [ear.state], sound[None, end - CHUNK_SAMPLES : end])
        streamed = ear.normalised(log_mel)
        assert torch.allclose(streamed, BANK.whole(sound[:end])[:, -40:], atol=2e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 5))
def test_rooms_heard_together_are_heard_as_alone(seed: int, rooms: int) -> None:
    sounds = [_sound(seed + room, 3, [-1.0, 0.0, -3.0]) for room in range(rooms)]
    together, alone = [EarState() for _ in range(rooms)], [EarState() for _ in range(rooms)]
    for k in range(3):
        chunks = torch.stack([s[k * CHUNK_SAMPLES : (k + 1) * CHUNK_SAMPLES] for s in sounds])
        for room, log_mel in enumerate(hear(BANK, together, chunks)):
            (single,) = hear(BANK, [alone[room]], chunks[room : room + 1])
            assert torch.allclose(log_mel.values, single.values, atol=1e-6)
            assert abs(log_mel.loudest_before - single.loudest_before) < 1e-6 or k == 0


def test_a_bang_that_left_the_window_no_longer_deafens() -> None:
    bang, quiet = _sound(1, 1, [1.0]), _sound(2, 1, [-4.0])
    deaf, recovered, fresh = Ear(EarState()), Ear(EarState()), Ear(EarState())
    for ear in (deaf, recovered):
        for sound in (bang, quiet, quiet):  # the edge of the bang is in the chunk after it
            ear.normalised(hear(BANK, [ear.state], sound[None])[0])
    fresh.normalised(hear(BANK, [fresh.state], quiet[None])[0])
    recovered.forget(2)
    heard = [ear.normalised(hear(BANK, [ear.state], quiet[None])[0])[:, 5:35] for ear in (deaf, recovered, fresh)]
    assert torch.allclose(heard[1], heard[2], atol=1e-6)
    assert not torch.allclose(heard[0], heard[2], atol=0.1)


def test_what_hearing_remembers_does_not_grow() -> None:
    ear = EarState()
    for k in range(5):
        hear(BANK, [ear], _sound(k, 1, [0.0])[None])
        assert ear.context is not None
        assert ear.context.shape == (360,)
        assert ear.context.untyped_storage().nbytes() == 360 * 4
