"""Emotions have a sound, and our own chime is no alarm."""

from typing import get_args

import numpy as np

from listener.respond.prosody import CHIME_RATE_HZ, PROSODY, chime
from listener.vocabulary import Emotion


def test_every_emotion_has_its_prosody_and_they_differ() -> None:
    assert set(PROSODY) == set(get_args(Emotion))
    assert len(set(PROSODY.values())) == len(PROSODY)
    assert [emotion for emotion, prosody in PROSODY.items() if prosody.chime] == ["urgent"]
    assert PROSODY["sad"].rate < 1 < PROSODY["happy"].rate


def test_the_chime_lies_far_below_alarms_and_does_not_click() -> None:
    sound = chime().astype(np.float64) / 32_768
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    frequencies_hz = np.fft.rfftfreq(len(sound), 1 / CHIME_RATE_HZ)
    assert spectrum[frequencies_hz < 1_000].sum() > 0.999 * spectrum.sum()
    assert 0.2 < np.abs(sound).max() < 0.5
    assert np.abs(np.diff(sound)).max() < 0.15
    assert abs(sound[0]) < 0.01
    assert abs(sound[-1]) < 0.05
