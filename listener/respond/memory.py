"""What was heard and said lately, room by room."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from listener.types import Event, ResponseEnded, ResponseStarted, SoundStarted

SOUNDS_KEPT = 20
FORGET_SECONDS = 6 * 3_600.0
"""Nobody who asks "what did you hear?" means yesterday."""


@dataclass(frozen=True, slots=True)
class HeardSound:
    label: str
    t: float


@dataclass(slots=True)
class RoomMemory:
    """`said` is the last reply that was not empty. `speaking` holds the ids of replies that are being said."""

    sounds: deque[HeardSound] = field(default_factory=lambda: deque(maxlen=SOUNDS_KEPT))
    said: str = ""
    speaking: set[str] = field(default_factory=set)


class Memory:
    """Remembers in memory only, and no words that people said."""

    def __init__(self) -> None:
        self._rooms: dict[str, RoomMemory] = {}
        self._counts: dict[str, Counter[str]] = {}

    def room(self, room: str) -> RoomMemory:
        return self._rooms.setdefault(room, RoomMemory())

    def publish(self, event: Event) -> None:
        room = self.room(event.room)
        match event:
            case SoundStarted(test=None, label=label, t=t):
                room.sounds.append(HeardSound(label, t))
                self._counts.setdefault(event.room, Counter())[label] += 1
            case ResponseStarted(id=reply_id):
                room.speaking.add(reply_id)
            case ResponseEnded(id=reply_id, text=text):
                room.speaking.discard(reply_id)
                room.said = text or room.said

    def recent(self, room: str, t: float, count: int) -> list[HeardSound]:
        """The last sounds, the newest first, each label once."""
        newest: dict[str, HeardSound] = {}
        for sound in reversed(self.room(room).sounds):
            if t - sound.t <= FORGET_SECONDS:
                newest.setdefault(sound.label, sound)
        return list(newest.values())[:count]

    def counts(self) -> dict[str, dict[str, int]]:
        """How often each sound started in each room since the last `take_counts`."""
        return {room: dict(counter) for room, counter in self._counts.items()}

    def add_counts(self, counts: Any) -> None:
        """Those from before a restart. Raises ValueError for what are none."""
        for room, of_room in _sensible(counts).items():
            self._counts.setdefault(room, Counter()).update(of_room)

    def take_counts(self) -> dict[str, dict[str, int]]:
        """How often each sound started in each room since the last call."""
        counts, self._counts = self._counts, {}
        return {room: dict(counter.most_common()) for room, counter in sorted(counts.items())}


def _sensible(counts: Any) -> dict[str, dict[str, int]]:
    """By room and label. Raises ValueError for anything else."""
    if not isinstance(counts, dict) or not all(isinstance(of_room, dict) for of_room in counts.values()):
        raise ValueError("no counts by room")
    for of_room in counts.values():
        for label, count in of_room.items():
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ValueError(f"{label!r:.40} was not heard {count!r:.40} times")
    return counts
