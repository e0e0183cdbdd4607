"""Wake words: said and heard, and files that are none."""

import json
from pathlib import Path

import pytest
from perceive.speech.voices import chunks, needs_flite, pause, said

from listener.config import WakeWordConfig
from listener.errors import ModelError
from listener.perceive.speech.wake_word import BUNDLED, WakeWord, find_wake_model
from listener.types import Samples


def times(model: str, *pieces: Samples) -> list[float]:
    wake = WakeWord(find_wake_model(WakeWordConfig(model=model)))
    return [chunk.t for chunk in chunks(*pieces) if wake.step(chunk.samples)]


@needs_flite
@pytest.mark.parametrize(
    ("model", "phrase"), [("okay_nabu", "okay nabu"), ("hey_jarvis", "hey jarvis"), ("alexa", "alexa")]
)
def test_it_is_heard_once(model: str, phrase: str) -> None:
    heard = times(model, pause(2), said(phrase), pause(1.5))
    assert len(heard) == 1
    assert 2.4 <= heard[0] <= 3.6


@needs_flite
def test_twice_is_twice_and_other_words_are_not_it() -> None:
    assert len(times("okay_nabu", pause(2), said("okay nabu"), pause(2), said("okay nabu"), pause(1))) == 2
    assert times("okay_nabu", pause(2), said("turn on the kitchen light please"), pause(1), said("hey jarvis")) == []


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_models_are_there(name: str) -> None:
    model = find_wake_model(WakeWordConfig(model=name))
    assert model.words
    assert 0 < model.cutoff < 1


def test_a_model_of_ones_own_by_path(tmp_path: Path) -> None:
    bundled = find_wake_model(WakeWordConfig(model="okay_nabu"))
    path = tmp_path / "hey_house.tflite"
    path.write_bytes(bundled.path.read_bytes())
    own = find_wake_model(WakeWordConfig(model=str(path), threshold=0.6))
    assert (own.name, own.words, own.cutoff) == ("hey_house", ("hey", "house"), 0.6)
    described = tmp_path / "own.json"
    micro = {"probability_cutoff": 0.7, "sliding_window_size": 5}
    described.write_text(json.dumps({"wake_word": "Hey House", "model": path.name, "micro": micro}), encoding="utf-8")
    assert find_wake_model(WakeWordConfig(model=str(described))).phrase == "Hey House"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("none.tflite", None, "cannot be read"),
        ("empty.tflite", b"", "no TensorFlow Lite model"),
        ("noise.tflite", b"TFL3" * 1000, "no TensorFlow Lite model"),
        ("bad.json", b"{", "does not describe a microWakeWord model"),
        ("list.json", b"[]", "does not describe a microWakeWord model"),
        ("half.json", b'{"wake_word": "x", "model": "x.tflite", "micro": {}}', "probability_cutoff"),
        (
            "lost.json",
            b'{"wake_word":"x","model":"x.tflite","micro":{"probability_cutoff":0.5,"sliding_window_size":5}}',
            "cannot be read",
        ),
        ("word.wav", b"RIFF", "there are okay_nabu, hey_jarvis"),
    ],
)
def test_other_files_are_refused_before_they_reach_c(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=expected):
        find_wake_model(WakeWordConfig(model=str(path)))
