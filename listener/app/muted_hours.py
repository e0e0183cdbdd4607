"""Closes the microphones at the hours that the configuration names, and opens those again that it closed."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from listener.app.calendar import Period, period
from listener.app.saving import Saving
from listener.config import Config, HourSpan, parse_hours
from listener.errors import StoreError
from listener.store.aside import set_aside
from listener.store.files import write_private
from listener.store.versions import JsonStep, NewerFileError, read_json
from listener.types import SetMute

LOOK_SECONDS = 5.0
"""How often the clock is looked at: it may be set, and a sleeping machine's timers do not run."""

MAX_BYTES = 100_000
VERSION = 1
STEPS: Mapping[int, JsonStep] = {0: lambda marks: {"rooms": marks}}
"""The first releases wrote the rooms only."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """What was done for a room at a boundary: when (s since 1970), and whether the hours closed the room."""

    boundary: float
    closed: bool


class MutedHours:
    """`apply_due` acts on each boundary once; until the next one, what a person chooses holds.

    At the end of the hours only those rooms are opened that the hours had closed: a microphone that a person closed
    is never opened by a clock. The marks are on disk, so that a restart repeats no boundary. `spans` is asked at every
    look, by room: rooms come and go with the configuration.
    """

    def __init__(
        self,
        spans: Callable[[], Mapping[str, Sequence[HourSpan]]],
        path: Path,
        is_muted: Callable[[str], bool],
        on_control: Callable[[str, SetMute], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._spans = spans
        self._path = path
        self._is_muted = is_muted
        self._on_control = on_control
        self._clock = clock
        self._marks: dict[str, Mark] | None = None
        self._saving = Saving(self.save)

    async def run(self) -> None:
        """Look at the clock until cancelled; then save what is not saved yet."""
        try:
            while True:
                self.apply_due()
                await self._saving.flush()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._saving.flush()

    def apply_due(self) -> None:
        """Close and open what is due."""
        spans = {room: tuple(of_room) for room, of_room in self._spans().items() if of_room}
        if not spans:
            return
        if self._marks is None:
            self._marks = _load(self._path)
        now = self._clock()
        periods = {of_room: period(of_room, now) for of_room in set(spans.values())}
        for room, of_room in spans.items():
            self._settle(room, periods[of_room], self._marks)

    def save(self) -> None:
        """Waits for the disk. A disk that takes nothing costs a repeated boundary after a restart, no more."""
        marks = {room: asdict(mark) for room, mark in (self._marks or {}).items()}
        try:
            write_private(self._path, json.dumps({"version": VERSION, "rooms": marks}, indent=2).encode())
        except OSError as error:
            logger.warning("%s: cannot be saved: %s; check the folder's owner and room", self._path, error.strerror)

    def _settle(self, room: str, now: Period, marks: dict[str, Mark]) -> None:
        mark = marks.get(room)
        boundary = now.since or 0.0
        if mark is not None and mark.boundary == boundary:
            return
        muted = self._is_muted(room)
        if now.muted and not muted:
            logger.info("%s: muted hours have begun; the microphone is closed", room, extra={"room": room})
            self._on_control(room, SetMute(True))
        elif not now.muted and muted and mark is not None and mark.closed:
            logger.info("%s: muted hours are over; the microphone is open", room, extra={"room": room})
            self._on_control(room, SetMute(False))
        # Hours that change while they last (clock set, configuration edited) do not forget who closed the room.
        closed_before = mark is not None and mark.closed
        marks[room] = Mark(boundary, now.muted and (not muted or closed_before))
        self._saving.mark()


def room_spans(config: Config) -> dict[str, list[HourSpan]]:
    """The muted hours of every room, by its slug: its own, or the house's."""
    house = config.privacy.muted_hours
    return {
        room.slug: [parse_hours(text) for text in (house if room.muted_hours is None else room.muted_hours)]
        for room in config.rooms
    }


def _load(path: Path) -> dict[str, Mark]:
    """What was done before. A file that is not ours to read means that nothing was: muted hours then begin anew."""
    try:
        kept = read_json(path, MAX_BYTES, STEPS, VERSION)
        return {str(room): _mark(mark) for room, mark in kept["rooms"].items()}
    except FileNotFoundError:
        return {}
    except NewerFileError as error:
        logger.warning("%s: %s; %s. The present hours are applied again", path, error, set_aside(path, error))
        return {}
    except (StoreError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        logger.warning("%s: is not what we wrote (%s); the present hours are applied again", path, error)
        return {}


def _mark(kept: Any) -> Mark:
    if not isinstance(kept["closed"], bool):
        raise TypeError("`closed` is no boolean")
    return Mark(float(kept["boundary"]), kept["closed"])
