"""Taught sounds, corrections and the last episodes on disk: one JSON file, embeddings and no sound.

Losing it is a nuisance and never a reason to stop hearing: nothing raises because of what is on the disk.
"""

import json
import logging
import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from listener.errors import StoreError
from listener.store.aside import lies_aside, read_else_set_aside
from listener.store.files import write_private
from listener.store.taught_json import (
    MAX_TAKES,
    read_correction,
    read_embedding,
    read_episode,
    read_sound,
    written,
)
from listener.store.versions import JsonStep, read_json
from listener.types.taught import Correction, Embedding, HeardEpisode, Knowledge, Take, TaughtSound

logger = logging.getLogger(__name__)

T = TypeVar("T")

VERSION: Final = 1
STEPS: Final[Mapping[int, JsonStep]] = {}
"""From version to version, when there are more than one."""
MAX_BYTES: Final = 64_000_000
MAX_SOUNDS: Final = 50
MAX_CORRECTIONS: Final = 200
MAX_EPISODES: Final = 200
EPISODE_DAYS: Final = 7.0
MAX_ORDINARY: Final = 60
"""Of a room: embeddings of its ordinary life."""
ADDED_SECONDS: Final = 0.0
"""An example that came of a correction: how long it was is not known."""


class TaughtStore:
    """In memory and in one file, mode 0600. The calls are quick and belong to the event loop; only `save` waits for the
    disk, so call it in a thread after each change. What cannot be read is set aside and logged, never raised.

    `warning`: why it cannot be saved, for a person; None while it can.
    """

    def __init__(
        self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC), *, owner: bool = True
    ) -> None:
        """A file that cannot be read is set aside by its `owner`, and an error for everybody else (StoreError)."""
        self._path = path
        self._clock = clock
        self._memory = threading.Lock()
        self._disk = threading.Lock()
        self._chance = random.Random()  # noqa: S311 (a sample of background, no secret)
        self._offered: dict[str, int] = {}
        self.warning: str | None = None
        data = self._load(owner)
        self._sounds = {one.label: one for one in self._each(data, "sounds", read_sound)}
        self._corrections = deque(self._each(data, "corrections", read_correction), MAX_CORRECTIONS)
        self._episodes = {one.id: one for one in self._each(data, "episodes", read_episode)}
        ordinary = data.get("ordinary")
        self._ordinary = {
            room: self._each(ordinary, room, read_embedding)[:MAX_ORDINARY]
            for room in (ordinary if isinstance(ordinary, dict) else {})
        }

    @property
    def sounds(self) -> tuple[TaughtSound, ...]:
        """By label."""
        with self._memory:
            return tuple(self._sounds[label] for label in sorted(self._sounds))

    @property
    def set_aside(self) -> bool:
        """A file of ours that could not be read lies beside it."""
        return lies_aside(self._path)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """The newest first."""
        with self._memory:
            return tuple(reversed(self._corrections))

    def put(self, sound: TaughtSound) -> None:
        """Add it, or put it in the place of the one with its label: what was told wrong of that one does not hold for
        this one, and it is listened for where either was. Raises StoreError: there are MAX_SOUNDS."""
        with self._memory:
            before = self._sounds.get(sound.label)
            if before is None and len(self._sounds) >= MAX_SOUNDS:
                raise StoreError(f"{MAX_SOUNDS} sounds are taught already: forget one first")
            if before is not None:
                everywhere = not before.rooms or not sound.rooms
                rooms = () if everywhere else tuple(dict.fromkeys((*before.rooms, *sound.rooms)))
                sound = replace(sound, rooms=rooms)
                self._drop_corrections(sound.label)
            self._sounds[sound.label] = sound

    def put_heard_again(self, before: TaughtSound, takes: Sequence[Take]) -> bool:
        """The same sound with other embeddings of its takes; not if it was changed or forgotten meanwhile."""
        with self._memory:
            if self._sounds.get(before.label) != before:
                return False
            self._sounds[before.label] = replace(before, takes=tuple(takes))
            return True

    def rename(self, label: str, name: str, new_label: str) -> TaughtSound:
        """`new_label`: from `label_of`. What was told wrong of it goes with it.

        Raises StoreError: no such label, or the new one is taken.
        """
        with self._memory:
            self._taught(label)
            if new_label != label and new_label in self._sounds:
                raise StoreError(f"a sound is called {new_label} already")
            sound = self._sounds[new_label] = replace(self._sounds.pop(label), name=name, label=new_label)
            renamed = [
                replace(
                    one,
                    label=new_label if one.label == label else one.label,
                    was=new_label if one.was == label else one.was,
                )
                for one in self._corrections
            ]
            self._corrections = deque(renamed, MAX_CORRECTIONS)
            for one in [episode for episode in self._episodes.values() if episode.label == label]:
                self._episodes[one.id] = replace(one, label=new_label)
            return sound

    def forget(self, label: str) -> TaughtSound:
        """Raises StoreError: no such label. What was told wrong of it goes with it, its episodes, and what was kept of
        the ordinary life of rooms for which nothing is taught any more."""
        with self._memory:
            self._taught(label)
            self._drop_corrections(label)
            forgotten = self._sounds.pop(label)
            self._episodes = {key: one for key, one in self._episodes.items() if one.label != label}
            for room in tuple(self._ordinary):
                if not any(not sound.rooms or room in sound.rooms for sound in self._sounds.values()):
                    del self._ordinary[room]
                    self._offered.pop(room, None)
            return forgotten

    def _drop_corrections(self, label: str) -> None:
        self._corrections = deque((one for one in self._corrections if one.label != label), MAX_CORRECTIONS)

    def note(self, episode: HeardEpisode) -> None:
        """Remember an episode that has started or ended (then with more embeddings): the last 200, seven days."""
        with self._memory:
            before = self._episodes.get(episode.id)  # keeps its place: the newest is the one that started last
            if before is not None:
                episode = replace(episode, started_at=before.started_at)
            self._episodes[episode.id] = episode
            oldest = (self._clock() - timedelta(days=EPISODE_DAYS)).isoformat()
            for key, one in tuple(self._episodes.items()):
                if len(self._episodes) > MAX_EPISODES or one.started_at < oldest:
                    del self._episodes[key]

    def last(self, room: str) -> HeardEpisode | None:
        """The room's newest episode."""
        with self._memory:
            return next((one for one in reversed(self._episodes.values()) if one.room == room), None)

    def episode(self, episode: str) -> HeardEpisode | None:
        with self._memory:
            return self._episodes.get(episode)

    def correct(self, episode: str, was: str = "") -> tuple[Correction, str]:
        """ "That was wrong", or "that was NAME" with NAME's label: the correction, and what it does, for a person
        (what is forgotten for it, when there are 200). Said again of one episode, it replaces what was said before.

        Raises StoreError: no such episode, one without an embedding, or one that has that very label.
        """
        with self._memory:
            heard = self._episodes.get(episode)
            if heard is None:
                raise StoreError(f"no episode {episode:.40} of the last {EPISODE_DAYS:g} days is remembered")
            if not heard.embeddings:
                raise StoreError(
                    f"nothing is remembered to know this {heard.label} by: it was recognised by its pattern, which "
                    "cannot be told wrong, or the machine could hardly keep up then (the log says so)"
                )
            if was == heard.label:
                raise StoreError(f"it was reported as {was}, so there is nothing to correct")
            for before in [one for one in self._corrections if one.episode == episode]:
                self._take_back(before)
            added = self._add_take(was, heard.embeddings)
            forgotten = len(self._corrections) == MAX_CORRECTIONS
            said_at = self._clock().isoformat(timespec="seconds")
            correction = Correction(
                *(str(uuid.uuid4()), heard.id, heard.room, heard.label, said_at, heard.embeddings, was, added)
            )
            self._corrections.append(correction)
        words = f"sounds like this one are not reported as {heard.label} in {heard.room} any more"
        words += f"; it is an example of {was} from now on" if added else ""
        words += f"; the oldest of {MAX_CORRECTIONS} corrections was forgotten for it" if forgotten else ""
        return correction, words

    def undo(self, correction: str) -> Correction:
        """Take it back, and the example that it gave. Raises StoreError: no such correction."""
        with self._memory:
            found = next((one for one in self._corrections if one.id == correction), None)
            if found is None:
                raise StoreError(f"no correction is called {correction:.40}; see the list of them")
            self._take_back(found)
            return found

    def knowledge(self, room: str) -> Knowledge:
        """What this room's hearing is to know."""
        with self._memory:
            ordinary = tuple(self._ordinary.get(room, ()))
            sounds = [one for one in self._sounds.values() if not one.rooms or room in one.rooms]
            return Knowledge(
                tuple(replace(one, background=(*one.background, *ordinary)) for one in sounds),
                tuple(one for one in self._corrections if one.room == room),
            )

    def add_ordinary(self, room: str, embeddings: Sequence[Embedding]) -> bool:
        """More of what the room is like when nothing taught is heard: a fair sample of MAX_ORDINARY is kept (reservoir
        sampling: Vitter, "Random Sampling with a Reservoir", ACM TOMS 1985). Whether any of these is."""
        with self._memory:
            kept = self._ordinary.setdefault(room, [])
            changed = False
            for one in embeddings:
                offered = self._offered[room] = self._offered.get(room, len(kept)) + 1
                if len(kept) < MAX_ORDINARY:
                    kept.append(one)
                elif (place := self._chance.randrange(offered)) < MAX_ORDINARY:
                    kept[place] = one
                else:
                    continue
                changed = True
            return changed

    def save(self) -> bool:
        """Write everything, at once or not at all. False when the disk does not take it; memory still has it."""
        with self._disk:
            with self._memory:
                data = {
                    "version": VERSION,
                    "sounds": written(list(self._sounds.values())),
                    "corrections": written(list(self._corrections)),
                    "episodes": written(list(self._episodes.values())),
                    "ordinary": {room: written(kept) for room, kept in self._ordinary.items()},
                }
            try:
                write_private(self._path, json.dumps(data).encode())
            except OSError as error:
                self._warn(
                    f"{self._path}: what was taught cannot be saved: {error.strerror or error}; it holds until the "
                    "next restart. Make room, or check the folder's owner and mode"
                )
                return False
            if self.warning is not None:
                logger.warning("%s: what is taught is saved again", self._path)
            self.warning = None
            return True

    def _taught(self, label: str) -> None:
        if label not in self._sounds:
            there = ", ".join(sorted(self._sounds)) or "none"
            raise StoreError(f"no taught sound is called {label:.60}; there are: {there}")

    def _add_take(self, label: str, embeddings: tuple[Embedding, ...]) -> bool:
        """An example more for a taught sound; not for a known label, and not without end."""
        sound = self._sounds.get(label)
        if sound is None or len(sound.takes) >= MAX_TAKES:
            return False
        take = Take(embeddings, ADDED_SECONDS, 0.0)
        self._sounds[label] = replace(sound, takes=(*sound.takes, take))
        return True

    def _take_back(self, correction: Correction) -> None:
        self._corrections.remove(correction)
        sound = self._sounds.get(correction.was)
        if correction.added_take and sound is not None:
            takes = tuple(one for one in sound.takes if one.embeddings != correction.embeddings)
            self._sounds[sound.label] = replace(sound, takes=takes)

    def _warn(self, text: str) -> None:
        if self.warning is None:
            logger.warning("%s", text)
        self.warning = text

    def _load(self, owner: bool) -> dict[str, Any]:
        if owner:
            return read_else_set_aside(
                self._path, _read, lambda why: logger.error("%s. Nothing that was taught is known", why)
            )
        try:
            return _read(self._path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be read: {error.strerror or error}") from None
        except StoreError as error:
            raise StoreError(f"{self._path}: {error}; the daemon sets it aside when it starts") from None

    def _each(self, data: Any, key: str, read: Callable[[Any], T]) -> list[T]:
        """The entries of a list that make sense; each other one is named in the log and left out."""
        entries = data.get(key, [])
        if not isinstance(entries, list):
            logger.warning("%s: %s: is no list; ignored", self._path, key)
            return []
        found = []
        for number, entry in enumerate(entries):
            try:
                found.append(read(entry))
            except ValueError as error:
                logger.warning("%s: %s %d: %s is not possible; ignored", self._path, key, number, error)
        return found


def _read(path: Path) -> dict[str, Any]:
    return read_json(path, MAX_BYTES, STEPS, VERSION)
