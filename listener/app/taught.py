"""What was taught and what was said to be wrong, as people speak of it: by names, in sentences. Over the store."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from time import time as wall_time

from listener.app.lesson import RoomLesson
from listener.app.stamps import Stamps
from listener.config import slugify
from listener.errors import PerceiveError, StoreError
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.offsets import at_offsets
from listener.perceive.sounds.taught import assess, label_of, taught_sound
from listener.store.taught import TaughtStore
from listener.store.taught_audio import TaughtAudio
from listener.times import rfc3339
from listener.types import (
    CorrectionLine,
    CorrectionsReport,
    Episode,
    Samples,
    TaughtLine,
    TaughtReport,
)
from listener.types.taught import Embedding, HeardEpisode, Quality, Take, TaughtSound

SHOWN_CORRECTIONS = 20
SHOWN_SOUNDS = 50
FILE = "taught.json"
AUDIO_FOLDER = "taught"
"""Both in the state folder."""


class Taught:
    """Names may be given as people gave them, whatever the case, or as labels. Belongs to one thread.

    `labels`: those that exist without teaching. `urgent`: those of which is said that corrections do not silence them;
    empty if they do.
    """

    def __init__(
        self,
        store: TaughtStore,
        audio: TaughtAudio,
        labels: Collection[str],
        urgent: Collection[str] = (),
        clock: Callable[[], float] = wall_time,
        keep_audio: bool = False,
        unable: str = "",
    ) -> None:
        """`unable`: why nothing can be taught here, for a person; empty: it can."""
        self._unable = unable
        self.store = store
        self.audio = audio
        self._keep_audio = keep_audio
        self._forgot = False
        self._recordings = Lock()
        self._labels = frozenset(labels)
        self._urgent = frozenset(urgent)
        self._clock = clock
        self.stamps = Stamps(clock)

    def find(self, name: str) -> TaughtSound | None:
        wanted = name.casefold()
        return next((s for s in self.store.sounds if wanted in (s.label, s.name.casefold())), None)

    def found(self, name: str) -> TaughtSound:
        """Raises StoreError that names those that there are."""
        sound = self.find(name)
        if sound is None:
            there = ", ".join(repr(s.name) for s in self.store.sounds[:20]) or "none yet"
            raise StoreError(f"no taught sound is called {name!r}; there are {there}")
        return sound

    def label(self, name: str) -> str:
        """Of a sound to learn; a taught one may be taught again. Raises PerceiveError."""
        if self._unable:
            raise PerceiveError(self._unable)
        if not name:
            raise PerceiveError("the sound has no name yet; give it one first (`Sound to learn`), then begin")
        before = self.find(name)
        return label_of(name, self._others(before)) if before is None else before.label

    def make(
        self,
        name: str,
        takes: Sequence[Take],
        background: Sequence[Embedding],
        heard_as: Sequence[Mapping[str, float]],
        room: str | None,
    ) -> tuple[TaughtSound, Quality]:
        """The sound, and how surely it would be known again; nothing is kept. `room` None: listened for in all.

        Takes up to a second: not on the event loop. Raises PerceiveError.
        """
        before = self.find(name)
        others = [sound for sound in self.store.sounds if before is None or sound.label != before.label]
        rooms = () if room is None else (room,)
        sound = taught_sound(name, self._others(before), takes, background, rooms, self.now())
        return sound, assess(sound, others, heard_as)

    def keep(self, sound: TaughtSound, recordings: Sequence[Samples]) -> None:
        """From now on it is listened for. `recordings`: of its takes; kept where that is configured.

        Waits for the disk in that case. Raises StoreError.
        """
        with self._recordings:
            self._forgot = True  # taught again: what was kept of it belongs to no take any more
            if self._keep_audio:
                kept = [self.audio.keep(recording) for recording in recordings]
                takes = (replace(take, audio=name) for take, name in zip(sound.takes, kept, strict=True))
                sound = replace(sound, takes=tuple(takes))
            self.store.put(sound)

    def save(self) -> None:
        """Waits for the disk. Raises StoreError when it takes nothing; `store.warning` says so too."""
        saved = self.store.save()
        with self._recordings:  # which are on the disk before their sound is known
            if saved and self._forgot:
                self._forgot = False
                self._keep_named()
        if not saved:
            raise StoreError(self.store.warning or "what was taught cannot be saved")

    def sweep(self) -> None:
        """Delete recordings that no sound names: a crash may have come between them and it. Not while a file of ours
        that could not be read lies aside, which may name them. Waits for the disk."""
        with self._recordings:
            if not self.store.set_aside:
                self._keep_named()

    def _keep_named(self) -> None:
        self.audio.keep_only({take.audio for sound in self.store.sounds for take in sound.takes})

    def rename(self, old: str, new: str) -> str:
        """Raises StoreError, PerceiveError."""
        sound = self.found(old)
        renamed = self.store.rename(sound.label, new, label_of(new, self._others(sound)))
        return f"{sound.name} is called {renamed.name} now"

    def forget(self, name: str) -> str:
        """Raises StoreError."""
        forgotten = self.store.forget(self.found(name).label)
        self._forgot = True
        return f"{forgotten.name} was forgotten"

    def remember(self, slug: str, episodes: Sequence[Episode]) -> bool:
        """So that it can be said to have been wrong later; False when there was nothing to remember."""
        real = [episode for episode in episodes if not episode.test]
        for episode in real:
            at = rfc3339(self._clock() - (episode.duration or 0.0), "seconds")
            self.store.note(HeardEpisode(episode.id, slug, episode.label, at, episode.embeddings))
        return bool(real)

    def correct(self, slug: str, episode: str | None, was: str | None) -> str:
        """ "That was wrong" of an episode, or of the room's last one. Raises StoreError."""
        if episode is None:
            last = self.store.last(slug)
            if last is None:
                raise StoreError("no sound of this room is remembered that could have been wrong")
            episode = last.id
        correction, done = self.store.correct(episode, "" if was is None else self._known(was))
        if correction.label not in self._urgent:
            return done
        return f"{done}; {correction.label} is urgent, and reported all the same unless sounds.learn_urgent is true"

    def undo(self, correction: str | None, slug: str | None = None) -> str:
        """By its id, or so much of it as no other has; None: the last one of the room, or of all. Raises StoreError."""
        if correction is not None:
            alike = [one.id for one in self.store.corrections if one.id.startswith(correction)]
            correction = alike[0] if len(alike) == 1 else correction
        else:
            correction = next((c.id for c in self.store.corrections if slug in (None, c.room)), None)
        if correction is None:
            raise StoreError("there is no correction to undo")
        undone = self.store.undo(correction)
        return f"{undone.label} of {undone.said_at} in {undone.room} counts as right again"

    def names(self, slugs: Sequence[str]) -> dict[str, dict[str, str]]:
        """What each room listens for because it was taught: names by slug and label."""
        taught = {slug: {s.label: s.name for s in self.store.knowledge(slug).sounds} for slug in slugs}
        return {slug: names for slug, names in taught.items() if names}

    def taught_report(self, slug: str, detail: str = "") -> TaughtReport:
        sounds = self.store.knowledge(slug).sounds[:SHOWN_SOUNDS]
        lines = tuple(TaughtLine(s.name, s.label, len(s.takes), s.taught_at) for s in sounds)
        return TaughtReport(slug, lines, detail, self._answered_at(detail))

    def corrections_report(self, slug: str, detail: str = "") -> CorrectionsReport:
        of_room = [c for c in self.store.corrections if c.room == slug]
        lines = tuple(CorrectionLine(c.id, c.episode, c.label, c.was, c.said_at) for c in of_room[:SHOWN_CORRECTIONS])
        return CorrectionsReport(slug, len(of_room), lines, detail, self._answered_at(detail))

    def _answered_at(self, detail: str) -> str:
        return self.stamps.next() if detail else ""

    def now(self) -> str:
        return rfc3339(self._clock(), "seconds")

    def _others(self, sound: TaughtSound | None) -> frozenset[str]:
        taught = {other.label for other in self.store.sounds}
        return self._labels | (taught if sound is None else taught - {sound.label})

    def _known(self, name: str) -> str:
        """The label that somebody means. Raises StoreError."""
        if (sound := self.find(name)) is not None:
            return sound.label
        label = slugify(name)
        if label in self._labels:
            return label
        raise StoreError(f"no sound is called {name!r}; teach it first, or say only that it was wrong")


def made_of(taught: Taught, room: str | None, held: RoomLesson) -> tuple[TaughtSound, Quality]:
    """The sound of a lesson that is over. Raises PerceiveError."""
    lesson, embedder = held.lesson, Embedder()
    takes = [at_offsets(take, around, embedder) for take, around in zip(lesson.takes, held.around, strict=True)]
    return taught.make(held.name, takes, lesson.background, lesson.heard_as, room)
