"""The loop of speech: real speech, or a clear line."""

import shutil

import numpy as np
import pytest

from listener.bench import spoken
from listener.errors import VoiceError


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed (apt-get install flite)")
def test_the_loop_is_speech_of_half_a_minute() -> None:
    loop = spoken.spoken_loop()
    assert loop.dtype == np.float32
    assert 15 < len(loop) / 16_000 < 60
    assert 0.25 < np.abs(loop).max() < 0.4
    frames = loop[: len(loop) // 1_600 * 1_600].reshape(-1, 1_600)
    loud = np.sqrt((frames**2).mean(axis=1)) > 0.02
    assert 0.3 < loud.mean() < 0.85, "words and pauses"


def test_without_a_synthesizer_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VoiceError, match="apt install flite"):
        spoken.spoken_loop()
