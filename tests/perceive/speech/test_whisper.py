"""Whisper is an extra: what is said when it, or its model, is not there."""

from pathlib import Path

import pytest

from listener.config import HomeConfig, SpeechConfig, WhisperConfig
from listener.errors import ModelError
from listener.perceive.speech.models import SpeechModels, plan_speech


def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the extra `whisper` is not installed")
    (tmp_path / "model.bin").write_bytes(b"nothing")
    config = SpeechConfig(recognizer="whisper", whisper=WhisperConfig(model=str(tmp_path)))
    plan = plan_speech(config, HomeConfig(), ["en"], wake_word=False)
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        SpeechModels(plan)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_none_recognizes_nothing() -> None:
    models = SpeechModels(plan_speech(SpeechConfig(recognizer="none"), HomeConfig(), ["en", "de"], wake_word=False))
    assert models.recognizer("en") is None
