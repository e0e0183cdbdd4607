"""Remembers which sounds have begun and not ended, to end them when their room can do so no more."""

import logging
from collections.abc import Sequence

from listener.times import rfc3339
from listener.types import Decision, Event, Publisher, Report, SoundEnded, SoundStarted

logger = logging.getLogger(__name__)


class OpenSounds:
    """Implements `Publisher`. A room that hangs, or is no more, must not leave a sensor ON for ever."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, SoundStarted]] = {}
        self._t: dict[str, float] = {}

    def publish(self, event: Event) -> None:
        match event:
            case SoundStarted():
                self._open.setdefault(event.room, {})[event.id] = event
            case SoundEnded():
                self._open.get(event.room, {}).pop(event.id, None)
            case Decision():
                self._t[event.room] = event.t

    def report(self, report: Report) -> None:
        """Nothing: a report is no sound."""

    def end(self, room: str, publishers: Sequence[Publisher]) -> None:
        """Tell everybody that the room's sounds are over, at the last moment that it heard."""
        now = rfc3339()
        t = self._t.get(room, 0.0)
        for sound in tuple(self._open.get(room, {}).values()):
            logger.info("%s: %s (%s) is ended, because the room cannot tell any more", room, sound.label, sound.id)
            ended = SoundEnded(
                room=room,
                t=t,
                time=now,
                id=sound.id,
                label=sound.label,
                score=sound.score,
                onset=sound.onset,
                duration=round(max(0.0, t - sound.onset), 3),
                test=sound.test,
            )
            for publisher in publishers:
                publisher.publish(ended)
