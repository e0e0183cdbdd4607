"""Two devices, two clocks: by how much the microphone's runs faster than the loudspeaker's."""

from typing import Final

import numpy as np
import soxr

from listener.types import SAMPLE_RATE_HZ, Samples

LEAST_PLACES: Final = 4
HALF_SECONDS: Final = 4.0
"""A reply of so long says half of what is believed afterwards: a sample more or less is 16 ppm of it."""
MOST: Final = 300e-6
"""Sound cards are within 100 ppm; what differs by more is no clock."""
LEAST: Final = 4e-6
"""Too little to be heard in a reply."""


class Drift:
    """Of one room, learned from where replies were found while they were heard."""

    def __init__(self) -> None:
        self.share = 0.0
        """So many samples a sample is what we play longer in the microphone; negative where it is shorter."""
        self._places: list[tuple[int, int]] = []

    def place(self, at: int, late: int) -> None:
        """At this sample of the stream a reply was found so many samples later than when it began."""
        self._places.append((at, late))

    def learn(self) -> None:
        """The reply is over."""
        places, self._places = np.array(self._places, np.float64), []
        if len(places) < LEAST_PLACES:
            return
        at, late = places.T
        seconds = float(at[-1] - at[0]) / SAMPLE_RATE_HZ
        slope = float(np.polyfit(at - at[0], late, 1)[0])
        learned = self.share + slope * seconds / (seconds + HALF_SECONDS)
        self.share = max(-MOST, min(MOST, learned))

    def forget(self) -> None:
        """Something else was moved: what this reply has shown is of no use."""
        self._places.clear()

    def applied(self, sound: Samples) -> Samples:
        """As long as it is by the microphone's clock."""
        if abs(self.share) < LEAST or not len(sound):
            return sound
        longer: Samples = soxr.resample(sound, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * (1.0 + self.share)).astype(np.float32)
        return longer
