"""How an emotion sounds: rate and pitch of the voice, and a chime before urgent words. Pure.

The steps are small, because a listener should understand before they should feel. Sadness is slow and low, joy and
surprise are quick and high, anger is loud in its wide range (Scherer 2003, "Vocal communication of emotion", Speech
Communication 40, table 2). Urgent words are not hurried: they are heard once, perhaps by somebody half asleep.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.vocabulary import Emotion


@dataclass(frozen=True, slots=True)
class Prosody:
    """`rate`: times the usual speed. `pitch`: 0 to 1, 0.5 as usual. `pitch_range`: 0 (monotone) to 1, 0.5 as usual."""

    rate: float = 1.0
    pitch: float = 0.5
    pitch_range: float = 0.5
    chime: bool = False


PROSODY: Final[dict[Emotion, Prosody]] = {
    "normal": Prosody(),
    "happy": Prosody(rate=1.05, pitch=0.6, pitch_range=0.65),
    "sad": Prosody(rate=0.88, pitch=0.4, pitch_range=0.3),
    "angry": Prosody(rate=1.05, pitch=0.48, pitch_range=0.75),
    "surprise": Prosody(rate=1.08, pitch=0.68, pitch_range=0.75),
    "urgent": Prosody(rate=0.97, pitch=0.55, pitch_range=0.6, chime=True),
}

CHIME_RATE_HZ: Final = 16_000
CHIME_TONES_HZ: Final = (659.26, 523.25)
"""E5, then C5: far below the 3,100 Hz of smoke alarms (ISO 8201) and the 520 Hz square waves' three pulses, so that
our own alarm patterns cannot take it for one: two tones that fade are no T3."""
TONE_SECONDS: Final = 0.35
TONE_DECAY_SECONDS: Final = 0.12
TONE_PEAK: Final = 0.4


def chime() -> NDArray[np.int16]:
    """Two fading tones, 0.7 s, int16 `[n]` at 16 kHz."""
    t = np.arange(round(TONE_SECONDS * CHIME_RATE_HZ)) / CHIME_RATE_HZ
    envelope = np.minimum(t / 0.005, 1.0) * np.exp(-t / TONE_DECAY_SECONDS)
    tones = [TONE_PEAK * envelope * np.sin(2 * np.pi * hz * t) for hz in CHIME_TONES_HZ]
    return (np.concatenate(tones) * 32_767).astype(np.int16)
