"""Clips of sounds, cut out of what a room hears. In memory: `ClipFolder` is what puts them on disk.

Words go into no clip. What is near a voice never enters the ring that the time before a sound is taken from, and a
clip in which a voice turns up, or within 1.2 s after its end, is thrown away whole.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from listener.config import ClipsConfig
from listener.config.privacy import VOICES
from listener.types import CHUNK_SECONDS, Chunk, Episode, Percept, Samples

VOICE_SCORE = 0.15
"""Of the tagger. docs/decisions/0066-clips-without-words.md has what it lets through and what it costs."""

VOICE_PROBABILITY = 0.3
"""Of the voice activity detector, where speech is listened for."""

GUARD_CHUNKS = 3
"""1.2 s. The tagger's window is 0.975 s long: a voice is known up to three chunks after its first sample."""

MAX_OPEN = 8
"""Clips of one room that are being made at one time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound that was heard. `id` is its episode's; `samples` float32 `[n]` at 16 kHz; `started_at_ns` since 1970."""

    id: str
    room: str
    label: str
    started_at_ns: int
    samples: Samples = field(repr=False)


@dataclass(slots=True)
class _Open:
    episode: Episode
    last_index: int
    chunks: list[Chunk]


def voice_heard(percept: Percept) -> bool:
    """Whether a voice may be in it. Whoever cannot tell (no tagger, a failed chunk) has to say yes.

    A percept names the five best labels: a voice that is not among them scores at most what the last of them does.
    """
    speech = percept.speech
    if speech is not None and (speech.speaking or speech.spoken or speech.probability >= VOICE_PROBABILITY):
        return True
    if "no_tagger" in percept.flags or not percept.hearing:
        return speech is None
    scores = {hearing.label: hearing.score for hearing in percept.hearing}
    unseen = min(scores.values())
    return max(scores.get(label, unseen) for label in VOICES) >= VOICE_SCORE


class ClipRecorder:
    """One room's clips. `keep` is called with each that is complete; `refused` counts those with a voice in them."""

    def __init__(self, room: str, config: ClipsConfig, keep: Callable[[Clip], None]) -> None:
        self._room = room
        self._spans = config.labels
        self._keep = keep
        longest = max((span.before_seconds for span in config.labels.values()), default=0.0)
        self._before: deque[Chunk] = deque(maxlen=_chunks(longest) + 1)
        self._since_voice = 0
        self._open: list[_Open] = []
        self.refused = 0

    def heard(self, chunk: Chunk, percept: Percept) -> None:
        """Take in the next chunk. Call it for every chunk, in order; it keeps a reference, and copies nothing."""
        if voice_heard(percept):
            self._before.clear()
            self._since_voice = 0
            self._refuse_open()
            self._refuse(percept.started)
            return
        self._since_voice += 1
        if self._since_voice > GUARD_CHUNKS:
            self._before.append(chunk)
        for clip in self._open:
            if chunk.index <= clip.last_index:
                clip.chunks.append(chunk)
        self._begin(chunk, percept.started)
        self._complete(chunk.index)

    def forget(self) -> None:
        """The room was muted, or its sound is interrupted: nothing of before is kept, finished or not."""
        self._before.clear()
        self._open.clear()
        self._since_voice = 0

    def _begin(self, chunk: Chunk, started: tuple[Episode, ...]) -> None:
        for episode in started:
            span = self._spans.get(episode.label)
            if span is None or episode.test:
                continue
            if not self._before or len(self._open) >= MAX_OPEN:
                self._refuse((episode,))
                continue
            wanted = _chunks(span.before_seconds) + 1  # and the chunk that it was recognised in
            last_index = chunk.index + _chunks(span.after_seconds)
            self._open.append(_Open(episode, last_index, list(self._before)[-wanted:]))

    def _complete(self, index: int) -> None:
        for clip in [clip for clip in self._open if index >= clip.last_index + GUARD_CHUNKS]:
            self._open.remove(clip)
            first = clip.chunks[0]
            samples = np.concatenate([chunk.samples for chunk in clip.chunks])
            began_ns = (first.captured_at_ns or 0) - int(CHUNK_SECONDS * 1e9)
            self._keep(Clip(clip.episode.id, self._room, clip.episode.label, max(began_ns, 0), samples))

    def _refuse_open(self) -> None:
        refused, self._open = [clip.episode for clip in self._open], []
        self._refuse(tuple(refused))

    def _refuse(self, episodes: tuple[Episode, ...]) -> None:
        for episode in episodes:
            if episode.label in self._spans and not episode.test:
                self.refused += 1
                logger.info(
                    "%s: no clip of %s: a voice was near, or may have been (%d so far)",
                    self._room,
                    episode.label,
                    self.refused,
                    extra={"room": self._room, "event_id": episode.id},
                )


def _chunks(seconds: float) -> int:
    return ceil(round(seconds / CHUNK_SECONDS, 6))
