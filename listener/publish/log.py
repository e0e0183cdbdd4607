"""What happened in the rooms, as log lines with the room and the event's id in fields of their own."""

import logging

from listener.types import Command, Event, Report, ResponseEnded, SoundEnded, SoundStarted

logger = logging.getLogger(__name__)


class EventLog:
    """Implements `Publisher`. Words that were said, by people or by us, are not logged: a journal is kept for weeks."""

    def publish(self, event: Event) -> None:
        match event:
            case SoundStarted():
                test = ", a test" if event.test else ""
                self._log(event, event.id, f"{event.label} started ({event.score:.2f}{test})")
            case SoundEnded():
                self._log(event, event.id, f"{event.label} ended after {event.duration:.1f} s")
            case Command():
                why = f": {event.reason}" if event.reason else ""
                self._log(event, event.id, f"command {event.intent} {event.verdict}{why}")
            case ResponseEnded():
                self._log(event, event.id, f"answer ended: {event.reason}")

    def report(self, report: Report) -> None:
        """States are on the dashboard; the log is for what happened."""

    def _log(self, event: Event, identifier: str, text: str) -> None:
        logger.info("%s: %s", event.room, text, extra={"room": event.room, "event_id": identifier})
