"""What was said lately in one room: the newest 20 s of sound, and where in it somebody spoke. Pure.

The bounds come from the perceive layer: from its voice activity where it has one, else from the episodes of `speech`.
"""

from collections import deque
from typing import Final

import numpy as np

from listener.types import CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Episode, Percept, SpeechPercept, Spoken, Utterance

RECENT_SECONDS: Final = 4.0
"""A sound that ended, or speech that did, so shortly before a reply is taken for what led to it."""
KEPT_CHUNKS: Final = 50
"""20 s, all that the model hears at once; 1.3 MB a room."""
LEAD_SECONDS: Final = 0.4
"""Before the first chunk with a voice in it: where it is noticed, it has begun."""
SHORTEST_SECONDS: Final = 0.4
GAP_NS: Final = 2_000_000_000
"""Longer between two live chunks: the room was muted or deaf, and what was heard before is another story."""


def resumes(before: Chunk | None, chunk: Chunk) -> bool:
    """Whether sound begins anew with this chunk."""
    if before is None or before.monotonic_ns is None or chunk.monotonic_ns is None:
        return False
    return chunk.monotonic_ns - before.monotonic_ns > GAP_NS


class RecentSpeech:
    """Follows every chunk; `at` gives the utterance that a reply at that time answers."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque(maxlen=KEPT_CHUNKS)
        self._start: float | None = None
        self._end: float | None = None
        self._episode: str | None = None
        self._recognised: Spoken | None = None

    def follow(self, chunk: Chunk, percept: Percept) -> None:
        self._chunks.append(chunk)
        if percept.speech is not None:
            self._follow_voice(chunk.t, percept.speech)
        else:
            self._follow_episodes(percept.started, percept.ended)

    def _follow_voice(self, t: float, speech: SpeechPercept) -> None:
        open_now = self._start is not None and self._end is None
        if speech.speaking and not open_now:
            self._start, self._end = t - CHUNK_SECONDS, None
        elif open_now and not speech.speaking:
            self._end = t
        for spoken in speech.spoken:
            if spoken.final:
                self._recognised, self._start = spoken, spoken.start
                self._end = None if speech.speaking else spoken.end

    def _follow_episodes(self, started: tuple[Episode, ...], ended: tuple[Episode, ...]) -> None:
        for episode in started:
            if episode.label == "speech":
                self._start, self._end, self._episode = episode.onset, None, episode.id
        for episode in ended:
            if episode.id == self._episode:
                self._end, self._episode = episode.onset + (episode.duration or 0.0), None

    def at(self, t: float) -> Utterance | None:
        """The utterance that is open, or ended a moment ago; of a long one the last 20 s. None: nobody spoke."""
        if self._start is None or not self._chunks or (self._end is not None and t - self._end > RECENT_SECONDS):
            return None
        kept_from = self._chunks[0].t - CHUNK_SECONDS
        kept_to = self._chunks[-1].t
        start = min(max(self._start - LEAD_SECONDS, kept_from, 0.0), kept_to)
        end = min(max(self._end if self._end is not None else t, start), kept_to)
        if end - start < SHORTEST_SECONDS:
            return None
        first, last = (round((edge - kept_from) * SAMPLE_RATE_HZ) for edge in (start, end))
        samples = np.concatenate([chunk.samples for chunk in self._chunks])[first:last]
        return Utterance(samples, round(start, 3), round(end, 3))

    def recognised(self, utterance: Utterance) -> Spoken | None:
        """What a recognizer of the perceive layer has understood of it already."""
        spoken = self._recognised
        return spoken if spoken is not None and spoken.end > utterance.start and spoken.text else None
