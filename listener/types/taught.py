"""Sounds that people taught us, and what they said was wrong: what hearing, the store and the daemon share.

An embedding is what our own tagger makes of the last second. Nothing here holds sound.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

LEVEL_SECONDS: Final = 0.05
"""Of one level in `Sense.levels_dbfs`; eight are a chunk."""

DEFAULT_TAKES: Final = 5


@dataclass(frozen=True, slots=True)
class Embedding:
    """`vector`: half precision, little-endian, as many numbers as the network has. `network`: the SHA-256 (hex) of
    the file that made it; embeddings of two networks cannot be compared."""

    network: str
    vector: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sense:
    """One chunk as a lesson takes it: how loud each 50 ms of it were, and the embedding of the second that ends
    with it. `t`: seconds of audio at its end."""

    t: float
    levels_dbfs: tuple[float, ...]
    clipping: bool
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Take:
    """One example of a sound. `embeddings`: of the chunks that hold it, the clearest first, three at most.

    `start` and `end` (seconds of audio) say where it was in the sound that was heard, for who keeps that; `audio` is
    the name of the file where it is kept, empty: nowhere.
    """

    embeddings: tuple[Embedding, ...]
    seconds: float
    level_dbfs: float
    start: float = 0.0
    end: float = 0.0
    audio: str = ""


@dataclass(frozen=True, slots=True)
class TaughtSound:
    """A sound that has a name. `label` is the slug of `name`, and that of its events.

    `rooms`: the slugs of those in which it is listened for; empty: in all. `background`: what the room was like
    without it. `taught_at`: RFC 3339, UTC.
    """

    label: str
    name: str
    takes: tuple[Take, ...]
    background: tuple[Embedding, ...] = ()
    rooms: tuple[str, ...] = ()
    taught_at: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """Somebody said of an episode "that was wrong", or "that was NAME" (`was`: the label, empty without a name).

    `id` is what undoes it; `said_at`: RFC 3339, UTC; `added_take`: it became an example of the taught sound `was`.
    """

    id: str
    episode: str
    room: str
    label: str
    said_at: str
    embeddings: tuple[Embedding, ...]
    was: str = ""
    added_take: bool = False


@dataclass(frozen=True, slots=True)
class HeardEpisode:
    """What is remembered of an episode, so that it can be said to be wrong later. `started_at`: RFC 3339, UTC."""

    id: str
    room: str
    label: str
    started_at: str
    embeddings: tuple[Embedding, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one room has been taught: goes to whoever hears for it, whenever it changes."""

    sounds: tuple[TaughtSound, ...] = ()
    corrections: tuple[Correction, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sounds or self.corrections)


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a sound can be told from others, from its takes alone: each take is left out once and heard with the
    others. `found` of `takes` were recognised; `false_seconds` of `background_seconds` of the room's own sound and of
    common sounds would have been taken for it.

    `refusal`: why it is not accepted, in words for a person; None: it is. `warnings`: it is accepted, but.
    """

    takes: int
    found: int
    background_seconds: float
    false_seconds: float
    nearest: str = ""
    """The label, taught or known, that it is most like; empty: like none."""
    refusal: str | None = None
    warnings: tuple[str, ...] = ()


LessonState = Literal["quiet", "listening", "complete"]


@dataclass(frozen=True, slots=True)
class LessonProgress:
    """Where a lesson is. `message` is for a person: "be quiet for 3 s", "heard 2 of 5: 0.8 s, -23 dBFS", "too soft …".

    `take`: the one that has just been taken; None for any other progress.
    """

    state: LessonState
    takes: int
    wanted: int
    message: str
    take: Take | None = None
