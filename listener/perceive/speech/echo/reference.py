"""What we play, on the microphone's own time. Counted in samples of the stream."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from listener.types import SAMPLE_RATE_HZ, Samples

MAX_CLIPS: Final = 16
"""Sentences that are to be heard or were just heard; they are handed over one ahead."""
MAX_SAMPLES: Final = 120 * SAMPLE_RATE_HZ
"""A sentence of more is cut: none that we make is so long."""
LATEST_SAMPLES: Final = 3 * SAMPLE_RATE_HZ
"""From handing a clip over to its first sample in the microphone; a satellite's network and buffer are within."""


@dataclass(slots=True)
class Clip:
    """`told`: nothing of it was heard before. `start`: where its first sample is heard; None while nobody knows.

    `first`: of a reply, so that nothing goes directly before it.
    """

    sound: Samples
    told: int
    start: int | None = None
    first: bool = False

    @property
    def last_heard(self) -> int:
        """At the latest: after that it is looked for no more."""
        return self.told + len(self.sound) + LATEST_SAMPLES

    @property
    def end(self) -> int | None:
        return None if self.start is None else self.start + len(self.sound)


class Reference:
    """Of one room. Clips of a reply follow each other without a gap, if each is handed over before the last ended."""

    def __init__(self) -> None:
        self.clips: deque[Clip] = deque(maxlen=MAX_CLIPS)

    def play(self, sound: Samples, now: int, *, first: bool = False) -> None:
        last = None if first or not self.clips else self.clips[-1].end
        start = last if last is not None and last >= now else None
        self.clips.append(Clip(sound[:MAX_SAMPLES], now, start, first))

    def follow(self) -> None:
        """A clip was found: those after it that were handed over in time begin at its end."""
        for before, after in pairwise(self.clips):
            if after.start is None and not after.first and before.end is not None and before.end >= after.told:
                after.start = before.end

    def forget(self, before: int) -> None:
        """What has been heard, and what has not been found in so long."""
        while self.clips and (self.clips[0].end or self.clips[0].last_heard) < before:
            self.clips.popleft()

    def cut(self, at: int) -> None:
        """Whatever is later is not played."""
        for clip in self.clips:
            clip.sound = clip.sound[: max(0, at - (clip.told if clip.start is None else clip.start))]

    def between(self, first: int, last: int) -> Samples:
        """What is played from one sample of the stream to another, as far as it is known."""
        played = np.zeros(last - first, np.float32)
        for clip in self.clips:
            if clip.start is None or clip.end is None or clip.end <= first or clip.start >= last:
                continue
            begin, end = max(first, clip.start), min(last, clip.end)
            played[begin - first : end - first] += clip.sound[begin - clip.start : end - clip.start]
        return played
