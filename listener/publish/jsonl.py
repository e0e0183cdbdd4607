"""Events as JSON lines, for pipes and scripts."""

import contextlib
import io
import logging
import os
from collections.abc import Mapping
from typing import Any, TextIO

from listener.publish.payloads import encode
from listener.types import Event, Report, event_dict

logger = logging.getLogger(__name__)


class JsonLines:
    """Implements `Publisher`: one event a line, each flushed, followed by what `extra` adds; reports are no events.

    When the reader goes away (`| head`) the rest is dropped and `broken` becomes true: nobody is left to tell. When the
    stream cannot be written otherwise (a full disk), the rest is dropped too, and `failure` says why, for the log once.
    """

    def __init__(self, stream: TextIO, extra: Mapping[str, Any] | None = None) -> None:
        self._stream = stream
        self._extra = dict(extra or {})
        self.broken = False
        self.failure: str | None = None

    def publish(self, event: Event) -> None:
        if self.broken:
            return
        line = encode({**event_dict(event), **self._extra}).decode()
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            self.broken = True
            self._point_nowhere()
        except OSError as error:
            self.broken = True
            self.failure = f"events cannot be written: {error.strerror}; make room, or write them elsewhere"
            logger.error("%s; the rest of them is dropped", self.failure)

    def report(self, report: Report) -> None:
        """Nothing: a report is no event."""

    def _point_nowhere(self) -> None:
        """Python flushes stdout once more at exit and would complain there (docs.python.org, "Note on SIGPIPE")."""
        with contextlib.suppress(io.UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
