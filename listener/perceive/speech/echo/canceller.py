"""Takes our own voice out of what a room's microphone hears, chunk by chunk.

What we play is known, not when it is heard: between them lie a device's buffer, the air, and perhaps a network. Each
reply is looked for when it begins; from then on an adaptive filter learns how the room answers, and knows it the next
time (docs/decisions/0120).
"""

import logging
from typing import Final

import numpy as np

from listener.perceive.speech.echo.alignment import locate
from listener.perceive.speech.echo.drift import Drift
from listener.perceive.speech.echo.filter import BLOCK, PARTITIONS, EchoFilter
from listener.perceive.speech.echo.reference import LATEST_SAMPLES, Clip, Reference
from listener.types import SAMPLE_RATE_HZ, Samples

log = logging.getLogger(__name__)

KEPT_SAMPLES: Final = 100 * BLOCK
"""1.6 s of the microphone, in which a reply is looked for."""
LEAD_SAMPLES: Final = 128
"""The filter begins 8 ms before the sound's own way: what is found is a peak, and something may come before it."""
TAIL_SAMPLES: Final = round(0.6 * SAMPLE_RATE_HZ)
"""After the last word: what a satellite still holds, and the room's decay."""
DRIFTED_SAMPLES: Final = 16
"""What is found so near is the same place: a clock drifts by less in a reply."""
LEAST_GAIN: Final = 2.0
"""Where a chunk's power falls by less, what was found elsewhere is believed; somebody else may speak as well."""

GOOD_GAIN: Final = 10.0
"""What takes out so much of a chunk's power (10 dB) takes out our words: no recognizer understands them any more."""
LEARNT_CHUNKS: Final = 4
"""So many chunks must have been taken out so well, before it counts as known how the room answers."""
OWN_SMOOTHING: Final = 0.8
"""Of our own power, per chunk."""


class EchoCanceller:
    """Of one room. `play` and `end` are told samples of the stream: what has been heard so far."""

    def __init__(self) -> None:
        self._reference = Reference()
        self._filter = EchoFilter()
        self._drift = Drift()
        self._kept = np.zeros(0, np.float32)
        self._silent_at: int | None = None
        self._works = False
        """In the last chunk in which something was played."""
        self._own_power = 0.0
        """Of our own voice in the microphone, mean square; 0 while it was never taken out well."""
        self._left_power = 0.0
        self._good_chunks = 0

    @property
    def active(self) -> bool:
        """Something of ours may be heard."""
        return bool(self._reference.clips)

    @property
    def clean(self) -> bool:
        """All of ours that may be heard now is being taken out."""
        return self._good_chunks >= LEARNT_CHUNKS and all(clip.start is not None for clip in self._reference.clips)

    @property
    def alone(self) -> bool:
        """Nobody but us was heard in the last chunk: what is left of it is as faint as the rest of us."""
        return self.active and self.clean and self._left_power * GOOD_GAIN < self._own_power

    def play(self, sound: Samples, now: int) -> None:
        """This is heard next, at `now` or later."""
        self._reference.play(self._drift.applied(sound), now, first=self._silent_at is not None)
        self._silent_at = None

    def end(self, now: int) -> None:
        """We are silent: at once, but for what is on its way."""
        self._silent_at = now + TAIL_SAMPLES
        self._reference.cut(self._silent_at)
        self._drift.learn()

    def step(self, samples: Samples, end: int) -> Samples:
        """What is left of the chunk that ends at that sample of the stream; the chunk itself while we are silent.

        Its length is a multiple of `BLOCK`.
        """
        self._kept = np.concatenate((self._kept, samples))[-KEPT_SAMPLES:]
        if not self.active:
            return samples
        start = end - len(samples)
        for clip in tuple(self._reference.clips):
            if clip.start is None or (clip.end is not None and clip.start <= start < clip.end):
                self._look_for(clip, start, end)
        left = self._cancel(samples, start)
        self._reference.forget(end - TAIL_SAMPLES)
        if self._silent_at is not None and end >= self._silent_at:
            self._reference.clips.clear()
        if not self.active:
            self._filter.forget_played()
        return left

    def _look_for(self, clip: Clip, start: int, end: int) -> None:
        origin = end - len(self._kept)
        past = max(0, origin - clip.told - LATEST_SAMPLES)  # heard before what is kept, however late it came
        first = clip.told - origin + past
        found = locate(self._kept, clip.sound[past : end - clip.told], first, first + LATEST_SAMPLES)
        if found is None:
            return
        place = found - past + origin - LEAD_SAMPLES
        if clip.start is not None:
            if abs(place - clip.start) <= DRIFTED_SAMPLES:
                self._drift.place(end, place - clip.start)
                return
            if self._works:
                return
            self._drift.forget()
        log.debug("our own voice is heard %d samples after it was handed over", place + LEAD_SAMPLES - clip.told)
        clip.start = place
        self._reference.follow()
        self._catch_up(place, start, origin)

    def _catch_up(self, since: int, until: int, origin: int) -> None:
        """Learn from what was heard of it before it was found."""
        blocks = max(0, min(until - origin, until - since + BLOCK)) // BLOCK
        first = until - blocks * BLOCK
        self._filter.played_before(self._reference.between(first - (PARTITIONS + 1) * BLOCK, first))
        for at in range(first, until, BLOCK):
            self._filter.step(self._kept[at - origin : at - origin + BLOCK], self._reference.between(at, at + BLOCK))

    def _cancel(self, samples: Samples, start: int) -> Samples:
        played = self._reference.between(start, start + len(samples))
        left = np.empty_like(samples)
        for at in range(0, len(samples), BLOCK):
            heard = samples[at : at + BLOCK]
            rest = self._filter.step(heard, played[at : at + BLOCK])
            # Where taking it out adds power it is not there: a reply that was just ended, a loudspeaker just moved.
            left[at : at + BLOCK] = rest if np.dot(rest, rest) <= np.dot(heard, heard) else heard
        self._left_power = float(np.dot(left, left)) / len(left)
        if played.any():
            self._judge(float(np.dot(samples, samples)) / len(samples))
        return left

    def _judge(self, heard_power: float) -> None:
        self._works = heard_power >= LEAST_GAIN * self._left_power
        if heard_power < GOOD_GAIN * self._left_power:
            return
        self._good_chunks += 1
        before = self._own_power or heard_power
        self._own_power = OWN_SMOOTHING * before + (1 - OWN_SMOOTHING) * heard_power
