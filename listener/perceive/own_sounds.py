"""What our own loudspeaker may be taken for: it is left out while we speak. Pure; times are seconds of audio."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from listener.types import Scores

OWN_SOUNDS: Final = (
    "speech",
    "singing",
    "music",
    "doorbell",
    "phone_ring",
    "alarm_clock",
    "appliance_beep",
    "laughter",
)
"""A voice, and a chime of two tones. Whatever may be an emergency is listened for all the same."""

COOL_DOWN_SECONDS: Final = 1.2
"""The tagger's window (0.975 s) still has our last word in it, and the sound card's buffer (0.1 s) plays on."""


class OwnSounds:
    """Of one room, for scores in the order of `labels`."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._ours = np.array([label in OWN_SOUNDS for label in labels])
        self._speaking = False
        self._ended = -COOL_DOWN_SECONDS

    def begin(self) -> None:
        self._speaking = True

    def end(self, t: float) -> None:
        if self._speaking:
            self._speaking, self._ended = False, t

    def audible(self, t: float) -> bool:
        """Whether what is heard at `t` may be ourselves."""
        return self._speaking or t <= self._ended + COOL_DOWN_SECONDS

    def without(self, t: float, scores: Scores) -> Scores:
        """The scores, with 0 for what may be ourselves at `t`."""
        if not self.audible(t):
            return scores
        return np.where(self._ours, np.float32(0.0), scores)
